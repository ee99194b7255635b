// AdmissionBoard: what is let in at the present level, published for requests to read with one relaxed load.
//
// The table is a pure function of level and request kind. Reads and deletes always pass: they free memory or
// take none. Writes of a cache pass too: they evict, and the line itself says when nothing is left to evict.
// Large bodies (above 64 KiB) wait and then are refused, as they are what fills memory fastest; a new
// connection costs kernel memory at once and is refused last of all.
//
//   Admission admission = board.look(RequestKind::kBody);
//   if (admission.verdict == Verdict::kReject) return reply_busy();
//   if (admission.verdict == Verdict::kWait) deadline = now + admission.wait;   // for the line's Waiter
//
// Nobody calls the governor: it publishes, requests look.
//
// Thread-safety: any thread; one publisher. Cost: a relaxed load and a shift. Limits: waits below 1,024 ms.
// Errors: none.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plimsoll/governor/level.h"

namespace plimsoll {

enum class RequestKind : std::uint8_t {
  kRead,     // reads and deletes
  kWrite,    // a write whose body is 64 KiB or less
  kBody,     // a write with a larger body
  kAdmin,    // configuration, statistics, listings
  kConnect,  // a new connection
};
inline constexpr std::size_t kRequestKinds = 5;

std::string_view name_of(RequestKind kind);

struct Admission {
  enum class Verdict : std::uint8_t {
    kAccept,
    kWait,    // for memory, up to `wait`, then reject
    kReject,  // with an error that invites to try again
  };
  Verdict verdict = Verdict::kAccept;
  std::chrono::milliseconds wait{0};

  friend bool operator==(const Admission&, const Admission&) = default;
};
std::string_view name_of(Admission::Verdict verdict);

// The table. `droppable_left`: whether anything could still be dropped to make room.
Admission admission_for(Level level, RequestKind kind, bool droppable_left);

class AdmissionBoard {
 public:
  AdmissionBoard() { publish(Level::kNormal, true); }
  AdmissionBoard(const AdmissionBoard&) = delete;
  AdmissionBoard& operator=(const AdmissionBoard&) = delete;

  Admission look(RequestKind kind) const {
    // Relaxed: the word is whole by itself and nothing else is published with it.
    std::uint64_t word = word_.load(std::memory_order_relaxed) >> (kBits * static_cast<unsigned>(kind));
    return {static_cast<Admission::Verdict>(word & 3),
            std::chrono::milliseconds((word >> 2) & ((1u << (kBits - 2)) - 1))};
  }
  Level level() const {
    return static_cast<Level>(word_.load(std::memory_order_relaxed) >> (kBits * kRequestKinds));
  }
  void publish(Level level, bool droppable_left);

 private:
  static constexpr unsigned kBits = 12;  // a kind: two for the verdict, ten for the milliseconds

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace plimsoll
