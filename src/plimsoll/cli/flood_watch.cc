#include "plimsoll/cli/flood_watch.h"

#include <algorithm>
#include <string>

namespace plimsoll {

namespace {
constexpr std::size_t kMostSamples = 60'000;
}

Result<std::unique_ptr<FloodWatch>> FloodWatch::open(pid_t process, bool alone) {
  auto reader = ProcessReader::open("/", std::to_string(process));
  if (!reader) return tl::unexpected(reader.error());
  std::optional<CgroupMemory> group;
  if (alone) {
    auto found = CgroupMemory::find("/", std::to_string(process));
    if (!found) return tl::unexpected(found.error());
    group.emplace(std::move(*found));
  }
  std::unique_ptr<FloodWatch> watch(new FloodWatch(std::move(*reader), std::move(group)));
  watch->tick(std::chrono::steady_clock::now());
  return watch;
}

FloodWatch::~FloodWatch() { stop(); }

void FloodWatch::tick(MonotonicTime) {
  auto process = process_.memory();
  // A process that is being killed has given up its memory before it is gone.
  if (!process || process->anonymous.zero()) return;
  std::optional<GroupUse> group;
  if (group_) {
    if (auto use = group_->use()) group = *use;
  }
  FloodSample sample{std::chrono::steady_clock::now(), held_of(*process, group)};
  MutexLock lock(mutex_);
  if (samples_.size() < kMostSamples) samples_.push_back(sample);
}

FloodSample FloodWatch::latest() const {
  MutexLock lock(mutex_);
  return samples_.empty() ? FloodSample() : samples_.back();
}

FloodSample FloodWatch::nearest(MonotonicTime time) const {
  MutexLock lock(mutex_);
  auto distance = [&](const FloodSample& sample) { return std::chrono::abs(sample.at - time); };
  auto found = std::ranges::min_element(samples_, {}, distance);
  return found == samples_.end() ? FloodSample() : *found;
}

std::vector<FloodSample> FloodWatch::samples() const {
  MutexLock lock(mutex_);
  return samples_;
}

std::optional<MonotonicTime> FloodWatch::first_at_most(Bytes total, MonotonicTime from) const {
  for (const FloodSample& sample : samples()) {
    if (sample.at >= from && sample.total() <= total) return sample.at;
  }
  return std::nullopt;
}

std::optional<MonotonicTime> FloodWatch::first_at_least(Bytes total, MonotonicTime from) const {
  for (const FloodSample& sample : samples()) {
    if (sample.at >= from && sample.total() >= total) return sample.at;
  }
  return std::nullopt;
}

}  // namespace plimsoll
