// TopScreen: a terminal that shows frames on its second screen and hears keys and signals, and is left as it
// was found.
//
// Plain ECMA-48 sequences that every terminal of the last thirty years has; why no ncurses: two sequences to
// enter and leave, one to go home and one to clear the rest is all that is used of it.
//
// Invariant: whenever this process does not show frames (it ended, was suspended, or failed), the terminal
// has its first screen, its cursor and the settings from before.
//
// Thread-safety: one thread; make it before others start, as it takes the signals that end and resize a
// program away from all of them. Cost: a write a frame. Limits: one in a process. Errors: kSystem, when the
// terminal is gone. Ownership: the descriptors are the caller's.
#pragma once

#include <signal.h>
#include <termios.h>

#include <string>
#include <vector>

#include "plimsoll/base/result.h"
#include "plimsoll/cli/top_frame.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

class TopScreen {
 public:
  // `in`: where keys come from; without a terminal there, no keys come.
  static Result<TopScreen> open(int in, int out);
  TopScreen(TopScreen&& other) noexcept;
  TopScreen& operator=(TopScreen&&) = delete;
  ~TopScreen();

  TopSize size() const;
  Result<void> show(const std::vector<std::string>& lines);

  // Gives the terminal back, as the destructor does.
  void leave();

  enum class Heard { kNothing, kKey, kResized, kEnd, kNews };
  struct Word {
    Heard what = Heard::kNothing;
    char key = 0;    // of kKey
    int signal = 0;  // of kEnd; SIGHUP where nobody sits at the terminal any more
  };
  // The next thing that happens within `time`; `news` is a descriptor that tells of something new.
  Word listen(Duration time, int news);

 private:
  TopScreen(int in, int out, FileDescriptor signals, const sigset_t& before)
      : in_(in), out_(out), signals_(std::move(signals)), mask_before_(before) {}
  Result<void> enter();
  void suspend();
  Word heard_signal();

  int in_;
  int out_;
  FileDescriptor signals_;
  sigset_t mask_before_;
  bool keys_ = false;  // the terminal's settings are ours; `settings_` are those from before
  bool shown_ = false;
  bool ours_ = true;  // false: moved from
  termios settings_{};
};

}  // namespace plimsoll
