#include "plimsoll/pool/demand.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "plimsoll/base/check.h"

namespace plimsoll {

Result<void> DemandTracker::Options::Validate() const {
  if (minimum > maximum) return fail(ErrorCode::kOutOfRange, "the minimum is at most the maximum");
  if (ticks == 0 || ticks > kMostTicks) return fail(ErrorCode::kOutOfRange, "1 to 1024 ticks");
  if (!(quantile > 0 && quantile <= 1)) return fail(ErrorCode::kOutOfRange, "a quantile above 0, at most 1");
  if (!(headroom >= 0 && headroom <= 1)) return fail(ErrorCode::kOutOfRange, "a headroom from 0 to 1");
  return {};
}

DemandTracker::DemandTracker(const Options& options)
    : options_(options), limit_(options.minimum), peaks_(std::max<std::size_t>(options.ticks, 1)) {
  const Result<void> valid = options.Validate();
  PLIMSOLL_CHECK(valid, "%s", valid.error().what);
}

std::size_t DemandTracker::rank_in(std::size_t values) const {
  const double exact = options_.quantile * static_cast<double>(values);
  // A product like 0.9 * 20 may come out a little above the whole number that is meant.
  const auto rank = static_cast<std::size_t>(std::ceil(exact - 1e-9));
  return std::clamp<std::size_t>(rank, 1, values);
}

std::uint64_t DemandTracker::tick(std::uint64_t in_use) {
  const std::uint64_t peak = std::max(peak_.exchange(in_use, std::memory_order_relaxed), in_use);
  MutexLock lock(mutex_);
  ++ticks_;
  peaks_.push(peak);
  std::array<std::uint64_t, kMostTicks> sorted;
  for (std::size_t i = 0; i < peaks_.size(); ++i) sorted[i] = peaks_[i];
  auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(rank_in(peaks_.size()) - 1);
  std::nth_element(sorted.begin(), nth, sorted.begin() + static_cast<std::ptrdiff_t>(peaks_.size()));
  std::uint64_t wanted = std::min(*nth, options_.maximum);
  if (wanted > 0 && options_.headroom > 0) {
    const auto extra = static_cast<std::uint64_t>(static_cast<double>(wanted) * options_.headroom);
    wanted += std::min(std::max<std::uint64_t>(extra, 1), options_.maximum - wanted);
  }
  wanted = std::max(wanted, options_.minimum);
  limit_.store(wanted, std::memory_order_relaxed);
  return wanted;
}

void DemandTracker::press() {
  MutexLock lock(mutex_);
  ++pressed_;
  peaks_.clear();
  peak_.store(0, std::memory_order_relaxed);
  limit_.store(options_.minimum, std::memory_order_relaxed);
}

DemandTracker::Stats DemandTracker::stats() const {
  MutexLock lock(mutex_);
  return {
      .limit = limit(), .peak = peak_.load(std::memory_order_relaxed), .ticks = ticks_, .pressed = pressed_};
}

void DemandTracker::CheckInvariants() const {
  const std::uint64_t now = limit();
  PLIMSOLL_CHECK(now >= options_.minimum && now <= options_.maximum, "limit %llu",
                 static_cast<unsigned long long>(now));
}

}  // namespace plimsoll
