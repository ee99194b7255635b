// HeldValue: an object that a record of the cache holds in place of bytes, shared by those who read it.
//
// Why: who writes a server of his own wants his objects back as they are, not as bytes to be parsed again; so
// a record holds a pointer, and everything else (shards, policies, expiry) is the byte cache's own. One
// counter says both who reads it and whether it is cached, so that a hit writes one word. Invariant: it lives
// as long as the cache holds it or somebody has it pinned, and is charged for as long. Its memory comes back
// when no reader can look at the counter any more (internal/epoch.h): a reader without the shard's lock pins
// it if it is still there.
//
// Thread-safety: counting from any thread; the rest before it is shared. Cost: 40 bytes beside the object; a
// pin and its end are an atomic addition each. Limits: 2^31 pins. Errors: none. Ownership: by its pins and
// the cache together; its account must outlive it, the cache need not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

#include "plimsoll/base/bytes.h"
#include "plimsoll/budget/charge.h"

namespace plimsoll {

// Why something left a cache.
enum class Removal : std::uint8_t {
  kEvicted,   // for memory, or for a bound that was set
  kExpired,   // its time had come
  kErased,    // by name
  kReplaced,  // by another value for its key
  kCleared,   // with all others
};
std::string_view name_of(Removal why);

class HeldValue {
 public:
  virtual ~HeldValue() = default;
  HeldValue(const HeldValue&) = delete;
  HeldValue& operator=(const HeldValue&) = delete;
  // The heap's; it is to come back late.
  static void* operator new(std::size_t size);
  static void* operator new(std::size_t size, std::align_val_t alignment);
  static void operator delete(void* memory, std::size_t size);
  static void operator delete(void* memory, std::size_t size, std::align_val_t alignment);

  Bytes weight() const { return weight_; }
  // Either may be old news: who reads needs no lock.
  bool pinned() const { return (references_.load(std::memory_order_relaxed) & ~kCached) != 0; }

 protected:
  // Pinned once: by who made it.
  explicit HeldValue(Bytes weight) : weight_(weight) {}

 private:
  friend class HeldPin;
  friend class HeldCache;
  static constexpr std::uint32_t kCached = 0x8000'0000;
  // From here on what is read counts as pinned in its account: for less, counting costs more than it tells.
  static constexpr Bytes kCounted{4096};

  void pin();
  bool try_pin();  // false: it has ended. REQUIRES: an EpochReading since before it was found
  void unpin();
  void set_charge(Charge charge);
  void enter();  // the cache holds it, until leave()
  void leave();

  std::atomic<std::uint32_t> references_{1};  // pins, and kCached
  Removal why_ = Removal::kEvicted;
  const Bytes weight_;
  Account* counted_ = nullptr;  // where its pins count
  Charge charge_;
  HeldValue* next_ = nullptr;  // of those that left and were not looked after yet
};

// One reader's hold on it.
class HeldPin {
 public:
  HeldPin() = default;
  // Takes over the pin that a new one has.
  explicit HeldPin(HeldValue* value) : value_(value) {}
  // REQUIRES: it is pinned, or its shard is locked.
  static HeldPin of(HeldValue& value) {
    value.pin();
    return HeldPin(&value);
  }
  HeldPin(const HeldPin& other) : value_(other.value_) {
    if (value_ != nullptr) value_->pin();
  }
  HeldPin(HeldPin&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  HeldPin& operator=(HeldPin other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~HeldPin() {
    if (value_ != nullptr) value_->unpin();
  }

  // Empty when it has ended. REQUIRES: as HeldValue::try_pin().
  static HeldPin try_of(HeldValue& value) { return HeldPin(value.try_pin() ? &value : nullptr); }

  explicit operator bool() const { return value_ != nullptr; }
  HeldValue* get() const { return value_; }

 private:
  HeldValue* value_ = nullptr;
};

// Who put the objects, and hears when they leave.
class HeldOwner {
 public:
  virtual ~HeldOwner() = default;
  // Under the lock of its shard: remember it, and look after it when the lock is gone.
  virtual void left(HeldValue& value, Removal why) = 0;
};

}  // namespace plimsoll
