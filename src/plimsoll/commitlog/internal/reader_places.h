// ReaderPlaces: where the readers of a log are, as far as their reads tell, so that what all of them have had
// can leave the page cache.
//
// A kernel cannot tell a page that was sent and is done with from one that the next fetch will want: both
// were touched, and the first one twice, so that under pressure the wrong one goes. Kafka's protocol names no
// readers in a fetch, but a reader begins where its last answer ended, or within it: that is how one is
// recognized. What it has had is what is below its last fetch, for it asks again only when that has come.
//
// Places are bytes from the log's beginning over all its segments.
//
// Invariant: at most kMost readers; each was seen within kPatience when it was last looked.
//
// Thread-safety: a value; the partition's lock guards it. Cost: a pass over the readers, 24 to 32 bytes each,
// nothing when there is none. Limits: two readers that ask for exactly the same are one until the first goes
// on; when there are more than kMost, the one that is furthest ahead is not known: who is behind it keeps its
// pages. Errors: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "plimsoll/base/clock.h"

namespace plimsoll {

class ReaderPlaces {
 public:
  static constexpr std::size_t kMost = 16;
  // Longer than who polls as clients do is silent.
  static constexpr Duration kPatience = std::chrono::seconds(2);
  static constexpr std::uint64_t kNobody = std::numeric_limits<std::uint64_t>::max();

  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  // Somebody asked for [from, to). How far that reader has come since take_passed().
  std::uint64_t read(std::uint64_t from, std::uint64_t to, MonotonicTime now);
  // Of those at or above `floor`, the one furthest behind; kNobody when there is none.
  std::uint64_t lowest(std::uint64_t floor, MonotonicTime now);
  // What they have had below `limit` since this was last asked, by steps of `step` at least while they are
  // below it, but for what somebody within `reach` behind them will want.
  std::vector<Range> take_passed(std::uint64_t limit, std::uint64_t reach, std::uint64_t step);

  std::size_t size() const { return readers_.size(); }
  void CheckInvariants() const;

 private:
  struct Reader {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint64_t taken = 0;  // below this, take_passed() has told
    MonotonicTime seen{};
  };

  void forget_silent(MonotonicTime now);
  bool followed(const Reader& reader, std::uint64_t reach) const;

  std::vector<Reader> readers_;
};

}  // namespace plimsoll
