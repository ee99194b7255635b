#include "plimsoll/alloc/depot.h"

#include <algorithm>
#include <new>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

constexpr Bytes kMagazineBytes = Bytes(sizeof(Magazine) + 16);  // and malloc's share

// Between two ticks: asked more often than this, magazines grow; less often than that, they shrink.
constexpr std::uint64_t kOften = 64;
constexpr std::uint64_t kSeldom = 4;

}  // namespace

void Depot::Pile::push(Magazine& magazine) {
  magazine.next = std::exchange(top, &magazine);
  ++count;
}

Magazine* Depot::Pile::pop() {
  if (top == nullptr) return nullptr;
  fewest = std::min(fewest, --count);
  return std::exchange(top, top->next);
}

void Depot::open(const Options& options) {
  account_ = &options.account;
  largest_ = std::min(options.largest, Magazine::kSlots);
  each_looked_at_ = options.each_looked_at;
  MutexLock lock(mutex_);
  capacity_ = std::clamp(options.capacity, 1u, largest_);
  smallest_ = std::max(capacity_ / 4, 1u);
}

Depot::~Depot() {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(full_.count == 0, "%zu full magazines are left", full_.count);
  while (const Magazine* magazine = empty_.pop()) delete magazine;
}

// Of the pile, or a new one; sized as magazines are now.
Magazine* Depot::empty_one() {
  Magazine* magazine = empty_.pop();
  if (magazine == nullptr) {
    Charge charge = account_->charge(kMagazineBytes);
    if (!charge) return nullptr;
    magazine = new (std::nothrow) Magazine;
    if (magazine == nullptr) return nullptr;
    charge_.merge(std::move(charge));
  }
  magazine->capacity = static_cast<std::uint16_t>(capacity_);
  magazine->limit = each_looked_at_ ? 0 : magazine->capacity;
  return magazine;
}

bool Depot::load(MagazinePair& pair) {
  if (!pair.loaded->empty()) return true;
  if (!pair.previous->empty()) {
    std::swap(pair.loaded, pair.previous);
    return true;
  }
  MutexLock lock(mutex_);
  Magazine* full = full_.pop();
  if (full == nullptr) {
    ++missed_;
    return false;
  }
  ++exchanges_;
  empty_.push(*pair.previous);
  pair.previous = std::exchange(pair.loaded, full);
  return true;
}

bool Depot::unload(MagazinePair& pair) {
  if (!pair.loaded->full()) return true;
  if (!pair.previous->full()) {
    std::swap(pair.loaded, pair.previous);
    return true;
  }
  MutexLock lock(mutex_);
  Magazine* empty = full_.count < kMostFull ? empty_one() : nullptr;
  if (empty == nullptr) {
    ++missed_;
    return false;
  }
  ++exchanges_;
  full_.push(*pair.previous);
  pair.previous = std::exchange(pair.loaded, empty);
  return true;
}

bool Depot::equip(MagazinePair& pair) {
  MutexLock lock(mutex_);
  Magazine* loaded = empty_one();
  if (loaded == nullptr) return false;
  Magazine* previous = empty_one();
  if (previous == nullptr) {
    empty_.push(*loaded);
    return false;
  }
  pair = {loaded, previous};
  return true;
}

void Depot::take_back(Magazine& magazine) {
  PLIMSOLL_CHECK(magazine.empty(), "%u objects would be lost with their magazine", magazine.count);
  MutexLock lock(mutex_);
  empty_.push(magazine);
}

Magazine* Depot::unneeded(bool all) {
  MutexLock lock(mutex_);
  const std::size_t spare = full_.fewest;
  if (!all && spare == 0) return nullptr;
  Magazine* magazine = full_.pop();
  if (spare > 0) full_.fewest = spare - 1;
  return magazine;
}

void Depot::adapt() {
  const std::uint64_t asked = exchanges_ + missed_;
  const std::uint64_t lately = asked - std::exchange(asked_before_, asked);
  if (lately > kOften) capacity_ = std::min(capacity_ * 2, largest_);
  if (lately < kSeldom) capacity_ = std::max(capacity_ - (capacity_ + 3) / 4, smallest_);
}

void Depot::tick() {
  MutexLock lock(mutex_);
  adapt();
  for (std::size_t spare = empty_.fewest; spare > 0; --spare) {
    delete empty_.pop();
    charge_.shrink(kMagazineBytes);
  }
  empty_.fewest = empty_.count;
  full_.fewest = full_.count;
}

Depot::Stats Depot::stats() const {
  MutexLock lock(mutex_);
  Stats stats{.capacity = capacity_, .exchanges = exchanges_, .missed = missed_};
  for (const Magazine* magazine = full_.top; magazine != nullptr; magazine = magazine->next)
    stats.objects += magazine->count;
  return stats;
}

void Depot::CheckInvariants() const {
  MutexLock lock(mutex_);
  std::size_t full = 0;
  std::size_t empty = 0;
  for (const Magazine* m = full_.top; m != nullptr; m = m->next, ++full)
    PLIMSOLL_CHECK(m->count > 0 && m->count <= m->capacity && m->limit <= m->capacity);
  for (const Magazine* m = empty_.top; m != nullptr; m = m->next, ++empty) PLIMSOLL_CHECK(m->count == 0);
  PLIMSOLL_CHECK(full == full_.count && full <= kMostFull && empty == empty_.count);
  PLIMSOLL_CHECK(full_.fewest <= full && empty_.fewest <= empty);
  PLIMSOLL_CHECK(capacity_ >= 1 && capacity_ <= largest_);
}

}  // namespace plimsoll
