#include "plimsoll/cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::size_t kBar = 20;

bool can_draw_over(const Call& call) {
  return ::isatty(fileno(call.err)) == 1 && call.variable("TERM") != "dumb";
}

std::size_t columns_of(std::FILE* terminal) {
  winsize found{};
  const bool known = ::ioctl(fileno(terminal), TIOCGWINSZ, &found) == 0 && found.ws_col > 0;
  return known ? found.ws_col : 80;
}

std::string in_seconds(Duration duration) {
  return format_duration(std::chrono::duration_cast<std::chrono::seconds>(duration));
}

}  // namespace

std::string progress_line(const ProgressStep& step, Duration elapsed, std::size_t columns) {
  std::string line = step.what;
  std::string bar, rest;
  if (step.share) {
    const double share = std::clamp(*step.share, 0.0, 1.0);
    const auto marks = static_cast<std::size_t>(share * kBar);
    bar = "  [" + std::string(marks, '#') + std::string(kBar - marks, '-') + "]";
    rest = "  " + std::to_string(static_cast<int>(share * 100)) + " %";
    // A pace measured over nothing says nothing.
    if (share >= 0.01 && share < 1) {
      const double left = std::chrono::duration<double>(elapsed).count() * (1 - share) / share;
      const auto seconds = std::chrono::seconds(static_cast<std::int64_t>(std::ceil(std::min(left, 1e8))));
      rest += ", about " + format_duration(seconds) + " left";
    }
  } else {
    rest = "  " + (step.detail.empty() ? "" : step.detail + ", ") + in_seconds(elapsed);
  }
  std::string detail = step.share && !step.detail.empty() ? "  " + step.detail : "";
  if (line.size() + bar.size() + rest.size() + detail.size() <= columns) return line + bar + rest + detail;
  while (!detail.empty() && line.size() + rest.size() + detail.size() > columns) {
    const std::size_t comma = detail.rfind(", ");
    detail.resize(comma == std::string::npos ? 0 : comma);
  }
  if (!detail.empty()) return line + rest + detail;
  if (line.size() + bar.size() + rest.size() <= columns) return line + bar + rest;
  if (line.size() + rest.size() > columns)
    line.resize(columns > rest.size() ? std::min(line.size(), columns - rest.size()) : 0);
  line += rest;
  return line.substr(0, columns);
}

Progress::Progress(Options options) : options_(std::move(options)), asked_(options_.now()), begun_(asked_) {}

Progress::Progress(const Call& call) : Progress(Options{.to = call.err, .terminal = can_draw_over(call)}) {}

void Progress::at(const ProgressStep& step) {
  if (!options_.terminal) return;
  const MonotonicTime now = options_.now();
  if (now - asked_ < kPatience || (shown_ && now - drawn_ < kPeriod)) return;
  // The last column stays free: a terminal would go on to the next line, where it cannot be drawn over.
  const std::string line = "\r" + progress_line(step, now - begun_, columns_of(options_.to) - 1) + "\x1b[K";
  std::fwrite(line.data(), 1, line.size(), options_.to);
  std::fflush(options_.to);
  drawn_ = now;
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", options_.to);
  std::fflush(options_.to);
  shown_ = false;
}

Waiting::Waiting(const Call& call, std::string what) : progress_(call) {
  if (!can_draw_over(call)) return;
  thread_ = std::thread([this, what = std::move(what)] {
    MutexLock lock(mutex_);
    while (!ended_) {
      over_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
      if (!ended_) progress_.at({.what = what, .share = std::nullopt});
    }
  });
}

Waiting::~Waiting() {
  {
    MutexLock lock(mutex_);
    ended_ = true;
  }
  over_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace plimsoll
