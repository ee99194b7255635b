// ReadVersions: by which a reader without a lock knows that nothing changed while it read.
//
// A shard's keys are divided into 64 stripes by their hash, each with a counter that is odd while a key of
// the stripe is being changed (a sequence lock, as Linux has; Lameter 2005). A reader takes the counter,
// reads, and takes it again: where it is the same and even, what was read was at rest. So writers wait for
// nobody, readers write nothing that others read, and bytes come back into use at once: a full cache has no
// memory to leave idle until readers have passed, and an item that is overwritten stays in its place. What
// epochs would cost here was the reason: a grace period for every batch of dead records, and a new place for
// every overwritten one.
//
// Invariant: whatever ends a record or changes it (its place in the index, its bytes, what it points to) lies
// between begin() and end() of its stripe, and bytes are used again only after that.
//
// Thread-safety: begin() and end() under the shard's lock, the rest from any thread. Cost: two stores a
// change, two loads a read. Limits: 2^31 changes of a stripe during one read would go unseen. Errors: none.
// Ownership: none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace plimsoll {

class ReadVersions {
 public:
  static constexpr std::size_t kStripes = 64;

  static std::size_t stripe_of(std::uint64_t hash) { return hash & (kStripes - 1); }

  // acquire: pairs with end(): what was written before it is seen by whoever sees the version.
  std::uint32_t version(std::uint64_t hash) const {
    return versions_[stripe_of(hash)].load(std::memory_order_acquire);
  }
  static bool at_rest(std::uint32_t version) { return (version & 1) == 0; }
  bool unchanged(std::uint64_t hash, std::uint32_t version) const {
    // acquire: what was read stays before the load; pairs with the fence in begin(): who read bytes that were
    // written after it sees its version.
    std::atomic_thread_fence(std::memory_order_acquire);
    return versions_[stripe_of(hash)].load(std::memory_order_relaxed) == version;
  }

  // False: it has begun already, and whoever did that ends it.
  bool begin(std::uint64_t hash) {
    std::atomic<std::uint32_t>& version = versions_[stripe_of(hash)];
    const std::uint32_t now = version.load(std::memory_order_relaxed);  // one writer, by the lock
    if (!at_rest(now)) return false;
    version.store(now + 1, std::memory_order_relaxed);
    // release: later writes stay behind the store; pairs with unchanged().
    std::atomic_thread_fence(std::memory_order_release);
    return true;
  }
  void end(std::uint64_t hash) {
    std::atomic<std::uint32_t>& version = versions_[stripe_of(hash)];
    // release: pairs with version().
    version.store(version.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // One change of one key's record, in a scope.
  class Change {
   public:
    Change(ReadVersions& versions, std::uint64_t hash)
        : versions_(versions), hash_(hash), begun_(versions.begin(hash)) {}
    ~Change() {
      if (begun_) versions_.end(hash_);
    }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    ReadVersions& versions_;
    const std::uint64_t hash_;
    const bool begun_;
  };
  // Of all keys. REQUIRES: no change has begun.
  class ChangeOfAll {
   public:
    explicit ChangeOfAll(ReadVersions& versions) : versions_(versions) {
      for (std::size_t stripe = 0; stripe < kStripes; ++stripe) versions_.begin(stripe);
    }
    ~ChangeOfAll() {
      for (std::size_t stripe = 0; stripe < kStripes; ++stripe) versions_.end(stripe);
    }
    ChangeOfAll(const ChangeOfAll&) = delete;
    ChangeOfAll& operator=(const ChangeOfAll&) = delete;

   private:
    ReadVersions& versions_;
  };

 private:
  alignas(64) std::array<std::atomic<std::uint32_t>, kStripes> versions_{};
};

}  // namespace plimsoll
