#include "plimsoll/alloc/internal/slab_bin.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "plimsoll/base/check.h"
#include "plimsoll/base/poison.h"

namespace plimsoll {
namespace {

constexpr int kWorthACall = 4;  // pages, where nothing presses

}  // namespace

void SlabBin::open(SlabRegion& region, const SizeClasses& classes, unsigned size_class, unsigned node) {
  region_ = &region;
  size_class_ = size_class;
  node_ = node;
  size_ = static_cast<std::uint32_t>(classes.size(size_class));
  objects_ = static_cast<std::uint32_t>(classes.objects(size_class));
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
  std::optional<SlabIndex> slab = region_->take(node_, size_class_);
  if (!slab) return false;
  SlabRecord& record = region_->record(*slab);
  record.capacity = record.free = static_cast<std::uint16_t>(objects_);
  record.bitmap_inside = size_ < SizeClasses::kBitmapInside;
  std::uint64_t* words = region_->bitmap(*slab);
  const std::size_t size =
      record.bitmap_inside ? SizeClasses::kInsideBytes : SlabRegion::kBitmapWords * sizeof(std::uint64_t);
  unpoison(words, size);
  std::memset(words, 0, size);
  std::fill_n(words, objects_ / 64, ~std::uint64_t{0});
  if (objects_ % 64 != 0) words[objects_ / 64] = (std::uint64_t{1} << (objects_ % 64)) - 1;
  ++slabs_;
  free_objects_ += objects_;
  link(*slab);
  return true;
}

// A bit for each page that an object lies on.
std::uint16_t SlabBin::pages_under(std::size_t object) const {
  const std::size_t first = object * size_ / SlabRegion::kPage;
  const std::size_t last = (object * size_ + size_ - 1) / SlabRegion::kPage;
  return static_cast<std::uint16_t>((2u << last) - (1u << first));
}

// From the lowest address on; fewer than there are, down to none, when pages that went back are refused.
// REQUIRES: an object of it is free.
std::size_t SlabBin::take_from(SlabIndex slab, std::span<void*> objects) {
  SlabRecord& record = region_->record(slab);
  std::uint64_t* words = region_->bitmap(slab);
  char* begin = region_->begin_of(slab);
  std::size_t taken = 0;
  std::size_t word = record.hint;
  while (taken < objects.size() && taken < record.free) {
    while (words[word] == 0) ++word;
    const auto bit = static_cast<unsigned>(std::countr_zero(words[word]));
    const std::size_t object = word * 64 + bit;
    if (record.gone != 0) [[unlikely]] {
      const auto missing = static_cast<std::uint16_t>(pages_under(object) & record.gone);
      if (missing != 0 && !region_->want_pages(slab, missing)) break;
    }
    words[word] &= words[word] - 1;
    objects[taken++] = begin + object * size_;
  }
  if (taken == 0) return 0;
  unlink(slab);
  record.taken_from = true;
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
    const std::size_t more = take_from(slab, objects.subspan(taken));
    if (more == 0) break;
    taken += more;
  }
  taken_ += taken;
  free_objects_ -= taken;
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
  record.pages_seen = false;
  if (record.free > 0) unlink(slab);
  record.free = static_cast<std::uint16_t>(record.free + objects.size());
  free_objects_ += objects.size();
  if (record.free < record.capacity) return link(slab);
  --slabs_;
  free_objects_ -= objects_;
  region_->give(slab);
}

void SlabBin::give(std::span<void*> objects) {
  MutexLock lock(mutex_);
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

// A bit for each page that nothing in use lies on, of those that are there.
std::uint16_t SlabBin::free_pages(SlabIndex slab) const {
  const SlabRecord& record = region_->record(slab);
  const std::uint64_t* words = region_->bitmap(slab);
  std::uint32_t used = record.gone;
  for (std::size_t word = 0; word * 64 < objects_; ++word) {
    std::uint64_t busy = ~words[word];
    if (objects_ - word * 64 < 64) busy &= (std::uint64_t{1} << (objects_ - word * 64)) - 1;
    for (; busy != 0; busy &= busy - 1)
      used |= pages_under(word * 64 + static_cast<unsigned>(std::countr_zero(busy)));
  }
  if (record.bitmap_inside) used |= 1u << (SlabRegion::kSlabSize / SlabRegion::kPage - 1);
  return static_cast<std::uint16_t>(~used);
}

Bytes SlabBin::give_back_pages(SlabIndex slab, bool idle_only) {
  MutexLock lock(mutex_);
  if (region_->class_in_use(slab) != size_class_) return 0_B;  // it was, a moment ago
  SlabRecord& record = region_->record(slab);
  if (idle_only && std::exchange(record.taken_from, false)) return 0_B;
  if (record.pages_seen || record.free == 0) return 0_B;
  const std::uint16_t pages = free_pages(slab);
  if (idle_only && std::popcount(pages) < kWorthACall) return 0_B;
  record.pages_seen = true;
  if (pages == 0) return 0_B;
  region_->give_pages(slab, pages);
  return Bytes(SlabRegion::kPage) * static_cast<std::uint64_t>(std::popcount(pages));
}

SlabBin::Stats SlabBin::stats() const {
  MutexLock lock(mutex_);
  return {.slabs = slabs_, .free_objects = free_objects_, .taken = taken_, .given = given_};
}

void SlabBin::CheckInvariants() const {
  MutexLock lock(mutex_);
  std::size_t all_free = 0;
  for (std::size_t list = 0; list < kLists; ++list) {
    SlabIndex before = kNoSlab;
    for (SlabIndex slab = lists_[list]; slab != kNoSlab; slab = region_->record(slab).next) {
      const SlabRecord& record = region_->record(slab);
      const std::uint64_t* words = region_->bitmap(slab);
      std::size_t free = 0;
      for (std::size_t word = 0; word * 64 < objects_; ++word) {
        free += static_cast<std::size_t>(std::popcount(words[word]));
        PLIMSOLL_CHECK(words[word] == 0 || word >= record.hint, "slab %u has a free object before its hint",
                       slab);
      }
      PLIMSOLL_CHECK(record.in_use && record.size_class == size_class_ && record.previous == before);
      PLIMSOLL_CHECK(free == record.free && free > 0 && free < record.capacity, "slab %u: %zu of %u free",
                     slab, free, record.capacity);
      PLIMSOLL_CHECK(list == record.fullness && list == list_for(record));
      before = slab;
      all_free += free;
    }
  }
  PLIMSOLL_CHECK(all_free == free_objects_, "%zu objects are free, %zu were counted", all_free,
                 free_objects_);
}

}  // namespace plimsoll
