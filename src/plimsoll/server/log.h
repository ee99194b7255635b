// Log: lines for the person who runs the server, to standard error.
//
//   2026-03-02 14:05:09.120 warning  closed 127.0.0.1:50312: it does not read, and holds 4 MiB
//
// Not for events that a program should see: those are the governor's EventLog and metrics. A flood of lines
// (a hundred a second) is cut and counted, because a terminal or pipe that nobody reads would stop the loops.
// Invariant: what is cut is counted in left_out(), and the log says so itself with the next line that it
// writes.
//
// Thread-safety: any thread. Cost: a level that is off is one load; a line about 3 us and the write to
// standard error. Limits: lines are cut at 1,000 bytes, and at 100 lines a second after a first 200. Errors:
// none: a line that cannot be written is lost. Ownership: the clock must outlive it.
#pragma once

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };
std::string_view name_of(LogLevel level);
std::optional<LogLevel> log_level_named(std::string_view name);

class Log {
 public:
  explicit Log(LogLevel level, const Clock* clock = nullptr);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Formats as printf does; a line each, without its end.
  [[gnu::format(printf, 2, 3)]] void debug(const char* format, ...);
  [[gnu::format(printf, 2, 3)]] void info(const char* format, ...);
  [[gnu::format(printf, 2, 3)]] void warning(const char* format, ...);
  [[gnu::format(printf, 2, 3)]] void error(const char* format, ...);

  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }
  bool shows(LogLevel level) const { return level >= this->level(); }
  std::uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }

 private:
  static constexpr double kLinesASecond = 100;
  static constexpr double kFirstLines = 200;
  struct Sink;

  void write(LogLevel level, const char* format, std::va_list arguments);
  bool may_write();

  const SystemClock system_clock_;
  const Clock& clock_;
  std::unique_ptr<Sink> sink_;
  std::atomic<LogLevel> level_;
  std::atomic<std::uint64_t> left_out_{0};
  Mutex mutex_;
  double allowance_ PLIMSOLL_GUARDED_BY(mutex_) = kFirstLines;
  MonotonicTime counted_at_ PLIMSOLL_GUARDED_BY(mutex_);
  std::uint64_t reported_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // of left_out_
};

}  // namespace plimsoll
