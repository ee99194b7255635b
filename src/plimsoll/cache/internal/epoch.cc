#include "plimsoll/cache/internal/epoch.h"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {

EpochDomain::~EpochDomain() { drain(); }

EpochDomain::Reader& EpochDomain::join() {
  MutexLock lock(mutex_);
  const auto left = std::find_if(readers_.begin(), readers_.end(), [](const auto& r) { return !r->joined; });
  Reader& reader = left != readers_.end() ? **left : *readers_.emplace_back(std::make_unique<Reader>());
  reader.joined = true;
  return reader;
}

void EpochDomain::leave(Reader& reader) {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(reader.entered.load(std::memory_order_relaxed) == 0, "a reader leaves while it reads");
  reader.joined = false;
}

void EpochDomain::retire(const Retired& retired) {
  PLIMSOLL_CHECK(!retired.size.zero(), "nothing is retired");
  bool full = false;
  bool over = false;
  {
    MutexLock lock(mutex_);
    // relaxed: under the lock that collect() counts on with.
    waiting_.push_back({retired, epoch_.load(std::memory_order_relaxed)});
    waiting_bytes_ += retired.size;
    full = waiting_bytes_ >= collect_at_;
    over = waiting_bytes_ >= kMost;
  }
  if (full) collect();
  if (over) wait_until_below(kMost);
}

void EpochDomain::collect() {
  std::vector<Waiting> ended;
  Bytes sum;
  {
    MutexLock lock(mutex_);
    if (waiting_.empty()) return;
    // release: pairs with enter(). Who enters from here on is in a later epoch than all that waits.
    epoch_.fetch_add(1, std::memory_order_acq_rel);
    fence_.heavy();  // a reader that is not seen inside below sees all that was unlinked; pairs with enter()
    std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
    for (const auto& reader : readers_) {
      const std::uint64_t entered = reader->entered.load(std::memory_order_acquire);  // pairs with exit()
      if (entered != 0) oldest = std::min(oldest, entered);
    }
    const auto seen =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.epoch >= oldest; });
    ended.assign(waiting_.begin(), seen);
    waiting_.erase(waiting_.begin(), seen);
    for (const Waiting& w : ended) sum += w.retired.size;
    collect_at_ = waiting_bytes_ - sum + kBatch;
  }
  for (const Waiting& w : ended) w.retired.end(w.retired.memory, w.retired.context);
  // Only now, so that drain() comes back when all has ended, by whichever thread.
  MutexLock lock(mutex_);
  waiting_bytes_ -= sum;
}

void EpochDomain::wait_until_below(Bytes most) {
  for (collect(); waiting() >= std::max(most, Bytes(1)); collect()) std::this_thread::yield();
}

void EpochDomain::drain() { wait_until_below({}); }

Bytes EpochDomain::waiting() const {
  MutexLock lock(mutex_);
  return waiting_bytes_;
}

std::size_t EpochDomain::readers() const {
  MutexLock lock(mutex_);
  return readers_.size();
}

EpochDomain& epochs() {
  // Never ended: threads and objects may outlive everything static.
  static EpochDomain* const domain = new EpochDomain;
  return *domain;
}

namespace {

// A thread's place, from its first reading to its end.
struct Place {
  EpochDomain::Reader* reader = &epochs().join();
  ~Place();
};
constinit thread_local EpochDomain::Reader* mine = nullptr;
constinit thread_local bool ended = false;

Place::~Place() {
  mine = nullptr;
  ended = true;
  epochs().leave(*reader);
}

EpochDomain::Reader* find_place() {
  if (ended) return nullptr;
  thread_local const Place place;
  return mine = place.reader;
}

}  // namespace

EpochReading::EpochReading() : reader_(mine != nullptr ? mine : find_place()) {
  if (reader_ != nullptr) epochs().enter(*reader_);
}

}  // namespace plimsoll
