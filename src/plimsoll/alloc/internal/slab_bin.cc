#include "plimsoll/alloc/internal/slab_bin.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {

void SlabBin::open(SlabRegion& region, unsigned size_class) {
  region_ = &region;
  size_class_ = size_class;
  size_ = static_cast<std::uint32_t>(SizeClasses::size(size_class));
  objects_ = static_cast<std::uint32_t>(SizeClasses::objects(size_class));
}

SlabBin::~SlabBin() {
  if (region_ == nullptr) return;
  trim(true);
  for (Magazine* magazine = empty_; magazine != nullptr;) delete std::exchange(magazine, magazine->next);
}

std::size_t SlabBin::list_for(const SlabRecord& record) const {
  const auto used = static_cast<std::size_t>(record.capacity - record.free);
  return used * (kLists - 1) / record.capacity;
}

void SlabBin::link(SlabIndex slab) {
  SlabRecord& record = region_->record(slab);
  const std::size_t list = list_for(record);
  record.fullness = static_cast<std::uint8_t>(list);
  record.previous = kNoSlab;
  record.next = lists_[list];
  if (record.next != kNoSlab) region_->record(record.next).previous = slab;
  lists_[list] = slab;
}

void SlabBin::unlink(SlabIndex slab) {
  const SlabRecord& record = region_->record(slab);
  (record.previous == kNoSlab ? lists_[record.fullness] : region_->record(record.previous).next) =
      record.next;
  if (record.next != kNoSlab) region_->record(record.next).previous = record.previous;
}

SlabIndex SlabBin::fullest() const {
  for (std::size_t list = kLists; list-- > 0;) {
    if (lists_[list] != kNoSlab) return lists_[list];
  }
  return kNoSlab;
}

bool SlabBin::open_slab() {
  std::optional<SlabIndex> slab = region_->take();
  if (!slab) return false;
  SlabRecord& record = region_->record(*slab);
  record.size_class = static_cast<std::uint16_t>(size_class_);
  record.capacity = record.free = static_cast<std::uint16_t>(objects_);
  std::uint64_t* words = region_->bitmap(*slab);
  std::fill_n(words, objects_ / 64, ~std::uint64_t{0});
  if (objects_ % 64 != 0) words[objects_ / 64] = (std::uint64_t{1} << (objects_ % 64)) - 1;
  ++slabs_;
  link(*slab);
  return true;
}

// From the lowest address on. REQUIRES: an object of it is free.
std::size_t SlabBin::take_from(SlabIndex slab, std::span<void*> objects) {
  SlabRecord& record = region_->record(slab);
  std::uint64_t* words = region_->bitmap(slab);
  char* begin = region_->begin_of(slab);
  std::size_t taken = 0;
  std::size_t word = record.hint;
  while (taken < objects.size() && taken < record.free) {
    while (words[word] == 0) ++word;
    const auto bit = static_cast<unsigned>(std::countr_zero(words[word]));
    words[word] &= words[word] - 1;
    objects[taken++] = begin + (word * 64 + bit) * size_;
  }
  unlink(slab);
  record.hint = static_cast<std::uint16_t>(word);
  record.free = static_cast<std::uint16_t>(record.free - taken);
  if (record.free > 0) link(slab);
  return taken;
}

std::size_t SlabBin::take(std::span<void*> objects) {
  MutexLock lock(mutex_);
  std::size_t taken = 0;
  while (taken < objects.size()) {
    SlabIndex slab = fullest();
    if (slab == kNoSlab) {
      if (!open_slab()) break;
      slab = fullest();
    }
    taken += take_from(slab, objects.subspan(taken));
  }
  taken_ += taken;
  return taken;
}

void SlabBin::give_run(SlabIndex slab, std::span<void*> objects) {
  SlabRecord& record = region_->record(slab);
  std::uint64_t* words = region_->bitmap(slab);
  const char* begin = region_->begin_of(slab);
  for (const void* object : objects) {
    const auto number = static_cast<std::uint32_t>(static_cast<const char*>(object) - begin) / size_;
    const std::uint64_t bit = std::uint64_t{1} << (number % 64);
    PLIMSOLL_CHECK((words[number / 64] & bit) == 0, "object %p of %u bytes was free already", object, size_);
    words[number / 64] |= bit;
    record.hint = std::min(record.hint, static_cast<std::uint16_t>(number / 64));
  }
  if (record.free > 0) unlink(slab);
  record.free = static_cast<std::uint16_t>(record.free + objects.size());
  if (record.free < record.capacity) return link(slab);
  --slabs_;
  region_->give(slab);
}

void SlabBin::give_locked(std::span<void*> objects) {
  std::sort(objects.begin(), objects.end());
  for (std::size_t begin = 0; begin < objects.size();) {
    const SlabIndex slab = region_->slab_of(objects[begin]);
    std::size_t end = begin + 1;
    while (end < objects.size() && region_->slab_of(objects[end]) == slab) ++end;
    give_run(slab, objects.subspan(begin, end - begin));
    begin = end;
  }
  given_ += objects.size();
}

void SlabBin::give(std::span<void*> objects) {
  MutexLock lock(mutex_);
  give_locked(objects);
}

Magazine* SlabBin::full_for(Magazine& empty) {
  MutexLock lock(mutex_);
  if (full_ == nullptr) return nullptr;
  empty.next = std::exchange(empty_, &empty);
  ++exchanges_;
  fewest_fulls_ = std::min(fewest_fulls_, --fulls_);
  return std::exchange(full_, full_->next);
}

Magazine* SlabBin::empty_for(Magazine& full, Magazine* spare) {
  MutexLock lock(mutex_);
  if (spare == nullptr && empty_ == nullptr) return nullptr;
  full.next = std::exchange(full_, &full);
  ++fulls_;
  ++exchanges_;
  if (spare != nullptr) return spare;
  return std::exchange(empty_, empty_->next);
}

Magazine* SlabBin::take_empty() {
  MutexLock lock(mutex_);
  return empty_ == nullptr ? nullptr : std::exchange(empty_, empty_->next);
}

void SlabBin::give_empty(Magazine& empty) {
  MutexLock lock(mutex_);
  empty.next = std::exchange(empty_, &empty);
}

void SlabBin::empty_some(std::size_t magazines) {
  for (; magazines > 0 && full_ != nullptr; --magazines) {
    Magazine* magazine = std::exchange(full_, full_->next);
    --fulls_;
    give_locked({magazine->slots.data(), magazine->count});
    magazine->count = 0;
    magazine->next = empty_;
    empty_ = magazine;
  }
}

void SlabBin::trim(bool all) {
  MutexLock lock(mutex_);
  empty_some(all ? fulls_ : fewest_fulls_);
  fewest_fulls_ = fulls_;
}

SlabBin::Stats SlabBin::stats() const {
  MutexLock lock(mutex_);
  Stats stats{.slabs = slabs_, .taken = taken_, .given = given_, .exchanges = exchanges_};
  for (SlabIndex head : lists_) {
    for (SlabIndex slab = head; slab != kNoSlab; slab = region_->record(slab).next)
      stats.free_objects += region_->record(slab).free;
  }
  for (const Magazine* magazine = full_; magazine != nullptr; magazine = magazine->next)
    stats.depot_objects += magazine->count;
  return stats;
}

void SlabBin::CheckInvariants() const {
  MutexLock lock(mutex_);
  for (std::size_t list = 0; list < kLists; ++list) {
    SlabIndex before = kNoSlab;
    for (SlabIndex slab = lists_[list]; slab != kNoSlab; slab = region_->record(slab).next) {
      const SlabRecord& record = region_->record(slab);
      const std::uint64_t* words = region_->bitmap(slab);
      std::size_t free = 0;
      for (std::size_t word = 0; word < SlabRegion::kBitmapWords; ++word) {
        free += static_cast<std::size_t>(std::popcount(words[word]));
        PLIMSOLL_CHECK(words[word] == 0 || word >= record.hint, "slab %u has a free object before its hint",
                       slab);
      }
      PLIMSOLL_CHECK(record.in_use && record.size_class == size_class_ && record.previous == before);
      PLIMSOLL_CHECK(free == record.free && free > 0 && free < record.capacity, "slab %u: %zu of %u free",
                     slab, free, record.capacity);
      PLIMSOLL_CHECK(list == record.fullness && list == list_for(record));
      before = slab;
    }
  }
}

}  // namespace plimsoll
