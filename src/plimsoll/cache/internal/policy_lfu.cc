// Least frequently used: one queue in order of frequency, and of last use among equals; its oldest end goes.
// Where each frequency ends is kept in a table, so that a use is constant time (after Shah, Mitra and Matani,
// 2010, whose lists of lists this flattens). Frequencies end at 1023; beyond, last use decides.
#include <array>

#include "plimsoll/base/check.h"
#include "plimsoll/cache/internal/queue_policy.h"

namespace plimsoll {
namespace {

class Lfu final : public QueuePolicy {
 public:
  using QueuePolicy::QueuePolicy;

  void insert(Locator item, std::uint64_t /*hash*/) override { place(item, 1, kNoLocator); }

  void approach(Locator item) const override { queue_.prefetch_neighbours(item); }
  void hit(Locator item) override {
    Item& record = queue_.at(item);
    const unsigned frequency = record.frequency();
    // Behind those of its new frequency; without any, behind those it leaves; without those, where it is.
    Locator behind = queue_.older(item);
    take_out(item);
    if (newest_[frequency] != kNoLocator) behind = newest_[frequency];
    place(item, frequency < Item::kMaxFrequency ? frequency + 1 : frequency, behind);
  }

  void erase(Locator item) override { take_out(item); }

  Locator evict() override {
    Locator item = queue_.oldest();
    for (std::size_t tries = 0; tries < kTries && item != kNoLocator; ++tries) {
      if (!queue_.at(item).busy()) {
        take_out(item);
        return item;
      }
      // Used once more, so that the next search does not meet it first.
      const Locator busy = item;
      item = queue_.newer(item);
      hit(busy);
    }
    return kNoLocator;
  }

  // The newest of those that were used as often.
  void readmit(Locator /*from*/, Locator to) override {
    const unsigned frequency = queue_.at(to).frequency();
    unsigned below = frequency;
    while (below > 0 && newest_[below] == kNoLocator) --below;
    place(to, frequency, newest_[below]);
  }
  void moved(Locator from, Locator to) override {
    queue_.moved(from, to);
    Locator& newest = newest_[queue_.at(to).frequency()];
    if (newest == from) newest = to;
  }
  void replaced(Locator from, Locator to) override {
    const unsigned frequency = queue_.at(from).frequency();
    queue_.at(to).set_frequency(frequency);
    if (newest_[frequency] == from) newest_[frequency] = to;
    queue_.replace(from, to);
    hit(to);
  }
  // The oldest of those that were used as often. Cost: up to a look at each frequency.
  void adopt(Locator item, unsigned frequency) override {
    unsigned below = frequency - 1;
    while (below > 0 && newest_[below] == kNoLocator) --below;
    queue_.at(item).set_frequency(frequency);
    if (below == 0) {
      queue_.push_oldest(item);
    } else {
      queue_.insert_newer_than(newest_[below], item);
    }
    if (newest_[frequency] == kNoLocator) newest_[frequency] = item;
  }

  Bytes memory() const override { return Bytes(sizeof *this); }
  void CheckInvariants() const override {
    QueuePolicy::CheckInvariants();
    std::size_t ends = 0;
    for (Locator item = queue_.oldest(); item != kNoLocator; item = queue_.newer(item)) {
      const unsigned frequency = queue_.at(item).frequency();
      const Locator next = queue_.newer(item);
      if (next != kNoLocator && queue_.at(next).frequency() == frequency) continue;
      PLIMSOLL_CHECK(next == kNoLocator || queue_.at(next).frequency() > frequency, "item %u", item);
      PLIMSOLL_CHECK(newest_[frequency] == item, "frequency %u ends at %u", frequency, item);
      ++ends;
    }
    for (Locator newest : newest_) ends -= newest != kNoLocator;
    PLIMSOLL_CHECK(ends == 0, "%zu frequencies have an end and no items", ends);
  }

 private:
  void take_out(Locator item) {
    Locator& newest = newest_[queue_.at(item).frequency()];
    if (newest == item) {
      const Locator older = queue_.older(item);
      const bool same = older != kNoLocator && queue_.at(older).frequency() == queue_.at(item).frequency();
      newest = same ? older : kNoLocator;
    }
    queue_.unlink(item);
  }

  // The newest of its frequency. `behind`: the newest of the next lower one that has items, if this has none.
  void place(Locator item, unsigned frequency, Locator behind) {
    queue_.at(item).set_frequency(frequency);
    if (newest_[frequency] != kNoLocator) behind = newest_[frequency];
    if (behind == kNoLocator) {
      queue_.push_oldest(item);
    } else {
      queue_.insert_newer_than(behind, item);
    }
    newest_[frequency] = item;
  }

  std::array<Locator, Item::kMaxFrequency + 1> newest_{};  // by frequency; 0 has none
};

}  // namespace

std::unique_ptr<EvictionPolicy> make_lfu(const PolicyOptions& options) {
  return std::make_unique<Lfu>(options);
}

}  // namespace plimsoll
