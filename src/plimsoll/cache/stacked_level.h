// StackedLevel: a level made of two: a near one that is quick and bounded, and a far one for what it
// outgrows.
//
// Memory over disk over another machine (the hierarchy of Chou & DeWitt's and Wong & Wilkes's exclusive
// caches, one storey more) without a second LowerLevel: generations keep their numbers wherever they lie, so
// that what is known of them above (which may hold a key, which goes first) stays true. The newest lie near.
// When the near one is three quarters full its oldest generation is carried to the far one, in steps
// (tend()), and then dropped near.
//
//   a generation that is ... | is read    | is written        | and then
//   near                     | near       | near              | moving, when the near one fills up
//   moving                   | near       | near, and noted   | far: what was noted has been carried again
//   far                      | far        | far               | dropped whole, or lost with the far one
//
// A far one that fails, or is slower than `patience`, is lost: its generations are gone, the near one goes on
// alone, and the far one begins anew, empty, when it answers again; it does so too when the process starts.
// Without it, or when carrying is slower than what comes, the oldest generation near is left behind: dropped
// as far as it was not carried. A near one that fails fails the whole.
// Invariant: a generation counts as far only when every write of it that was taken has reached the far one.
//
// Thread-safety: as a CacheLevel; tend() and restart() from one thread. Cost: a lock a call; a step carries
// 256 keys or 1 MiB; 1 MiB of noted keys. Limits: the near one holds `near_size` and what comes during a
// step. Errors: the near one's; the far one's are counted. Ownership: owns both; the clock must outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/level.h"

namespace plimsoll {

class StackedLevel final : public CacheLevel {
 public:
  struct Options {
    std::unique_ptr<CacheLevel> near;
    std::unique_ptr<CacheLevel> far;
    const Clock& clock;
    Bytes near_size;
    // That slow answers in a row may take together before the far one is taken for lost: those who ask for
    // what lies near stand behind them.
    Duration patience = std::chrono::milliseconds(50);
    Duration retry = std::chrono::seconds(1);  // of a far one that was lost
  };

  explicit StackedLevel(Options options) : options_(std::move(options)) {}

  std::vector<std::uint32_t> generations() override;
  Outcome begin(std::uint32_t generation) override;
  Outcome drop_before(std::uint32_t generation) override;
  Outcome write(std::span<const Write> writes) override;
  Outcome read(std::uint32_t generation, std::string_view key, std::string& value) override;
  Outcome each_key(std::uint32_t generation, std::string_view from,
                   const std::function<bool(std::string_view)>& visit) override;
  void distrust() override;
  Outcome restart() override;
  Outcome tend() override;
  Figures figures() override;
  std::string words() override;

 private:
  static constexpr std::size_t kStepKeys = 256;
  static constexpr std::size_t kStepBytes = 1024 * 1024;
  static constexpr std::size_t kBatchBytes = 256 * 1024;  // of one write to the far one
  static constexpr std::size_t kMostNoted = 1024 * 1024;  // bytes; the generation is left behind then
  static constexpr std::size_t kAroundNoted = 64;         // of a string in a vector
  struct Carrying;

  bool is_far(std::uint32_t generation);
  bool far_answers();
  // Of a call that somebody waited for.
  void took(Duration time);
  void lose_far();
  Outcome read_far(std::uint32_t generation, std::string_view key, std::string& value);
  Outcome leave_behind(std::uint32_t generation);
  void begin_moving(std::uint32_t generation);
  Outcome step(std::uint32_t generation, bool cut);
  bool carry(Carrying& carrying, std::string_view key, bool noted);
  bool flush(Carrying& carrying);

  const Options options_;
  CacheLevel& near_ = *options_.near;
  CacheLevel& far_ = *options_.far;
  std::string from_;  // the key that the next step begins at; who tends
  Mutex mutex_;       // held over no call of either
  // Those that are far, with the bytes that were carried there.
  std::map<std::uint32_t, std::uint64_t> there_ PLIMSOLL_GUARDED_BY(mutex_);
  std::uint32_t moving_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // the one that is carried, or none
  std::uint64_t moved_bytes_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> noted_ PLIMSOLL_GUARDED_BY(mutex_);  // keys written while their generation moves
  std::size_t noted_bytes_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint32_t floor_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // what is below it was dropped
  bool far_up_ PLIMSOLL_GUARDED_BY(mutex_) = false;      // at first too: whatever it holds is not ours
  MonotonicTime retry_at_ PLIMSOLL_GUARDED_BY(mutex_) = MonotonicTime::min();
  Duration slow_ PLIMSOLL_GUARDED_BY(mutex_){};
  std::uint64_t carried_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t left_behind_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  std::uint64_t failures_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
