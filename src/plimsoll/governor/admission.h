// AdmissionBoard: what is let in at the present level, published for requests to read with one relaxed load.
//
// The table is a pure function of level and request kind. Reads and deletes always pass: they free memory or
// take none. Writes of a cache pass too: they evict, and the line itself says when nothing is left to evict.
// Large bodies (above 64 KiB) wait and then are refused, as they are what fills memory fastest; a new
// connection costs kernel memory at once and is refused last of all. Producers of the log are slowed down
// before they are refused, by pauses that a controller picks within each level's bound (throttle.h); who
// fetches gets smaller answers, because what is on its way to a reader is memory of the kernel.
//
//   Admission admission = board.look(RequestKind::kBody);
//   if (admission.verdict == Verdict::kReject) return reply_busy();
//   if (admission.verdict == Verdict::kWait) deadline = now + admission.wait;   // for the line's Waiter
//
// Nobody calls the governor: it publishes, requests look.
//
// Thread-safety: any thread; one publisher. Cost: a relaxed load and a look into a table. Limits: waits below
// 1,024 ms. Errors: none.
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
  kProduce,  // an append to the log
  kFetch,    // a read of the log
};
inline constexpr std::size_t kRequestKinds = 7;

std::string_view name_of(RequestKind kind);

struct Admission {
  enum class Verdict : std::uint8_t {
    kAccept,
    kWait,    // for memory, up to `wait`, then reject
    kReject,  // with an error that invites to try again
    kPause,   // accept, and read nothing more of the connection for `wait`
  };
  Verdict verdict = Verdict::kAccept;
  std::chrono::milliseconds wait{0};
  unsigned share_shift = 0;  // an answer may have this share of its bytes: all, a half, a quarter

  friend bool operator==(const Admission&, const Admission&) = default;
};
std::string_view name_of(Admission::Verdict verdict);

// The table, with the longest waits. `droppable_left`: whether anything could still be dropped to make room.
Admission admission_for(Level level, RequestKind kind, bool droppable_left);

class AdmissionBoard {
 public:
  AdmissionBoard() { publish(Level::kNormal, true, 0); }
  AdmissionBoard(const AdmissionBoard&) = delete;
  AdmissionBoard& operator=(const AdmissionBoard&) = delete;

  Admission look(RequestKind kind) const {
    // Relaxed: the word is whole by itself and nothing else is published with it.
    const std::uint32_t word = word_.load(std::memory_order_relaxed);
    Admission admission = admission_for(static_cast<Level>(word & 7), kind, (word & 8) != 0);
    if (admission.verdict == Admission::Verdict::kPause)
      admission.wait = admission.wait * (word >> 4) / kWhole;
    return admission;
  }
  Level level() const { return static_cast<Level>(word_.load(std::memory_order_relaxed) & 7); }
  // `pause`: what share of the longest pause producers are given, 0 to 1.
  void publish(Level level, bool droppable_left, double pause);

 private:
  static constexpr unsigned kWhole = 1000;

  std::atomic<std::uint32_t> word_{
      0};  // from the lowest bit: 3 of level, 1 droppable, the share of the pause
};

}  // namespace plimsoll
