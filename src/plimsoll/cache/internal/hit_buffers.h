// HitBuffers: what readers without a lock leave for whoever has it: hits that the policy has not heard of,
// and how many reads there were.
//
// Why: an exact order of use is written at each hit, to three records under lru, which is most of a hit's
// time and cannot be done without the lock. Hits are noted instead, in one of a few buffers by thread, and
// put in order under the lock by who fills one or comes to write (the read buffers of Caffeine, B. Manes;
// BP-Wrapper, Ding et al., ICDE 2009). A buffer that is one thread's alone is a ring with one writer and one
// reader (Lamport, "Specifying concurrent program modules", 1983), without a locked instruction: such a one
// waits for every load before it, so that no read of a key would begin while another waits for memory.
// Invariant: what one thread alone notes is drained in its order and nothing of it is lost; a hit is lost
// only where two threads are in one buffer at once, or a full one could not be drained.
//
// Thread-safety: note() from any thread; drain() under the shard's lock. Cost: note() some stores to lines of
// the thread's own, 3 KiB. Limits: the first four threads of the process have buffers of their own, and give
// them back when they end; others share two, at a locked exchange a read. Errors: none. Ownership: none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "plimsoll/base/random.h"
#include "plimsoll/base/thread_place.h"
#include "plimsoll/cache/internal/item.h"
#include "plimsoll/cache/internal/racing_read.h"

namespace plimsoll {

class HitBuffers {
 public:
  struct Hit {
    std::uint32_t hash;  // its low bits, which say the bucket and the stripe
    std::uint32_t version;
    Locator item;
  };
  struct Reads {
    std::uint64_t hits = 0, misses = 0;
  };
  struct Noted {
    bool full = false;    // drain before the next
    bool chosen = false;  // one of `between` reads on average, drawn at random
  };

  // `between` is 0 where none is to be chosen.
  HitBuffers(std::uint32_t between, std::uint64_t seed) : between_(between) {
    for (Buffer& buffer : buffers_) {
      buffer.draw = Random(seed++);
      buffer.until_chosen = next_chosen(buffer);
    }
  }

  // A read, and whether the policy is to hear of it, as this hit. (By value: a pointer would have it written
  // to the stack in three pieces and read back in one, for which a processor waits until all before it is
  // done.)
  PLIMSOLL_HOT Noted note(bool found, bool heard, Hit hit) {
    const unsigned place = Place::here();
    Buffer& buffer = buffers_[place];
    if (place < kOwned) [[likely]]
      return note_in(buffer, found, heard, hit);
    // acquire: pairs with the release below, of whoever was in it before.
    if (buffer.busy.exchange(true, std::memory_order_acquire)) [[unlikely]] {
      (found ? buffer.other_hits : buffer.other_misses).fetch_add(1, std::memory_order_relaxed);
      return {};
    }
    const Noted noted = note_in(buffer, found, heard, hit);
    buffer.busy.store(false, std::memory_order_release);
    return noted;
  }

  bool pending() const { return pending_.load(std::memory_order_relaxed); }

  // `prepare(hit)` and `approach(hit)` for all of a buffer, then `apply(hit)` in their order.
  template <typename Prepare, typename Approach, typename Apply>
  void drain(const Prepare& prepare, const Approach& approach, const Apply& apply) {
    pending_.store(false, std::memory_order_relaxed);
    for (Buffer& buffer : buffers_) drain(buffer, prepare, approach, apply);
  }
  // Of the thread's own buffer, which is full: others' lines stay where they are.
  template <typename Prepare, typename Approach, typename Apply>
  void drain_mine(const Prepare& prepare, const Approach& approach, const Apply& apply) {
    drain(buffers_[Place::here()], prepare, approach, apply);
  }

  // So far; of other threads a little late.
  Reads reads() const {
    Reads sum;
    for (const Buffer& buffer : buffers_) {
      sum.hits += buffer.hits.load(std::memory_order_relaxed);
      sum.hits += buffer.other_hits.load(std::memory_order_relaxed);
      sum.misses += buffer.misses.load(std::memory_order_relaxed);
      sum.misses += buffer.other_misses.load(std::memory_order_relaxed);
    }
    return sum;
  }

 private:
  using Place = ThreadPlace<HitBuffers, 4, 2>;
  static constexpr unsigned kOwned = Place::kOwn;
  static constexpr std::uint32_t kEntries = 32;  // a power of two, as the counts below go round
  struct alignas(64) Buffer {
    std::atomic<bool> busy{false};                              // of a shared one
    std::atomic<std::uint32_t> filled{0};                       // so far, by who is in it
    std::atomic<std::uint32_t> drained{0};                      // so far, by who has the shard's lock
    std::atomic<std::uint64_t> hits{0}, misses{0};              // by who is in it
    std::atomic<std::uint64_t> other_hits{0}, other_misses{0};  // by who found it busy
    std::uint32_t until_chosen = 0;
    Random draw{0};
    std::array<Hit, kEntries> entries;
  };

  template <typename Prepare, typename Approach, typename Apply>
  void drain(Buffer& buffer, const Prepare& prepare, const Approach& approach, const Apply& apply) {
    const std::uint32_t begin = buffer.drained.load(std::memory_order_relaxed);  // written under the lock
    const std::uint32_t end = buffer.filled.load(std::memory_order_acquire);     // pairs with note_in()
    for (std::uint32_t i = begin; i != end; ++i) prepare(buffer.entries[i % kEntries]);
    for (std::uint32_t i = begin; i != end; ++i) approach(buffer.entries[i % kEntries]);
    for (std::uint32_t i = begin; i != end; ++i) apply(buffer.entries[i % kEntries]);
    // release: the entries were read before they are written again; pairs with note_in().
    if (begin != end) buffer.drained.store(end, std::memory_order_release);
  }

  // By one thread at a time.
  PLIMSOLL_HOT Noted note_in(Buffer& buffer, bool found, bool heard, Hit hit) {
    add_one(found ? buffer.hits : buffer.misses);
    bool full = false;
    if (heard) {
      const std::uint32_t filled = buffer.filled.load(std::memory_order_relaxed);  // written here only
      // acquire: the entry was read by who drained it; pairs with drain().
      const std::uint32_t waiting = filled - buffer.drained.load(std::memory_order_acquire);
      if (waiting < kEntries) {
        Hit& entry = buffer.entries[filled % kEntries];
        entry.hash = hit.hash;
        entry.version = hit.version;
        entry.item = hit.item;
        buffer.filled.store(filled + 1, std::memory_order_release);  // pairs with drain()
        // The flag is apart from the buffers, so that writers who find nothing touch no reader's line.
        // Relaxed: a writer that does not see it yet drains the next time; the thread itself sees its own.
        if (!pending_.load(std::memory_order_relaxed)) pending_.store(true, std::memory_order_relaxed);
      }
      full = waiting + 1 >= kEntries;
    }
    const bool chosen = --buffer.until_chosen == 0;
    if (chosen) [[unlikely]]
      buffer.until_chosen = next_chosen(buffer);
    return {.full = full, .chosen = chosen && between_ > 0};
  }

  std::uint32_t next_chosen(Buffer& buffer) const {
    if (between_ == 0) return ~std::uint32_t{0};
    return 1 + static_cast<std::uint32_t>(buffer.draw.below(2 * between_));
  }

  static void add_one(std::atomic<std::uint64_t>& count) {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  const std::uint32_t between_;
  alignas(64) std::atomic<bool> pending_{false};
  std::array<Buffer, Place::kPlaces> buffers_;
};

}  // namespace plimsoll
