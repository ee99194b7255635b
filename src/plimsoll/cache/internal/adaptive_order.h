// AdaptiveOrder: the order of eviction behind the adaptive policy: a small queue in front of a main one, and
// four ways of running them.
//
// Why: S3-FIFO (Yang et al., SOSP 2023): new items enter a small queue; who is used there before reaching
// its end goes to the main queue, others leave at once and are remembered; who comes back while remembered
// goes straight to the main queue, where the oldest goes round again once for each use. So a hit only counts.
// Changed, each for a measured reason: one hit promotes and not two; twice as many ghosts as items; the main
// queue is divided by size class, each class going round as often as it has bytes, which is what
// GreedyDual-Size-Frequency does (Cherkasova, 1998) without its heap: an item's life is its uses divided by
// its size; small items need no hit to be promoted. The ways differ in the small queue's share, from LRU's
// likeness (nine tenths) to LIRS's (a fiftieth, and who would enter the main queue contests with its oldest:
// when that was used since it was last looked at, it stays and the newcomer does not enter. So a loop larger
// than the cache leaves a part of itself in place). Nothing but the next decisions changes with the way.
//
// `Records` says what an item is: Id, kNone, Queue (as ItemQueue), queue(number), and for an Id queue_of(),
// frequency(), set_frequency(), weight(), busy(), hash(). The policy and its simulations share this code.
//
// Thread-safety: its owner's lock. Cost: constant; evicting looks at one item for each use since. Limits:
// 16 size classes. Errors: none. Ownership: of ghosts only.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/cache/internal/ghost_list.h"

namespace plimsoll {

struct AdaptiveMode {
  std::string_view name;
  double small;   // the small queue's share of the weight
  bool contest;   // who would enter the main queue contests with its oldest
  unsigned uses;  // counted at most: rounds in the main queue
};

// The first is the best for most; the others take over where it is not.
inline constexpr std::array<AdaptiveMode, 4> kAdaptiveModes{{{"balanced", 0.1, false, 7},
                                                             {"recent", 0.5, false, 3},
                                                             {"most recent", 0.9, false, 3},
                                                             {"resistant", 0.02, true, 3}}};

template <class Records>
class AdaptiveOrder {
 public:
  using Id = typename Records::Id;
  static constexpr Id kNone = Records::kNone;
  static constexpr std::size_t kClasses = 16;
  static constexpr std::uint8_t kSmall = 0;
  static constexpr std::uint8_t kMain = 1;

  AdaptiveOrder(Records records, bool by_size)
      : records_(records), by_size_(by_size), small_(records_.queue(kSmall)) {
    for (std::size_t i = 0; i < (by_size ? kClasses : 1); ++i) main_.push_back(Main{records_.queue(kMain)});
  }

  // A new item, whose frequency is zero. Evicting for it comes before.
  void insert(Id item, std::uint64_t hash, const AdaptiveMode& mode) {
    const bool returns = ghosts_.recall(hash);
    const double total = static_cast<double>(weight());
    // One larger than the small queue would push all others out of it.
    const bool large = full_ && static_cast<double>(records_.weight(item)) > mode.small * total;
    const bool enters = large || (returns && (!contested(mode, total) || loser() != kNone));
    enters ? push_main(item) : small_.push_newest(item);
  }
  // Of a policy before this one: older than all that are there.
  void adopt(Id item, bool main) {
    if (!main) return small_.push_oldest(item);
    count_main(item);
    class_of(item).queue.push_oldest(item);
  }

  // A victim that stays: it goes once more through the queue that it was in.
  void readmit(Id item, std::uint8_t queue, std::uint64_t hash) {
    static_cast<void>(ghosts_.recall(hash));
    push_same(item, queue == kSmall);
  }

  // Takes the next victim out; kNone when there is none, or too many in a row are busy.
  Id evict(const AdaptiveMode& mode) {
    full_ = true;
    const std::size_t items = size();
    const double total = static_cast<double>(weight());
    for (std::size_t busy = 0; busy < kTries && size() > 0;) {
      const bool from_small = takes_small(mode, total);
      const Id item = from_small ? small_.oldest() : next_of_main();
      unlink(item);
      if (records_.busy(item)) {
        ++busy;
        push_same(item, from_small);
        continue;
      }
      const Id victim = from_small ? leave_small(item, mode, total, items) : leave_main(item);
      if (victim != kNone) return victim;
    }
    return kNone;
  }

  // The last that would leave: who was promoted is behind who was not. kNone when there is none.
  Id last() const {
    for (auto main = main_.rbegin(); main_items_ > 0 && main != main_.rend(); ++main) {
      if (!main->queue.empty()) return main->queue.newest();
    }
    return small_.newest();
  }
  void unlink(Id item) {
    if (records_.queue_of(item) == kSmall) return small_.unlink(item);
    Main& main = class_of(item);
    main_weight_ -= records_.weight(item);
    --main_items_;
    main.queue.unlink(item);
  }
  typename Records::Queue& queue_of(Id item) {
    return records_.queue_of(item) == kSmall ? small_ : class_of(item).queue;
  }
  // `to` takes over the place of `from`, whose weight may be another.
  void replace(Id from, Id to) {
    if (records_.queue_of(from) == kSmall) return small_.replace(from, to);
    if (class_number(records_.weight(from)) == class_number(records_.weight(to))) {
      main_weight_ += records_.weight(to) - records_.weight(from);
      return class_of(from).queue.replace(from, to);
    }
    unlink(from);
    push_main(to);
  }
  void reweighed(Id item, std::uint64_t before) {
    if (records_.queue_of(item) == kSmall) return small_.reweighed(item, before);
    Main& was = main_[class_number(before)];
    was.queue.reweighed(item, before);
    main_weight_ += records_.weight(item) - before;
    if (&was == &class_of(item)) return;
    was.queue.unlink(item);
    class_of(item).queue.push_newest(item);
  }

  std::size_t size() const { return small_.size() + main_items_; }
  std::uint64_t weight() const { return small_.bytes() + main_weight_; }
  Bytes memory() const { return ghosts_.memory() + Bytes(main_.capacity() * sizeof(Main)); }
  Records& records() { return records_; }
  void CheckInvariants() const {
    small_.CheckInvariants();
    std::uint64_t weight = 0;
    std::size_t items = 0;
    for (const Main& main : main_) {
      main.queue.CheckInvariants();
      items += main.queue.size();
      weight += main.queue.bytes();
    }
    PLIMSOLL_CHECK(items == main_items_, "%zu items of %zu", items, main_items_);
    PLIMSOLL_CHECK(weight == main_weight_, "%llu of %llu", static_cast<unsigned long long>(weight),
                   static_cast<unsigned long long>(main_weight_));
  }

 private:
  static constexpr std::size_t kTries = 64;   // busy items passed over in one search
  static constexpr std::size_t kGhosts = 2;   // remembered for each item
  static constexpr double kSmallItem = 0.5;   // of the mean weight: promoted without a hit
  static constexpr unsigned kFirstClass = 6;  // of weights below 64
  struct Main {
    typename Records::Queue queue;
    double due = 0;  // looks that its bytes have earned
  };

  std::size_t class_number(std::uint64_t weight) const {
    if (!by_size_) return 0;
    const unsigned width = static_cast<unsigned>(std::bit_width(weight));
    return width <= kFirstClass ? 0 : std::min<std::size_t>(width - kFirstClass, kClasses - 1);
  }
  Main& class_of(Id item) { return main_[class_number(records_.weight(item))]; }
  void count_main(Id item) {
    main_weight_ += records_.weight(item);
    ++main_items_;
  }
  void push_main(Id item) {
    count_main(item);
    class_of(item).queue.push_newest(item);
  }
  void push_same(Id item, bool small) { small ? small_.push_newest(item) : push_main(item); }

  bool contested(const AdaptiveMode& mode, double total) const {
    return mode.contest && static_cast<double>(main_weight_) >= (1 - mode.small) * total;
  }
  bool takes_small(const AdaptiveMode& mode, double total) const {
    if (small_.empty() || main_items_ == 0) return !small_.empty();
    return mode.contest ? static_cast<double>(main_weight_) <= (1 - mode.small) * total
                        : static_cast<double>(small_.bytes()) > mode.small * total;
  }

  // The class that is owed most looks gives its oldest. Looks are earned by bytes: a class of items twice as
  // large goes round twice as often, so that a use keeps an item for a time that its size divides.
  Id next_of_main() {
    Main* next = nullptr;
    const double earned = 1 / static_cast<double>(std::max<std::uint64_t>(main_weight_, 1));
    for (Main& main : main_) {
      if (main.queue.empty()) {
        main.due = 0;
        continue;
      }
      main.due += static_cast<double>(main.queue.bytes()) * earned;
      if (next == nullptr || main.due > next->due) next = &main;
    }
    if (next == nullptr) return kNone;
    next->due -= 1;
    return next->queue.oldest();
  }
  // A look at the main queue's oldest: it is nothing, and goes round, if it was used.
  Id loser() {
    const Id item = next_of_main();
    if (item == kNone) return kNone;
    const unsigned frequency = records_.frequency(item);
    if (frequency == 0 && !records_.busy(item)) return item;
    unlink(item);
    if (frequency > 0) records_.set_frequency(item, frequency - 1);
    push_main(item);
    return kNone;
  }

  Id leave_main(Id item) {
    const unsigned frequency = records_.frequency(item);
    if (frequency == 0) return item;
    records_.set_frequency(item, frequency - 1);
    push_main(item);
    return kNone;
  }
  Id leave_small(Id item, const AdaptiveMode& mode, double total, std::size_t items) {
    const bool light = by_size_ && static_cast<double>(records_.weight(item)) * static_cast<double>(items) <=
                                       kSmallItem * total;
    if (records_.frequency(item) == 0 && !light) {
      ghosts_.resize(kGhosts * items);
      ghosts_.remember(records_.hash(item));
      return item;
    }
    records_.set_frequency(item, 0);
    if (!contested(mode, total)) {
      push_main(item);
      return kNone;
    }
    const Id victim = loser();
    if (victim == kNone) {
      small_.push_newest(item);
      return kNone;
    }
    unlink(victim);
    push_main(item);
    return victim;
  }

  Records records_;
  bool by_size_;
  bool full_ = false;
  typename Records::Queue small_;
  std::vector<Main> main_;
  std::uint64_t main_weight_ = 0;
  std::size_t main_items_ = 0;
  GhostList ghosts_;
};

}  // namespace plimsoll
