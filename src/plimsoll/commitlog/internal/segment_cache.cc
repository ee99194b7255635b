#include "plimsoll/commitlog/internal/segment_cache.h"

#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {

std::shared_ptr<OpenSegment> SegmentCache::find(Key key) {
  MutexLock lock(mutex_);
  const auto at = index_.find(key);
  if (at == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->segment;
}

void SegmentCache::insert(Key key, std::shared_ptr<OpenSegment> segment) {
  Entries gone;  // closed when the lock is free
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(!index_.contains(key));
  entries_.push_front({.key = key, .segment = std::move(segment), .mapped = {}, .locked = {}});
  index_[key] = entries_.begin();
  use_.files += 1;
  shrink(gone);
}

bool SegmentCache::full() const { return use_.files > options_.files || use_.mapped > options_.budget; }

void SegmentCache::remove(Entries::iterator at, Entries& gone) {
  use_.files -= at->files;
  use_.mapped -= at->mapped;
  use_.locked -= at->locked;
  index_.erase(at->key);
  gone.splice(gone.begin(), entries_, at);
}

void SegmentCache::shrink(Entries& gone) {
  while (full() && entries_.size() > 1) remove(std::prev(entries_.end()), gone);
}

bool SegmentCache::drop_coldest_but(Key key) {
  Entries gone;
  MutexLock lock(mutex_);
  for (auto at = entries_.end(); at != entries_.begin();) {
    --at;
    if (at->key == key || at->mapped.zero()) continue;
    remove(at, gone);
    return true;
  }
  return false;
}

bool SegmentCache::pay(Key key, OpenSegment& segment, Bytes mapped) {
  const Bytes held = segment.charge.size();
  if (mapped <= held) {
    if (segment.charge) segment.charge.shrink(held - mapped);
    return true;
  }
  do {
    if (!segment.charge) {
      segment.charge = options_.indexes.charge(mapped);
      if (segment.charge) return true;
    } else if (segment.charge.grow(mapped - held)) {
      return true;
    }
  } while (drop_coldest_but(key));
  return false;
}

void SegmentCache::settle(Key key, OpenSegment& segment, bool active) {
  std::uint64_t refusals = 0;
  if (segment.index && active && options_.lock && segment.index->locked() != segment.index->mapped()) {
    refusals = segment.index->lock() ? 0 : 1;
  }
  if (segment.index && !pay(key, segment, segment.index->mapped())) {
    segment.index.reset();
    segment.without_index = true;
    segment.charge.release();
  }
  Entries gone;
  MutexLock lock(mutex_);
  use_.lock_refusals += refusals;
  const auto found = index_.find(key);
  if (found == index_.end()) return;  // dropped meanwhile: its last user closes it
  Entry& entry = *found->second;
  const Bytes mapped = segment.index ? segment.index->mapped() : Bytes();
  const Bytes locked = segment.index ? segment.index->locked() : Bytes();
  const std::size_t files = 1 + (segment.index ? segment.index->files() : 0);
  use_.mapped = use_.mapped - entry.mapped + mapped;
  use_.locked = use_.locked - entry.locked + locked;
  use_.files = use_.files - entry.files + files;
  entry.mapped = mapped;
  entry.locked = locked;
  entry.files = files;
  entries_.splice(entries_.begin(), entries_, found->second);
  shrink(gone);
}

void SegmentCache::drop(Key key) {
  Entries gone;
  MutexLock lock(mutex_);
  const auto at = index_.find(key);
  if (at != index_.end()) remove(at->second, gone);
}

void SegmentCache::drop_all() {
  Entries gone;
  MutexLock lock(mutex_);
  while (!entries_.empty()) remove(entries_.begin(), gone);
}

SegmentCache::Use SegmentCache::use() const {
  MutexLock lock(mutex_);
  return use_;
}

std::vector<std::shared_ptr<StoredFile>> SegmentCache::files() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<StoredFile>> all;
  all.reserve(entries_.size());
  for (const Entry& entry : entries_) all.push_back(entry.segment->log);
  return all;
}

void SegmentCache::CheckInvariants() const {
  MutexLock lock(mutex_);
  Use sum;
  for (const Entry& entry : entries_) {
    sum.files += entry.files;
    sum.mapped += entry.mapped;
    sum.locked += entry.locked;
  }
  PLIMSOLL_CHECK(sum.files == use_.files && sum.mapped == use_.mapped && sum.locked == use_.locked);
  PLIMSOLL_CHECK(index_.size() == entries_.size());
  PLIMSOLL_CHECK(!full() || entries_.size() <= 1, "%zu files", use_.files);
}

}  // namespace plimsoll
