// Clock: where time comes from, so that tests own it and never sleep.
//
// monotonic_now() is for waits, rates and ages; wall_ms() (Unix time in milliseconds) is for what people and
// clients name: times to live, timestamps.
//
// Thread-safety: both clocks may be read from any thread; ManualClock may be advanced from any.
// Cost: one vDSO call, 20-30 ns (ManualClock: a load). Limits: none. Errors: none.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace plimsoll {

using MonotonicTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;  // nanoseconds

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime monotonic_now() const = 0;
  virtual std::int64_t wall_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  MonotonicTime monotonic_now() const override { return std::chrono::steady_clock::now(); }
  std::int64_t wall_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t wall_ms = 1'700'000'000'000) : wall_start_ms_(wall_ms) {}

  MonotonicTime monotonic_now() const override {
    return MonotonicTime(Duration(elapsed_ns_.load(std::memory_order_relaxed)));
  }
  std::int64_t wall_ms() const override {
    return wall_start_ms_ + elapsed_ns_.load(std::memory_order_relaxed) / 1'000'000;
  }
  void advance(Duration by) { elapsed_ns_.fetch_add(by.count(), std::memory_order_relaxed); }

 private:
  const std::int64_t wall_start_ms_;
  std::atomic<std::int64_t> elapsed_ns_{1'000'000'000};
};

}  // namespace plimsoll
