// HitBuffers: what readers without a lock leave for whoever has it: hits that the policy has not heard of,
// and how many reads there were.
//
// Why: an exact order of use is written at each hit, to three records under lru, which is most of a hit's
// time and cannot be done without the lock. Hits are noted instead, in one of a few buffers by thread, and
// put in order under the lock by who fills one or comes to write (the read buffers of Caffeine, B. Manes;
// BP-Wrapper, Ding et al., ICDE 2009). Invariant: what one thread alone notes is drained in its order and
// nothing of it is lost; a hit is lost only where two threads are in one buffer at once, or a full one could
// not be drained.
//
// Thread-safety: note() from any thread; drain() under the shard's lock. Cost: note() one locked exchange on
// a line of the thread's own; 2 KiB. Limits: more than four threads share buffers. Errors: none. Ownership:
// none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "plimsoll/base/random.h"
#include "plimsoll/cache/internal/item.h"

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

  // A read, and a hit that the policy is to hear of unless it is null.
  Noted note(bool found, const Hit* hit) {
    const unsigned thread = thread_number();
    Buffer& buffer = buffers_[thread % kBuffers];
    // acquire: pairs with the release below, of whoever was in it before.
    if (buffer.busy.exchange(true, std::memory_order_acquire)) [[unlikely]] {
      (found ? buffer.other_hits : buffer.other_misses).fetch_add(1, std::memory_order_relaxed);
      return {};
    }
    add_one(found ? buffer.hits : buffer.misses);
    std::uint32_t filled = buffer.filled.load(std::memory_order_relaxed);  // written by who is in it
    if (hit != nullptr && filled < kEntries) {
      buffer.entries[filled++] = *hit;
      buffer.filled.store(filled, std::memory_order_relaxed);
      // The flag is apart from the buffers, so that writers who find nothing touch no reader's line. Relaxed:
      // a writer that does not see it yet drains the next time; the thread itself sees its own.
      if (!pending_.load(std::memory_order_relaxed)) pending_.store(true, std::memory_order_relaxed);
    }
    const bool chosen = --buffer.until_chosen == 0;
    if (chosen) [[unlikely]]
      buffer.until_chosen = next_chosen(buffer);
    buffer.busy.store(false, std::memory_order_release);
    return {.full = filled >= kEntries, .chosen = chosen && between_ > 0};
  }

  bool pending() const { return pending_.load(std::memory_order_relaxed); }

  // `prepare(hit)` for all of a buffer, then `apply(hit)` in their order.
  template <typename Prepare, typename Apply>
  void drain(const Prepare& prepare, const Apply& apply) {
    pending_.store(false, std::memory_order_relaxed);
    for (Buffer& buffer : buffers_) {
      if (buffer.filled.load(std::memory_order_relaxed) == 0) continue;
      if (buffer.busy.exchange(true, std::memory_order_acquire)) {  // as in note()
        pending_.store(true, std::memory_order_relaxed);
        continue;
      }
      const std::uint32_t filled = buffer.filled.load(std::memory_order_relaxed);
      for (std::uint32_t i = 0; i < filled; ++i) prepare(buffer.entries[i]);
      for (std::uint32_t i = 0; i < filled; ++i) apply(buffer.entries[i]);
      buffer.filled.store(0, std::memory_order_relaxed);
      buffer.busy.store(false, std::memory_order_release);
    }
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
  static constexpr std::size_t kBuffers = 4;
  static constexpr std::uint32_t kEntries = 32;
  struct alignas(64) Buffer {
    std::atomic<bool> busy{false};
    std::atomic<std::uint32_t> filled{0};
    std::atomic<std::uint64_t> hits{0}, misses{0};              // by who is in it
    std::atomic<std::uint64_t> other_hits{0}, other_misses{0};  // by who found it busy
    std::uint32_t until_chosen = 0;
    Random draw{0};
    std::array<Hit, kEntries> entries;
  };

  std::uint32_t next_chosen(Buffer& buffer) const {
    if (between_ == 0) return ~std::uint32_t{0};
    return 1 + static_cast<std::uint32_t>(buffer.draw.below(2 * between_));
  }

  static void add_one(std::atomic<std::uint64_t>& count) {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  static unsigned thread_number() {
    static std::atomic<unsigned> next{0};
    thread_local const unsigned mine = next.fetch_add(1, std::memory_order_relaxed);
    return mine;
  }

  const std::uint32_t between_;
  alignas(64) std::atomic<bool> pending_{false};
  std::array<Buffer, kBuffers> buffers_;
};

}  // namespace plimsoll
