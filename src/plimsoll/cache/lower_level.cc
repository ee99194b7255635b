#include "plimsoll/cache/lower_level.h"

#include <algorithm>
#include <utility>

#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/internal/level_lane.h"
#include "plimsoll/cache/internal/level_record.h"
#include "plimsoll/cache/internal/level_threads.h"

namespace plimsoll {
namespace {

constexpr std::size_t kGhosts = 256 * 1024;  // keys that are remembered as given up, twice: 1 MiB

thread_local LowerLevel::Barrier of_this_thread;

}  // namespace

void LowerLevel::Barrier::merge(const Barrier& other) {
  for (unsigned i = 0; i < kLanes; ++i) tickets[i] = std::max(tickets[i], other.tickets[i]);
}

Result<std::unique_ptr<LowerLevel>> LowerLevel::open(ByteCache& cache, Options options) {
  const Bytes held = options.queue + options.around;
  Charge charge = options.account.charge(held);
  if (!charge && cache.make_room_for(options.account, held)) charge = options.account.charge(held);
  if (!charge) return plimsoll::fail(ErrorCode::kRefused, "the line has no room for what the level holds");
  std::unique_ptr<LowerLevel> lower(new LowerLevel(cache, std::move(options)));
  lower->charge_ = std::move(charge);
  return lower;
}

LowerLevel::LowerLevel(ByteCache& cache, Options options)
    : cache_(cache),
      options_(std::move(options)),
      level_(*options_.level),
      ghosts_(std::make_unique<LevelFilter>(options_.account, kGhosts)),
      threads_(std::make_unique<Threads>()) {
  for (unsigned i = 0; i < kLanes; ++i)
    lanes_.push_back(std::make_unique<LevelLane>(options_.account, options_.queue.count() / kLanes));
}

LowerLevel::~LowerLevel() { stop(); }

Result<void> LowerLevel::start() {
  // What is written from now on is newer than all that was found.
  const std::vector<std::uint32_t> found = level_.generations();
  const std::uint32_t next = found.empty() ? 1 : found.back() + 1;
  if (level_.begin(next) != CacheLevel::Outcome::kDone) {
    break_off();
  } else {
    generation_.store(next, std::memory_order_relaxed);
    // Half full is taken for having been full: what is admitted then is a matter of disk writes only.
    filled_.store(found.size() >= kGenerations / 2, std::memory_order_relaxed);
  }
  for (unsigned i = 0; i < kLanes; ++i) {
    Result<void> started = threads_->start("plimsoll-lane", [this, i] { run_lane(i); });
    if (!started) return started;
  }
  return threads_->start("plimsoll-level", [this] {
    find_what_is_below();
    bool more = false;
    while (threads_->rest(std::chrono::milliseconds(more ? 0 : 100))) more = look_after();
  });
}

void LowerLevel::stop() {
  for (const auto& lane : lanes_) lane->stop();
  threads_->stop();
}

void LowerLevel::note(unsigned lane, std::uint64_t ticket) {
  of_this_thread.tickets[lane] = std::max(of_this_thread.tickets[lane], ticket);
}

// While the level is being emptied, what is said to be done must not come back with what it still holds.
void LowerLevel::note_clear() {
  const std::uint64_t ticket = clear_ticket_.load(std::memory_order_relaxed);
  if (ticket != 0 && !lanes_[0]->reached(ticket)) note(0, ticket);
}

bool LowerLevel::admits(const Item& item) {
  if (item.used || !filled_.load(std::memory_order_relaxed)) return true;
  MutexLock lock(ghosts_mutex_);
  if (ghosts_->may_hold(item.hash)) return true;
  if (++ghosts_in_generation_ > kGhosts) {
    ghosts_in_generation_ = 1;
    ghosts_->drop_before(ghost_generation_);
    ++ghost_generation_;
  }
  static_cast<void>(ghosts_->add(item.hash, ghost_generation_));  // without memory it is no ghost
  return false;
}

void LowerLevel::evicted(const Item& item) {
  if (state() == State::kFailing) return;
  if (item.value.size() > kLargestValue) {
    too_large_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (!admits(item)) {
    not_admitted_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  LevelTask task;
  task.kind = LevelTask::Kind::kPut;
  task.hash = item.hash;
  task.generation = generation_.load(std::memory_order_acquire);
  task.key = item.key;
  task.record = LevelRecord::encode(item.key, item.value, item.expires_at_ms);
  task.expires_at_ms = item.expires_at_ms;
  const std::size_t size = task.key.size() + task.record.size();
  switch (lane_of(item.hash).put(std::move(task), closed_)) {
    case LevelLane::PutResult::kDone:
      demoted_.fetch_add(1, std::memory_order_relaxed);
      written_.fetch_add(size, std::memory_order_relaxed);
      break;
    case LevelLane::PutResult::kQueueFull:
      queue_full_.fetch_add(1, std::memory_order_relaxed);
      break;
    case LevelLane::PutResult::kNoMemory:
      no_memory_.fetch_add(1, std::memory_order_relaxed);
      break;
    case LevelLane::PutResult::kClosed:
      break;
  }
}

void LowerLevel::inserted(std::uint64_t hash, std::string_view key) {
  note_clear();
  const State now = state();
  if (now == State::kFailing) return;
  const std::uint64_t ticket = lane_of(hash).erase(hash, key, now == State::kOpening);
  if (ticket == 0) return;
  note(lane_number(hash), ticket);
  erased_.fetch_add(1, std::memory_order_relaxed);
}

void LowerLevel::changed(std::uint64_t hash) {
  note_clear();
  const LevelLane& lane = lane_of(hash);
  if (lane.quiet()) [[likely]]
    return;
  if (const std::uint64_t ticket = lane.erasing(hash); ticket != 0) note(lane_number(hash), ticket);
}

bool LowerLevel::may_hold(std::uint64_t hash) const {
  const State now = state();
  return now == State::kOpening || (now == State::kOpen && lane_of(hash).may_hold(hash));
}

void LowerLevel::begin_clear() {
  closed_.fetch_add(2, std::memory_order_relaxed);  // until end_clear(), and until the level is empty
  const std::uint32_t floor = generation_.load(std::memory_order_acquire) + 1;
  for (const auto& lane : lanes_) lane->forget(floor);
  const std::uint64_t ticket = lanes_[0]->clear();
  clear_ticket_.store(ticket, std::memory_order_relaxed);
  note(0, ticket);
}

void LowerLevel::end_clear() { closed_.fetch_sub(1, std::memory_order_relaxed); }

void LowerLevel::fetch(std::string_view key, std::uint64_t hash, const std::shared_ptr<LevelWait>& wait) {
  LevelTask task;
  task.kind = LevelTask::Kind::kTake;
  task.hash = hash;
  task.key = key;
  task.wait = wait;
  wait->add();
  if (!lane_of(hash).take(std::move(task))) wait->finish();
}

LowerLevel::Barrier LowerLevel::take_barrier() { return std::exchange(of_this_thread, {}); }

bool LowerLevel::reached(const Barrier& barrier) const {
  for (unsigned i = 0; i < kLanes; ++i) {
    if (!lanes_[i]->reached(barrier.tickets[i])) return false;
  }
  return true;
}

void LowerLevel::wait_for(const Barrier& barrier, const std::shared_ptr<LevelWait>& wait) {
  for (unsigned i = 0; i < kLanes; ++i) lanes_[i]->wait(barrier.tickets[i], wait);
}

void LowerLevel::gave_up(bool wrote) {
  late_.fetch_add(1, std::memory_order_relaxed);
  const bool hangs = late_in_a_row_.fetch_add(1, std::memory_order_relaxed) >= kLateInARow;
  if (!wrote && !hangs) return;
  // Nobody waits for it from here on. Its mark of trust is taken off by one of our threads: here nobody may
  // block.
  void_.store(true, std::memory_order_relaxed);
  state_.store(State::kFailing, std::memory_order_release);
}

LowerLevel::Stats LowerLevel::stats() const {
  auto count = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  Stats s{.state = state(),
          .demoted = count(demoted_),
          .promoted = count(promoted_),
          .absent = count(absent_),
          .erased = count(erased_),
          .not_admitted = count(not_admitted_),
          .too_large = count(too_large_),
          .queue_full = count(queue_full_),
          .no_memory = count(no_memory_),
          .overtaken = count(overtaken_),
          .corrupt = count(corrupt_),
          .read_failures = count(read_failures_),
          .failures = count(failures_),
          .late = count(late_)};
  s.stored = Bytes(figures().stored_bytes);
  for (const auto& lane : lanes_) s.queued += lane->queued();
  s.words = level_.words();
  return s;
}

CacheLevel::Figures LowerLevel::figures() const {
  MutexLock lock(figures_mutex_);
  return figures_;
}

void LowerLevel::Describe(StatSink& sink) const {
  const Stats s = stats();
  const CacheLevel::Figures f = figures();
  const StatLabel level{"level", options_.name};
  auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  sink.gauge("cache_level_up", "Whether the level below memory answers", s.state == State::kFailing ? 0 : 1,
             {level});
  sink.gauge("cache_level_stored_bytes", "Kept by the level; 0 where that is not known", s.stored.as_double(),
             {level});
  sink.counter("cache_level_demoted_total", "Items that memory gave up and the level took", number(s.demoted),
               {level});
  sink.counter("cache_level_promoted_total", "Items that came back up when they were asked for",
               number(s.promoted), {level});
  sink.counter("cache_level_absent_total", "Look-ups below that found nothing", number(s.absent), {level});
  sink.counter("cache_level_not_admitted_total", "Items given up that nobody had asked for again",
               number(s.not_admitted), {level});
  sink.counter("cache_level_dropped_total",
               "Items that could not go down: too large, the queue full, or without memory",
               number(s.too_large + s.queue_full + s.no_memory), {level});
  sink.counter("cache_level_corrupt_total", "Records whose checksum was wrong", number(s.corrupt), {level});
  sink.counter("cache_level_failures_total", "Times that the level failed and was begun anew",
               number(s.failures), {level});
  sink.counter("cache_level_late_total", "Requests that went on without waiting longer for the level",
               number(s.late), {level});
  sink.gauge("cache_level_far_up", "Whether the farther one of two levels answers", f.far_up ? 1 : 0,
             {level});
  sink.counter("cache_level_carried_total", "Items carried from the nearer level to the farther one",
               number(f.carried), {level});
  sink.counter("cache_level_left_behind_total",
               "Generations that the nearer level dropped before they were carried", number(f.left_behind),
               {level});
  sink.counter("cache_level_far_failures_total", "Times that the farther level was lost with what it held",
               number(f.far_failures), {level});
}

std::string_view name_of(LowerLevel::State state) {
  switch (state) {
    case LowerLevel::State::kOpening:
      return "opening";
    case LowerLevel::State::kOpen:
      return "open";
    case LowerLevel::State::kFailing:
      return "failing";
  }
  return "";
}

}  // namespace plimsoll
