// Extent: one large value (16 KiB and more) in a run of pages of its own, shared by reference.
//
// Why: a large value is received straight into its pages, adopted by the cache without a copy, sent from them
// without a copy, and its pages go back to the kernel in one call. Address space is reserved in slots of a
// power of two, so that there is nothing to coalesce; only the pages that are used are backed and charged.
// Invariant: charged() covers the pages below reserved(); slots that are free have no pages.
//
//   Result<ExtentRef> body = store.open(1_MiB, bodies);      // address space only
//   if (!body->reserve(64 * 1024)) wait();                   // charged, may be written now
//
// Thread-safety: the store from any thread; an extent is written by one thread until it is shared, then only
// read. Cost: open() a lock and an allocation of about 100 bytes; dropping the last reference a madvise call
// (about 60 us a MiB). Limits: 512 MiB a value. Errors: kRefused (the account), kSystem (address space).
// Ownership: counted references.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

class ExtentStore;

class Extent {
 public:
  char* data() { return data_; }
  std::span<char> bytes() { return {data_, size_}; }
  std::string_view view() const { return {data_, size_}; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t reserved() const { return reserved_; }
  Bytes charged() const { return charge_.size(); }
  // Being sent: its pages do not come back before that ends. Either may be old news.
  bool pinned() const { return pins_.load(std::memory_order_relaxed) != 0; }

  // Charges pages up to `size`, to the account it was opened with or moved to; false when refused.
  // REQUIRES: size <= capacity(); nobody has pinned it, of charge_to() as well.
  [[nodiscard]] bool reserve(std::size_t size);
  // REQUIRES: size <= reserved(). Bytes that were never written read as zero.
  void set_size(std::size_t size);
  // Moves the charge; false when the account's maximum refuses it.
  [[nodiscard]] bool charge_to(Account& account);

 private:
  friend class ExtentStore;
  friend class ExtentRef;
  friend class PinnedValue;

  // False: it has ended. REQUIRES: an EpochReading since before it was found.
  bool try_refer();
  // Nobody but the item that is being changed has a reference, and nobody can get one before the change has
  // ended.
  bool is_mine();

  friend class ByteCache;
  friend class CacheShard;

  ExtentStore* store_ = nullptr;
  Account* account_ = nullptr;
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t reserved_ = 0;
  std::size_t capacity_ = 0;
  Charge charge_;
  std::uint32_t slot_ = 0;
  std::uint8_t slot_class_ = 0;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> pins_{0};
};

class ExtentRef {
 public:
  ExtentRef() = default;
  // Takes over one reference.
  explicit ExtentRef(Extent* extent) : extent_(extent) {}
  ExtentRef(ExtentRef&& other) noexcept : extent_(std::exchange(other.extent_, nullptr)) {}
  ExtentRef& operator=(ExtentRef&& other) noexcept {
    std::swap(extent_, other.extent_);
    return *this;
  }
  ~ExtentRef() {
    if (extent_ != nullptr) reset();
  }

  explicit operator bool() const { return extent_ != nullptr; }
  Extent* operator->() const { return extent_; }
  Extent& operator*() const { return *extent_; }
  Extent* release() { return std::exchange(extent_, nullptr); }
  void reset();

 private:
  Extent* extent_ = nullptr;
};

// A value that stays where it is while it is being sent, even when its item is overwritten, deleted or
// evicted meanwhile. Its pages count as pinned (not droppable) until the last pin goes.
class PinnedValue {
 public:
  PinnedValue() = default;
  explicit PinnedValue(Extent& extent);  // REQUIRES: somebody has a reference meanwhile
  PinnedValue(PinnedValue&& other) noexcept = default;
  PinnedValue& operator=(PinnedValue&& other) noexcept {
    std::swap(extent_, other.extent_);
    return *this;
  }
  ~PinnedValue() {
    if (extent_) unpin();
  }

  explicit operator bool() const { return static_cast<bool>(extent_); }
  std::string_view view() const { return extent_->view(); }

  // As a plain pointer, for a face in another language. REQUIRES: what was disowned is adopted once.
  Extent* disown() { return extent_.release(); }
  static PinnedValue adopt(Extent* extent) {
    PinnedValue pinned;
    pinned.extent_ = ExtentRef(extent);
    return pinned;
  }

 private:
  void unpin();

  ExtentRef extent_;
};

class ExtentStore {
 public:
  static constexpr std::size_t kSmallest = 16 * 1024;
  static constexpr std::size_t kLargest = std::size_t{512} << 20;

  // `address_space`: how much to reserve for each size of slot; halved until the system grants it.
  // Descriptors come from `slabs`.
  ExtentStore(PageSource& pages, Bytes address_space, SlabAllocator& slabs)
      : pages_(pages), address_space_(address_space), slabs_(slabs) {}
  ~ExtentStore();
  ExtentStore(const ExtentStore&) = delete;
  ExtentStore& operator=(const ExtentStore&) = delete;

  // An extent of size 0 that can grow to `capacity`. Errors: kOutOfRange above kLargest; kSystem, kRefused
  // without address space.
  Result<ExtentRef> open(std::size_t capacity, Account& account);
  // With pages for `size` bytes, which are granted even above the line: for who gives up more at once.
  Result<ExtentRef> open_held(std::size_t size, Account& account);
  std::size_t live() const { return live_.load(std::memory_order_relaxed); }

 private:
  friend class ExtentRef;
  static constexpr std::size_t kClasses = 16;  // 16 KiB << 0..15
  struct SlotClass {
    char* base = nullptr;
    Bytes length;
    std::size_t slots = 0;
    std::size_t next = 0;             // the lowest slot never used
    std::vector<std::uint32_t> free;  // used before, without pages now
  };

  Result<ExtentRef> open_with(Charge charge, std::size_t capacity, Account& account);
  void close(Extent* extent);
  void destroy(Extent* extent);  // the descriptor
  Result<std::uint32_t> take_slot(std::size_t slot_class) PLIMSOLL_REQUIRES(mutex_);

  PageSource& pages_;
  const Bytes address_space_;
  SlabAllocator& slabs_;
  Mutex mutex_;
  std::array<SlotClass, kClasses> classes_ PLIMSOLL_GUARDED_BY(mutex_);
  std::atomic<std::size_t> live_{0};
};

}  // namespace plimsoll
