// Progress: one line on a terminal about work that takes longer than two seconds, and nothing anywhere else.
//
// Who waits without a word does not know whether it hangs. Two seconds, as what is over before is only
// disturbed by it. On standard error, so that what is printed can go through a pipe meanwhile; the line is
// drawn over, and gone at the end.
//
//   Progress progress(call);
//   while (more()) progress.at({.what = "reading " + name, .share = done / all});
//   progress.clear();  // before anything else is written to the terminal
//
// Thread-safety: one thread. Cost: at() a look at the clock; a write ten times a second at most. Limits: one
// in a process at a time. Errors: none. Ownership: the stream is the caller's.
#pragma once

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {

struct ProgressStep {
  std::string what;             // "reading web.csv"
  std::optional<double> share;  // of the work that is done; nothing where nobody knows how much there is
  std::string detail = {};      // what can be counted besides, or instead: "12,345 rows, 3 faults"
};

// The line, with the time that it still takes at this pace, or the time so far; not wider than `columns`: the
// bar goes first, then the parts of `detail` behind its first commas.
std::string progress_line(const ProgressStep& step, Duration elapsed, std::size_t columns);

class Progress {
 public:
  static constexpr std::chrono::seconds kPatience{2};
  static constexpr std::chrono::milliseconds kPeriod{100};

  struct Options {
    std::FILE* to;
    bool terminal;  // false: nothing is ever written
    std::function<MonotonicTime()> now = [] { return std::chrono::steady_clock::now(); };
  };
  explicit Progress(Options options);
  // On the call's standard error, where that is a terminal that can draw over a line.
  explicit Progress(const Call& call);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(const ProgressStep& step);
  // Other work begins, whose pace is not that of the work before. It has been waited for all the same.
  void restart() { begun_ = options_.now(); }
  void clear();

 private:
  const Options options_;
  const MonotonicTime asked_;  // when the waiting began
  MonotonicTime begun_;        // and the work that is measured
  MonotonicTime drawn_{};
  bool shown_ = false;
};

// Says what is waited for while the caller waits in one call that tells nothing. A thread, and only where
// there is a terminal.
class Waiting {
 public:
  Waiting(const Call& call, std::string what);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Progress progress_;
  Mutex mutex_;
  CondVar over_;
  bool ended_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace plimsoll
