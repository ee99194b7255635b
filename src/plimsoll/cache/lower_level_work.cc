// What a LowerLevel's threads do: the lanes' tasks, and keeping the level within its size and alive.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/level_lane.h"
#include "plimsoll/cache/internal/level_record.h"
#include "plimsoll/cache/internal/level_threads.h"

namespace plimsoll {

// A look-up under way: what was read below, until it is above.
struct LowerLevel::Taken {
  const LevelTask* task = nullptr;
  std::string bytes;
  std::uint32_t generation = 0;
  bool found = false;
  bool erase = false;  // something may be there
};

// Writes that follow each other go to the level in one call, and so do the erasures of look-ups.
void LowerLevel::run_lane(unsigned number) {
  constexpr std::size_t kBatch = 64;
  LevelLane& lane = *lanes_[number];
  std::vector<LevelTask> tasks;
  while (lane.next(tasks, kBatch)) {
    fail_if_void();
    for (std::size_t begin = 0; begin < tasks.size();) {
      const LevelTask::Kind kind = tasks[begin].kind;
      const auto is_write = [](LevelTask::Kind k) {
        return k == LevelTask::Kind::kPut || k == LevelTask::Kind::kErase;
      };
      std::size_t end = begin + 1;
      while (end < tasks.size() &&
             (tasks[end].kind == kind || (is_write(kind) && is_write(tasks[end].kind)))) {
        ++end;
      }
      if (is_write(kind)) run_writes(lane, tasks, begin, end);
      if (kind == LevelTask::Kind::kTake) run_takes(lane, tasks, begin, end);
      if (kind == LevelTask::Kind::kClear) run_clear();
      lane.done(tasks, begin, end);
      begin = end;
    }
  }
}

// All of them while it is not known what is where.
std::vector<std::uint32_t> LowerLevel::generations_for(const LevelLane& lane, std::uint64_t hash) {
  if (state() != State::kOpening) return lane.generations_of(hash);
  std::vector<std::uint32_t> all = level_.generations();
  std::reverse(all.begin(), all.end());
  return all;
}

void LowerLevel::run_writes(LevelLane& lane, const std::vector<LevelTask>& tasks, std::size_t begin,
                            std::size_t end) {
  if (state() == State::kFailing) return;
  std::vector<CacheLevel::Write> writes;
  for (std::size_t i = begin; i < end; ++i) {
    const LevelTask& task = tasks[i];
    if (task.kind == LevelTask::Kind::kPut) {
      if (!task.record.empty())
        writes.push_back({task.generation, true, task.key, task.record, task.expires_at_ms});
      continue;
    }
    for (std::uint32_t generation : generations_for(lane, task.hash))
      writes.push_back({generation, false, task.key, {}, -1});
  }
  if (level_.write(writes) != CacheLevel::Outcome::kDone) break_off();
}

void LowerLevel::read(const std::vector<std::uint32_t>& generations, Taken& taken) {
  for (std::uint32_t generation : generations) {
    const CacheLevel::Outcome outcome = level_.read(generation, taken.task->key, taken.bytes);
    if (outcome == CacheLevel::Outcome::kAbsent) continue;
    taken.erase = true;
    if (outcome == CacheLevel::Outcome::kFailed) {
      read_failures_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    taken.found = true;
    taken.generation = generation;
    return;
  }
}

// Read, erased below, and only then put above: at no time is it at two places.
void LowerLevel::run_takes(LevelLane& lane, const std::vector<LevelTask>& tasks, std::size_t begin,
                           std::size_t end) {
  if (state() == State::kFailing) return;
  std::vector<Taken> all;
  std::vector<CacheLevel::Write> erasures;
  // Twice the same key would bring up twice what was read once, with a write in between.
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t i = begin; i < end; ++i) {
    const LevelTask& task = tasks[i];
    if (!seen.insert(task.hash).second || cache_.holds(task.key, options_.clock.wall_ms())) continue;
    Taken taken;
    taken.task = &task;
    const std::vector<std::uint32_t> generations = generations_for(lane, task.hash);
    read(generations, taken);
    if (!taken.erase) {
      absent_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    for (std::uint32_t generation : generations) erasures.push_back({generation, false, task.key, {}, -1});
    if (taken.found) all.push_back(std::move(taken));
  }
  if (!erasures.empty() && level_.write(erasures) != CacheLevel::Outcome::kDone) return break_off();
  late_in_a_row_.store(0, std::memory_order_relaxed);
  for (const Taken& taken : all) bring_up(lane, taken);
}

void LowerLevel::bring_up(LevelLane& lane, const Taken& taken) {
  const LevelTask& task = *taken.task;
  const std::optional<LevelRecord> record = LevelRecord::decode(task.key, taken.bytes);
  if (!record) {
    corrupt_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const std::int64_t now = options_.clock.wall_ms();
  if (record->expires_at_ms != ByteCache::kNever && now > record->expires_at_ms) {
    absent_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const bool up = cache_.restore(task.key, record->value, record->expires_at_ms, now,
                                 [&] { return lane.may_restore(task.hash, taken.generation, closed_); });
  (up ? promoted_ : overtaken_).fetch_add(1, std::memory_order_relaxed);
}

// A new generation for what comes, and all before it gone.
void LowerLevel::run_clear() {
  if (state() != State::kFailing) {
    MutexLock lock(generations_mutex_);
    const std::uint32_t next = generation_.load(std::memory_order_relaxed) + 1;
    if (level_.begin(next) != CacheLevel::Outcome::kDone ||
        level_.drop_before(next) != CacheLevel::Outcome::kDone) {
      break_off();
    } else {
      generation_.store(next, std::memory_order_release);
      written_.store(0, std::memory_order_relaxed);
      filled_.store(false, std::memory_order_relaxed);
      State opening = State::kOpening;  // nothing is left to be looked for
      state_.compare_exchange_strong(opening, State::kOpen, std::memory_order_acq_rel);
    }
  }
  closed_.fetch_sub(1, std::memory_order_relaxed);
}

// From here on nothing below counts, for who is here and for who opens it next.
void LowerLevel::break_off() {
  level_.distrust();
  if (state_.exchange(State::kFailing, std::memory_order_acq_rel) == State::kFailing) return;
  forget_all();
}

void LowerLevel::fail_if_void() {
  if (!void_.exchange(false, std::memory_order_relaxed)) return;
  level_.distrust();
  state_.store(State::kFailing, std::memory_order_release);
  forget_all();
}

void LowerLevel::forget_all() {
  failures_.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t floor = generation_.load(std::memory_order_relaxed) + 1;
  for (const auto& lane : lanes_) lane->forget(floor);
}

void LowerLevel::retry() {
  const MonotonicTime now = options_.clock.monotonic_now();
  if (retry_at_ == MonotonicTime{}) {
    retry_at_ = now + options_.retry;
    return;
  }
  if (now < retry_at_) return;
  retry_at_ = {};
  MutexLock lock(generations_mutex_);
  const std::uint32_t next = generation_.load(std::memory_order_relaxed) + 1;
  if (level_.restart() != CacheLevel::Outcome::kDone || level_.begin(next) != CacheLevel::Outcome::kDone)
    return;
  for (const auto& lane : lanes_) lane->forget(next);
  generation_.store(next, std::memory_order_release);
  written_.store(0, std::memory_order_relaxed);
  filled_.store(false, std::memory_order_relaxed);
  late_in_a_row_.store(0, std::memory_order_relaxed);
  state_.store(State::kOpen, std::memory_order_release);
}

// The oldest goes when there are too many, or when the store takes more than it may: what it holds beside
// the values is not known before.
void LowerLevel::rotate(Bytes stored) {
  MutexLock lock(generations_mutex_);
  const std::uint32_t now = generation_.load(std::memory_order_relaxed);
  const Bytes most_written = options_.generation.zero() ? options_.size / kGenerations : options_.generation;
  const bool full = written_.load(std::memory_order_relaxed) >= most_written.count();
  if (full) {
    if (level_.begin(now + 1) != CacheLevel::Outcome::kDone) return break_off();
    generation_.store(now + 1, std::memory_order_release);
    written_.store(0, std::memory_order_relaxed);
  }
  const std::vector<std::uint32_t> all = level_.generations();
  // A level may lose some by itself.
  if (!all.empty()) forget_before(all.front());
  // Each start begins one, so that their number says little where the store tells its size.
  const std::size_t most = stored.zero() ? kGenerations : kMostGenerations;
  if (all.size() < 2 || (all.size() <= most && stored <= options_.size)) return;
  filled_.store(true, std::memory_order_relaxed);
  // First there, then in what is known of it: a key that is thought to be there is erased in vain.
  const std::uint32_t first = all[1];
  if (level_.drop_before(first) != CacheLevel::Outcome::kDone) return break_off();
  forget_before(first);
}

void LowerLevel::forget_before(std::uint32_t first) {
  if (first <= first_) return;
  first_ = first;
  for (const auto& lane : lanes_) lane->drop_before(first);
}

bool LowerLevel::look_after() {
  fail_if_void();
  if (state() == State::kFailing) {
    retry();
    return false;
  }
  const CacheLevel::Figures figures = level_.figures();
  {
    MutexLock lock(figures_mutex_);
    figures_ = figures;
  }
  // What it holds is held, granted or not.
  const Bytes held = std::max(Bytes(figures.memory_bytes), options_.around);
  const Bytes now = held + options_.queue;
  if (now > charge_.size()) charge_.merge(options_.account.charge_held(now - charge_.size()));
  if (now < charge_.size()) charge_.shrink(charge_.size() - now);
  rotate(Bytes(figures.stored_bytes));
  const CacheLevel::Outcome tended = level_.tend();
  if (tended == CacheLevel::Outcome::kFailed) break_off();
  return tended == CacheLevel::Outcome::kDone;
}

// Until all keys are known, each that is not in memory is asked for below.
void LowerLevel::find_what_is_below() {
  const std::uint32_t own = generation_.load(std::memory_order_relaxed);
  for (std::uint32_t generation : level_.generations()) {
    if (generation >= own) break;
    bool granted = true;
    const CacheLevel::Outcome outcome = level_.each_key(generation, {}, [&](std::string_view key) {
      const std::uint64_t hash = cache_.hash_of(key);
      granted = lane_of(hash).add_found(hash, generation);
      return granted && state() == State::kOpening && !threads_->ending();
    });
    if (state() != State::kOpening || threads_->ending()) return;
    if (granted && outcome == CacheLevel::Outcome::kDone) continue;
    // No memory to know it by, or not to be read: it and what is older goes.
    MutexLock lock(generations_mutex_);
    if (level_.drop_before(generation + 1) != CacheLevel::Outcome::kDone) return break_off();
    for (const auto& lane : lanes_) lane->drop_before(generation + 1);
  }
  State opening = State::kOpening;
  state_.compare_exchange_strong(opening, State::kOpen, std::memory_order_acq_rel);
}

}  // namespace plimsoll
