#include "plimsoll/alloc/pattern_tracker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// A size that was seen, or the last class, which nobody need have asked for. Costs are real numbers: counts
// may be large, and what is compared differs by more than their rounding.
struct Seen {
  std::size_t size = 0;
  double count = 0;
  double bytes = 0;  // asked for
};

// What an object of a class takes up, its part of the slab's end included.
double footprint(std::size_t size, Bytes slab) {
  if (slab.count() < size) return static_cast<double>(size);
  const std::uint64_t objects = slab.count() / size;
  return slab.as_double() / static_cast<double>(objects);
}

// The largest size of which as many fit in a slab: it takes up no more.
std::size_t stretched(std::size_t size, Bytes slab) {
  if (slab.count() < size) return size;
  const std::size_t objects = slab.count() / size;
  const std::size_t most = slab.count() / objects / PatternTracker::kGranule * PatternTracker::kGranule;
  return std::clamp(most, size, PatternTracker::kLargest);
}

// The classes that lose least, for one class more with each layer().
//
// lost[j], of the sizes up to the jth when the jth is a class, is the least over i < j of lost[i] with one
// class less, plus what the sizes between lose in the class j. The last i that is best never falls as j grows
// (the cost of a size in a class grows with the class), so that a layer is n log n.
class ClassSearch {
 public:
  ClassSearch(std::vector<Seen> seen, Bytes slab) : seen_(std::move(seen)) {
    const std::size_t n = seen_.size();
    counts_.resize(n + 1);
    bytes_.resize(n + 1);
    footprints_.resize(n + 1);
    for (std::size_t i = 0; i < n; ++i) {
      counts_[i + 1] = counts_[i] + seen_[i].count;
      bytes_[i + 1] = bytes_[i] + seen_[i].bytes;
      footprints_[i + 1] = footprint(seen_[i].size, slab);
    }
    lost_.assign(n + 1, std::numeric_limits<double>::infinity());
    lost_[0] = 0;
  }

  std::size_t layers() const { return before_.size(); }
  // With as many classes as there are layers, the last size among them.
  double lost() const { return lost_.back(); }

  void layer() {
    const std::size_t n = seen_.size();
    std::vector<double> next(n + 1, std::numeric_limits<double>::infinity());
    before_.emplace_back(n + 1, 0);
    fill(next, before_.size(), n, before_.size() - 1, n - 1);
    lost_ = std::move(next);
  }

  std::vector<std::size_t> classes() const {
    std::vector<std::size_t> sizes;
    std::size_t at = seen_.size();
    for (std::size_t layer = before_.size(); layer-- > 0;) {
      sizes.push_back(seen_[at - 1].size);
      at = before_[layer][at];
    }
    return {sizes.rbegin(), sizes.rend()};
  }

 private:
  // Of the sizes behind the ith, in the class of the jth.
  double cost(std::size_t i, std::size_t j) const {
    return (counts_[j] - counts_[i]) * footprints_[j] - (bytes_[j] - bytes_[i]);
  }
  // next[first..last], the best of which lie in from..to.
  void fill(std::vector<double>& next, std::size_t first, std::size_t last, std::size_t from,
            std::size_t to) {
    if (first > last) return;
    const std::size_t middle = first + (last - first) / 2;
    std::size_t best = from;
    for (std::size_t i = from; i <= std::min(to, middle - 1); ++i) {
      const double lost = lost_[i] + cost(i, middle);
      if (lost > next[middle]) continue;
      next[middle] = lost;
      best = i;
    }
    before_.back()[middle] = best;
    if (middle > first) fill(next, first, middle - 1, from, best);
    fill(next, middle + 1, last, best, to);
  }

  const std::vector<Seen> seen_;
  std::vector<double> counts_, bytes_, footprints_;  // [i]: of the first i; of the ith
  std::vector<double> lost_;
  std::vector<std::vector<std::size_t>> before_;  // by layer: the class before, when the jth is one
};

// As many as the size allows for the most frequent class, fewer by the root of how much rarer one is: what a
// magazine saves, trips to the depot, falls with the frequency, and what it costs, bytes, does not.
std::vector<std::uint32_t> capacities_for(const std::vector<std::size_t>& sizes,
                                          const std::vector<double>& counts,
                                          const PatternTracker::Options& options) {
  const double most = *std::max_element(counts.begin(), counts.end());
  std::vector<std::uint32_t> capacities;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const double by_bytes = options.most_bytes_in_magazines.as_double() / static_cast<double>(sizes[c]);
    const double limit = std::clamp(by_bytes, 2.0, static_cast<double>(options.most_in_magazines));
    const double rarity = most > 0 ? std::sqrt(counts[c] / most) : 1;
    capacities.push_back(static_cast<std::uint32_t>(std::lround(std::max({2.0, limit / 8, limit * rarity}))));
  }
  return capacities;
}

// How many of what was seen each class serves.
std::vector<double> counts_of(const std::vector<std::size_t>& sizes, std::span<const Seen> seen) {
  std::vector<double> counts(sizes.size());
  std::size_t c = 0;
  for (const Seen& one : seen) {
    while (sizes[c] < one.size) ++c;
    counts[c] += one.count;
  }
  return counts;
}

}  // namespace

double PatternSuggestion::saving() const {
  const double now = (before.requested + before.lost).as_double();
  const double then = (after.requested + after.lost).as_double();
  return now > 0 ? 1 - then / now : 0;
}

Result<void> PatternTracker::Options::Validate() const {
  if (max_classes < 1 || max_classes > kMostClasses)
    return fail(ErrorCode::kOutOfRange, "max_classes is from 1 to 64");
  if (!(waste_goal >= 0 && waste_goal < 1)) return fail(ErrorCode::kOutOfRange, "waste_goal is from 0 to 1");
  if (most_in_magazines < 2) return fail(ErrorCode::kOutOfRange, "most_in_magazines is 2 or more");
  if (!std::is_sorted(current.begin(), current.end()))
    return fail(ErrorCode::kInvalid, "the current classes do not grow");
  return {};
}

void PatternTracker::record(std::size_t size, std::uint64_t count) noexcept {
  if (size > kLargest) {
    larger_.fetch_add(count, kRelaxed);
    return;
  }
  const std::size_t at = std::max<std::size_t>((size + kGranule - 1) / kGranule, 1);
  counts_[at].fetch_add(count, kRelaxed);
  bytes_[at].fetch_add(size * count, kRelaxed);
}

void PatternTracker::age() noexcept {
  // What is added meanwhile stays: half of what was there is taken away.
  auto halve = [](std::atomic<std::uint64_t>& counter) {
    counter.fetch_sub(counter.load(kRelaxed) / 2, kRelaxed);
  };
  for (auto& count : counts_) halve(count);
  for (auto& bytes : bytes_) halve(bytes);
  halve(larger_);
}

PatternSuggestion PatternTracker::suggest(const Options& options) const {
  PLIMSOLL_CHECK(options.Validate().has_value(), "%s", options.Validate().error().what);
  std::vector<Seen> seen;
  for (std::size_t at = 1; at < kSizes; ++at) {
    const std::uint64_t count = counts_[at].load(kRelaxed);
    const bool last = at + 1 == kSizes;
    if (count > 0 || last)
      seen.push_back(
          {at * kGranule, static_cast<double>(count), static_cast<double>(bytes_[at].load(kRelaxed))});
  }
  double requested = 0;
  for (const Seen& one : seen) requested += one.bytes;

  ClassSearch search(seen, options.slab);
  do {
    search.layer();
  } while (search.layers() < std::min(options.max_classes, seen.size()) &&
           search.lost() > options.waste_goal * (requested + search.lost()));

  PatternSuggestion suggestion;
  for (std::size_t size : search.classes()) {
    const std::size_t whole = stretched(size, options.slab);
    if (suggestion.sizes.empty() || whole > suggestion.sizes.back()) suggestion.sizes.push_back(whole);
  }
  suggestion.capacities = capacities_for(suggestion.sizes, counts_of(suggestion.sizes, seen), options);
  suggestion.after = loss_of(suggestion.sizes, options.slab);
  suggestion.before = options.current.empty() ? PatternLoss{suggestion.after.requested, {}}
                                              : loss_of(options.current, options.slab);
  return suggestion;
}

PatternLoss PatternTracker::loss_of(const std::vector<std::size_t>& classes, Bytes slab) const {
  double requested = 0, taken = 0;
  auto size_class = classes.begin();
  for (std::size_t at = 1; at < kSizes; ++at) {
    const std::uint64_t count = counts_[at].load(kRelaxed);
    if (count == 0) continue;
    while (size_class != classes.end() && *size_class < at * kGranule) ++size_class;
    if (size_class == classes.end()) break;
    requested += static_cast<double>(bytes_[at].load(kRelaxed));
    taken += static_cast<double>(count) * footprint(*size_class, slab);
  }
  auto bytes = [](double count) { return 1_B * static_cast<std::uint64_t>(std::clamp(count, 0.0, 0x1p62)); };
  return {.requested = bytes(requested), .lost = bytes(taken - requested)};
}

PatternTracker::Stats PatternTracker::stats() const {
  Stats stats{.larger = larger_.load(kRelaxed)};
  std::uint64_t bytes = 0;
  for (std::size_t at = 1; at < kSizes; ++at) {
    const std::uint64_t count = counts_[at].load(kRelaxed);
    stats.recorded += count;
    stats.sizes += count > 0;
    bytes += bytes_[at].load(kRelaxed);
  }
  stats.recorded += stats.larger;
  stats.bytes = Bytes(std::min(bytes, Bytes::kMax));
  return stats;
}

void PatternTracker::Describe(StatSink& sink) const {
  const Stats s = stats();
  sink.gauge("pattern_recorded", "Allocations that the tracker stands for, aged",
             static_cast<double>(s.recorded));
  sink.gauge("pattern_larger", "Of those, above the largest class", static_cast<double>(s.larger));
  sink.gauge("pattern_sizes", "Different sizes seen, to 16 bytes", static_cast<double>(s.sizes));
}

}  // namespace plimsoll
