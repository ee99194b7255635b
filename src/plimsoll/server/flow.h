// Flow: how fast memory is charged and released, account by account, and how it has grown in the last minute.
//
// What is used says how full the ship is; these say whether she is being loaded. Two accounts that use the
// same differ by them: one that turns over its memory ten times a second, and one that leaks. Rates are
// differences of the accounts' totals over the last five seconds; growth is the slope of a line of least
// squares through a minute, so that a spike at either end says little.
//
// Thread-safety: any thread. Cost: look() a lock and 16 cache lines an account, once a second; of() the same
// and a pass over the minute. Limits: a minute, by the second: 1 KiB an account. Errors: none. Ownership:
// none; asks the line during look().
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {

class Flow {
 public:
  static constexpr std::size_t kLooks = 61;
  static constexpr std::size_t kLately = 5;           // looks that rates reach back
  static constexpr std::size_t kLeastForGrowth = 10;  // looks; before, a start is taken for growth
  static constexpr Duration kBetween = std::chrono::seconds(1);

  // Bytes a second.
  struct Rates {
    double charged = 0, released = 0;
    std::optional<double> growth;  // nothing: it was not looked at long enough
  };
  struct Figures {
    Rates all;
    std::vector<Rates> accounts;  // as LoadLine::accounts()
  };

  // Looks within a second of the last one are left out.
  void look(MonotonicTime now, const LoadLine& line);
  Figures figures() const;

 private:
  struct Point {
    std::uint64_t charged = 0, released = 0;
  };
  using Series = std::array<Point, kLooks>;  // rings, as times_

  std::size_t slot(std::size_t back) const PLIMSOLL_REQUIRES(mutex_) { return (taken_ - 1 - back) % kLooks; }
  Rates rates_of(const Series& series, std::size_t since) const PLIMSOLL_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::array<MonotonicTime, kLooks> times_ PLIMSOLL_GUARDED_BY(mutex_){};
  std::size_t taken_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::vector<Series> series_ PLIMSOLL_GUARDED_BY(mutex_);       // the whole line first
  std::vector<std::size_t> opened_ PLIMSOLL_GUARDED_BY(mutex_);  // at which look
};

}  // namespace plimsoll
