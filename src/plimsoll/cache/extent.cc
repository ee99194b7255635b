#include "plimsoll/cache/extent.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "plimsoll/base/poison.h"
#include "plimsoll/cache/internal/epoch.h"

namespace plimsoll {
namespace {

// What a descriptor counts as while it waits for readers: more than it is, so that 64 of them are collected.
// To let a large value go is dear anyway, and its slab is charged until then.
constexpr Bytes kWaiting = 1_KiB;

constexpr std::size_t rounded_to_pages(std::size_t size) { return (size + 4095) & ~std::size_t{4095}; }

}  // namespace

bool Extent::reserve(std::size_t size) {
  PLIMSOLL_CHECK(size <= capacity_, "%zu of %zu", size, capacity_);
  std::size_t wanted = std::min(rounded_to_pages(size), capacity_);
  if (wanted <= reserved_) return true;
  if (!charge_.grow(Bytes(wanted - reserved_))) return false;
  unpoison(data_ + reserved_, wanted - reserved_);
  reserved_ = wanted;
  return true;
}

void Extent::set_size(std::size_t size) {
  PLIMSOLL_CHECK(size <= reserved_, "%zu of %zu", size, reserved_);
  if (size < size_) std::memset(data_ + size, 0, size_ - size);
  size_ = size;
}

bool Extent::charge_to(Account& account) {
  if (!charge_.transfer(account)) return false;
  account_ = &account;
  return true;
}

bool Extent::try_refer() {
  std::uint32_t before = references_.load(std::memory_order_relaxed);
  do {
    if (before == 0) return false;
    // acquire: pairs with is_mine(): who comes after it sees that the item is being changed.
  } while (!references_.compare_exchange_weak(before, before + 1, std::memory_order_acq_rel,
                                              std::memory_order_relaxed));
  return true;
}

bool Extent::is_mine() {
  // A write, for its place in the order of all changes of the count: a reader's reference is before it, and
  // is seen, or after it, and the reader sees the odd version that was written before this.
  return references_.fetch_add(0, std::memory_order_acq_rel) == 1;
}

void ExtentRef::reset() {
  if (!extent_) return;
  // acq_rel: whoever drops the last reference sees all that the others did to the pages before they are given
  // back.
  if (extent_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) extent_->store_->close(extent_);
  extent_ = nullptr;
}

PinnedValue::PinnedValue(Extent& extent) : extent_(&extent) {
  extent.references_.fetch_add(1, std::memory_order_relaxed);
  if (extent.pins_.fetch_add(1, std::memory_order_relaxed) == 0) extent.account_->pin(extent.charged());
}

void PinnedValue::unpin() {
  // release: pairs with nothing but the next pin; who writes to the pages looks at the references.
  if (extent_->pins_.fetch_sub(1, std::memory_order_release) == 1)
    extent_->account_->unpin(extent_->charged());
}

ExtentStore::~ExtentStore() {
  epochs().drain();
  PLIMSOLL_CHECK(live() == 0, "%zu extents outlive their store", live());
  for (std::size_t number = 0; number < kClasses; ++number) {
    SlotClass& c = classes_[number];
    if (c.base == nullptr) continue;
    unpoison(c.base, c.next * (kSmallest << number));  // or whoever is given the same address next is accused
    static_cast<void>(pages_.unmap({reinterpret_cast<std::byte*>(c.base), c.length}));
  }
}

Result<std::uint32_t> ExtentStore::take_slot(std::size_t number) {
  SlotClass& c = classes_[number];
  const Bytes slot = Bytes(kSmallest << number);
  if (c.base == nullptr) {
    Result<PageRange> range = fail(ErrorCode::kRefused, "no address space for large values");
    for (Bytes space = std::max(address_space_.rounded_up(slot), slot); !range && space >= slot;
         space = (space / 2).rounded_down(slot)) {
      range = pages_.reserve(space, std::max(slot, pages_.page_size()));
    }
    if (!range) return tl::unexpected(range.error());
    c.base = reinterpret_cast<char*>(range->begin);
    c.length = range->size;
    c.slots = range->size / slot;
    static_cast<void>(pages_.advise(*range, Advice::kNoHugePage));
  }
  if (!c.free.empty()) {
    std::uint32_t taken = c.free.back();
    c.free.pop_back();
    return taken;
  }
  if (c.next == c.slots)
    return fail(ErrorCode::kRefused, "no address space left for large values of this size");
  PageRange fresh{reinterpret_cast<std::byte*>(c.base) + slot.count() * c.next, slot};
  if (Result<void> usable = pages_.make_usable(fresh); !usable) return tl::unexpected(usable.error());
  return static_cast<std::uint32_t>(c.next++);
}

Result<ExtentRef> ExtentStore::open(std::size_t capacity, Account& account) {
  if (capacity > kLargest) return fail(ErrorCode::kOutOfRange, "a value can be 512 MiB at most");
  Charge charge = account.charge(0_B);  // grows with its pages
  if (!charge) return fail(ErrorCode::kRefused, "the line does not grant the memory");
  return open_with(std::move(charge), capacity, account);
}

Result<ExtentRef> ExtentStore::open_held(std::size_t size, Account& account) {
  if (size > kLargest) return fail(ErrorCode::kOutOfRange, "a value can be 512 MiB at most");
  const std::size_t pages = rounded_to_pages(size);
  Result<ExtentRef> extent = open_with(account.charge_held(Bytes(pages)), size, account);
  if (!extent) return extent;
  unpoison((*extent)->data_, pages);
  (*extent)->reserved_ = pages;
  (*extent)->size_ = size;
  return extent;
}

Result<ExtentRef> ExtentStore::open_with(Charge charge, std::size_t capacity, Account& account) {
  std::size_t rounded = std::bit_ceil(std::max(capacity, kSmallest));
  auto number = static_cast<std::size_t>(std::countr_zero(rounded) - std::countr_zero(kSmallest));
  MutexLock lock(mutex_);
  Result<std::uint32_t> slot = take_slot(number);
  if (!slot) return tl::unexpected(slot.error());
  auto* extent = slabs_.create<Extent>();
  if (extent == nullptr) {
    classes_[number].free.push_back(*slot);
    return fail(ErrorCode::kRefused, "the line does not grant the memory");
  }
  extent->store_ = this;
  extent->account_ = &account;
  extent->data_ = classes_[number].base + rounded * *slot;
  extent->capacity_ = rounded;
  extent->charge_ = std::move(charge);
  extent->slot_ = *slot;
  extent->slot_class_ = static_cast<std::uint8_t>(number);
  poison(extent->data_, rounded);
  live_.fetch_add(1, std::memory_order_relaxed);
  return ExtentRef(extent);
}

void ExtentStore::close(Extent* extent) {
  if (extent->reserved_ > 0) {
    unpoison(extent->data_, extent->reserved_);
    static_cast<void>(
        pages_.give_back({reinterpret_cast<std::byte*>(extent->data_), Bytes(extent->reserved_)}));
  }
  poison(extent->data_, extent->capacity_);
  {
    MutexLock lock(mutex_);
    classes_[extent->slot_class_].free.push_back(extent->slot_);
  }
  extent->charge_ = Charge();  // now that the pages are gone
  live_.fetch_sub(1, std::memory_order_relaxed);
  // A reader may be about to look at its references.
  epochs().retire(
      {.memory = extent,
       .size = kWaiting,
       .end = [](void* memory,
                 void* store) { static_cast<ExtentStore*>(store)->destroy(static_cast<Extent*>(memory)); },
       .context = this});
}

void ExtentStore::destroy(Extent* extent) { slabs_.destroy(extent); }

}  // namespace plimsoll
