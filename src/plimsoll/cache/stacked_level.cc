#include "plimsoll/cache/stacked_level.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "plimsoll/cache/internal/level_record.h"

namespace plimsoll {

// One batch on its way to the far one.
struct StackedLevel::Carrying {
  std::uint32_t generation;
  std::vector<std::pair<std::string, std::optional<std::string>>> items{};  // without a value: erased
  std::size_t batch = 0;                                                    // bytes that wait
  std::size_t bytes = 0, puts = 0;                                          // of the step
};

bool StackedLevel::is_far(std::uint32_t generation) {
  MutexLock lock(mutex_);
  return there_.contains(generation);
}

// The near ones first: one that becomes far in between is seen twice, and not never.
std::vector<std::uint32_t> StackedLevel::generations() {
  std::vector<std::uint32_t> all = near_.generations();
  {
    MutexLock lock(mutex_);
    for (const auto& [generation, bytes] : there_) all.push_back(generation);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

CacheLevel::Outcome StackedLevel::begin(std::uint32_t generation) { return near_.begin(generation); }

CacheLevel::Outcome StackedLevel::drop_before(std::uint32_t generation) {
  if (near_.drop_before(generation) != Outcome::kDone) return Outcome::kFailed;
  bool up = false;
  {
    MutexLock lock(mutex_);
    up = far_up_;
    floor_ = std::max(floor_, generation);
    there_.erase(there_.begin(), there_.lower_bound(generation));
    if (moving_ < generation) moving_ = 0;
  }
  if (up && far_.drop_before(generation) != Outcome::kDone) lose_far();
  return Outcome::kDone;
}

// The near one first, which leaves out what it does not hold. Only then is it asked where each generation is:
// one that begins to move from here on is read near with these writes in it, one that moves is carried again
// where it was written, and one that has become far meanwhile is written there.
CacheLevel::Outcome StackedLevel::write(std::span<const Write> writes) {
  if (near_.write(writes) != Outcome::kDone) return Outcome::kFailed;
  std::vector<Write> farther;
  {
    MutexLock lock(mutex_);
    for (const Write& write : writes) {
      if (there_.contains(write.generation)) {
        farther.push_back(write);
      } else if (moving_ != 0 && write.generation == moving_) {
        noted_.emplace_back(write.key);
        noted_bytes_ += write.key.size() + kAroundNoted;
      }
    }
  }
  if (farther.empty()) return Outcome::kDone;
  const MonotonicTime began = options_.clock.monotonic_now();
  // When it fails all of it is forgotten, and so is what these writes were to change.
  if (far_.write(farther) != Outcome::kDone) {
    lose_far();
  } else {
    took(options_.clock.monotonic_now() - began);
  }
  return Outcome::kDone;
}

CacheLevel::Outcome StackedLevel::read(std::uint32_t generation, std::string_view key, std::string& value) {
  if (!is_far(generation)) {
    const Outcome near = near_.read(generation, key, value);
    // It may have become far, and been dropped near, in between.
    if (near != Outcome::kAbsent || !is_far(generation)) return near;
  }
  return read_far(generation, key, value);
}

CacheLevel::Outcome StackedLevel::read_far(std::uint32_t generation, std::string_view key,
                                           std::string& value) {
  const MonotonicTime began = options_.clock.monotonic_now();
  const Outcome outcome = far_.read(generation, key, value);
  if (outcome == Outcome::kFailed) {
    lose_far();
    return Outcome::kAbsent;
  }
  took(options_.clock.monotonic_now() - began);
  return outcome;
}

CacheLevel::Outcome StackedLevel::each_key(std::uint32_t generation, std::string_view from,
                                           const std::function<bool(std::string_view)>& visit) {
  return is_far(generation) ? far_.each_key(generation, from, visit)
                            : near_.each_key(generation, from, visit);
}

void StackedLevel::took(Duration time) {
  {
    MutexLock lock(mutex_);
    slow_ = time * 4 < options_.patience ? Duration{} : slow_ + time;
    if (slow_ <= options_.patience) return;
  }
  lose_far();
}

// What lies there counts no longer. What was being carried still is near, all of it.
void StackedLevel::lose_far() {
  {
    MutexLock lock(mutex_);
    if (!far_up_) return;
    far_up_ = false;
    ++failures_;
    there_.clear();
    moving_ = 0;
    slow_ = {};
    retry_at_ = options_.clock.monotonic_now() + options_.retry;
  }
  far_.distrust();
}

void StackedLevel::distrust() {
  near_.distrust();
  {
    MutexLock lock(mutex_);
    there_.clear();
    moving_ = 0;
    far_up_ = false;
    retry_at_ = MonotonicTime::min();
  }
  far_.distrust();
}

// The far one by the next tend().
CacheLevel::Outcome StackedLevel::restart() {
  if (near_.restart() != Outcome::kDone) return Outcome::kFailed;
  MutexLock lock(mutex_);
  there_.clear();
  moving_ = 0;
  far_up_ = false;
  retry_at_ = MonotonicTime::min();
  return Outcome::kDone;
}

bool StackedLevel::far_answers() {
  const MonotonicTime now = options_.clock.monotonic_now();
  {
    MutexLock lock(mutex_);
    if (far_up_) return true;
    if (now < retry_at_) return false;
    retry_at_ = now + options_.retry;
  }
  if (far_.restart() != Outcome::kDone) return false;
  MutexLock lock(mutex_);
  return far_up_ = true;
}

CacheLevel::Outcome StackedLevel::tend() {
  const bool answers = far_answers();
  const Bytes stored(near_.figures().stored_bytes);
  std::uint32_t moving = 0;
  {
    MutexLock lock(mutex_);
    moving = moving_;
  }
  if (moving == 0) {
    // The newest is written to, and stays.
    const std::vector<std::uint32_t> all = near_.generations();
    if (all.size() < 2 || stored <= options_.near_size / 4 * 3) return Outcome::kAbsent;
    if (!answers) return stored > options_.near_size ? leave_behind(all.front()) : Outcome::kAbsent;
    begin_moving(all.front());
    return Outcome::kDone;
  }
  return step(moving, stored > options_.near_size);
}

CacheLevel::Outcome StackedLevel::leave_behind(std::uint32_t generation) {
  {
    MutexLock lock(mutex_);
    ++left_behind_;
    if (moving_ == generation) moving_ = 0;
  }
  return near_.drop_before(generation + 1);
}

void StackedLevel::begin_moving(std::uint32_t generation) {
  if (far_.begin(generation) != Outcome::kDone) return lose_far();
  from_.clear();
  MutexLock lock(mutex_);
  if (generation < floor_ || !far_up_) return;
  moving_ = generation;
  moved_bytes_ = 0;
  noted_.clear();
  noted_bytes_ = 0;
}

// What was written since the last step first: a generation that is `cut` is far with what was carried of it,
// but never with something older than what was written near.
CacheLevel::Outcome StackedLevel::step(std::uint32_t generation, bool cut) {
  std::vector<std::string> noted, keys;
  std::size_t noted_bytes = 0;
  {
    MutexLock lock(mutex_);
    noted.swap(noted_);
    noted_bytes = std::exchange(noted_bytes_, 0);
  }
  if (noted_bytes > kMostNoted) return leave_behind(generation);
  Carrying carrying{.generation = generation};
  for (const std::string& key : noted) {
    if (!carry(carrying, key, true)) return Outcome::kDone;
  }
  bool ended = cut;
  if (!cut) {
    const Outcome listed = near_.each_key(generation, from_, [&](std::string_view key) {
      keys.emplace_back(key);
      return keys.size() < kStepKeys;
    });
    cut = listed != Outcome::kDone;  // what cannot be listed cannot be carried
    ended = cut || keys.size() < kStepKeys;
  }
  for (const std::string& key : keys) {
    if (!carry(carrying, key, false)) return Outcome::kDone;
    from_ = key + '\0';
    if (carrying.bytes < kStepBytes) continue;
    ended = cut || (ended && &key == &keys.back());
    break;
  }
  if (!flush(carrying)) return Outcome::kDone;
  {
    MutexLock lock(mutex_);
    if (moving_ != generation) return Outcome::kDone;  // dropped, or lost
    carried_ += carrying.puts;
    moved_bytes_ += carrying.bytes;
    if (!ended || !noted_.empty()) return Outcome::kDone;
    there_[generation] = moved_bytes_;
    moving_ = 0;
    if (cut) ++left_behind_;
  }
  return near_.drop_before(generation + 1) == Outcome::kDone ? Outcome::kDone : Outcome::kFailed;
}

// False: the far one is lost. A key that cannot be read near is none.
bool StackedLevel::carry(Carrying& carrying, std::string_view key, bool noted) {
  std::string value;
  const bool found = near_.read(carrying.generation, key, value) == Outcome::kDone;
  if (!found && !noted) return true;
  const std::size_t size = key.size() + value.size();
  carrying.batch += size;
  if (found) {
    carrying.bytes += size;
    ++carrying.puts;
  }
  carrying.items.emplace_back(std::string(key), found ? std::optional(std::move(value)) : std::nullopt);
  return carrying.batch < kBatchBytes && carrying.items.size() < kStepKeys ? true : flush(carrying);
}

bool StackedLevel::flush(Carrying& carrying) {
  if (carrying.items.empty()) return true;
  std::vector<Write> writes;
  for (const auto& [key, value] : carrying.items) {
    std::int64_t expires_at_ms = -1;
    if (value) {
      if (const auto record = LevelRecord::decode(key, *value)) expires_at_ms = record->expires_at_ms;
    }
    writes.push_back(
        {carrying.generation, value.has_value(), key, value ? *value : std::string_view(), expires_at_ms});
  }
  const bool done = far_.write(writes) == Outcome::kDone;
  if (!done) lose_far();
  carrying.items.clear();
  carrying.batch = 0;
  return done;
}

CacheLevel::Figures StackedLevel::figures() {
  Figures figures = near_.figures();
  MutexLock lock(mutex_);
  for (const auto& [generation, bytes] : there_) figures.stored_bytes += bytes;
  figures.far_up = far_up_;
  figures.carried = carried_;
  figures.left_behind = left_behind_;
  figures.far_failures = failures_;
  return figures;
}

std::string StackedLevel::words() {
  std::string words = near_.words();
  return words.empty() ? far_.words() : words;
}

}  // namespace plimsoll
