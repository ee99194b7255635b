#include "plimsoll/server/log.h"

// Header-only: half a megabyte less resident than the shared libraries of spdlog and fmt, and two fewer to
// load. Only this file pays for compiling it.
#define FMT_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace plimsoll {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warning", "error", "off"};
constexpr std::array<spdlog::level::level_enum, 5> kTheirs = {
    spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err, spdlog::level::off};

}  // namespace

std::string_view name_of(LogLevel level) { return kNames[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> log_level_named(std::string_view name) {
  auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<LogLevel>(found - kNames.begin());
}

struct Log::Sink {
  spdlog::logger logger{"", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

Log::Log(LogLevel level, const Clock* clock)
    : clock_(clock ? *clock : system_clock_),
      sink_(std::make_unique<Sink>()),
      level_(level),
      counted_at_(clock_.monotonic_now()) {
  sink_->logger.set_level(spdlog::level::trace);  // levels are decided here
  sink_->logger.set_pattern("%Y-%m-%d %H:%M:%S.%e %-7l  %v");
}

Log::~Log() = default;

bool Log::may_write() {
  MutexLock lock(mutex_);
  MonotonicTime now = clock_.monotonic_now();
  double seconds = std::chrono::duration<double>(now - counted_at_).count();
  counted_at_ = now;
  allowance_ = std::min(kFirstLines, allowance_ + seconds * kLinesASecond);
  if (allowance_ < 1) {
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  allowance_ -= 1;
  std::uint64_t unreported = left_out() - reported_;
  if (unreported > 0) {
    sink_->logger.warn("{} lines were left out here", unreported);
    reported_ += unreported;
  }
  return true;
}

void Log::write(LogLevel level, const char* format, std::va_list arguments) {
  if (!may_write()) return;
  std::array<char, 1000> line{};
  int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  auto size = std::min(static_cast<std::size_t>(std::max(length, 0)), line.size() - 1);
  for (std::size_t i = 0; i < size; ++i) {
    if (static_cast<unsigned char>(line[i]) < 0x20) line[i] = ' ';  // what clients named cannot make lines
  }
  sink_->logger.log(kTheirs[static_cast<std::size_t>(level)], spdlog::string_view_t(line.data(), size));
}

void Log::debug(const char* format, ...) {
  if (!shows(LogLevel::kDebug)) return;
  std::va_list arguments;
  va_start(arguments, format);
  write(LogLevel::kDebug, format, arguments);
  va_end(arguments);
}

void Log::info(const char* format, ...) {
  if (!shows(LogLevel::kInfo)) return;
  std::va_list arguments;
  va_start(arguments, format);
  write(LogLevel::kInfo, format, arguments);
  va_end(arguments);
}

void Log::warning(const char* format, ...) {
  if (!shows(LogLevel::kWarning)) return;
  std::va_list arguments;
  va_start(arguments, format);
  write(LogLevel::kWarning, format, arguments);
  va_end(arguments);
}

void Log::error(const char* format, ...) {
  if (!shows(LogLevel::kError)) return;
  std::va_list arguments;
  va_start(arguments, format);
  write(LogLevel::kError, format, arguments);
  va_end(arguments);
}

}  // namespace plimsoll
