#include "plimsoll/alloc/internal/slab_region.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "plimsoll/base/check.h"
#include "plimsoll/base/poison.h"

namespace plimsoll {
namespace {

constexpr Bytes kSlabBytes = Bytes(SlabRegion::kSlabSize);
constexpr Bytes kPageBytes = Bytes(SlabRegion::kPage);
constexpr Bytes kCharged = kSlabBytes + SlabRegion::kRecord;
constexpr Bytes kChunk = 2_MiB;
constexpr std::size_t kSlabsOfChunk = kChunk / kSlabBytes;

Bytes pages_of(std::uint16_t pages) { return kPageBytes * static_cast<std::uint64_t>(std::popcount(pages)); }

}  // namespace

SlabRegion::SlabRegion(const Options& options)
    : pages_(options.pages),
      account_(options.account),
      idle_(options.idle),
      node_count_(std::max(options.nodes, 1u)) {
  MutexLock lock(mutex_);
  nodes_.resize(node_count_);
  const Bytes step = kChunk * node_count_;
  for (Bytes space = options.address_space.rounded_up(step); space >= step;
       space = (space / 2).rounded_down(step)) {
    if (!reserve(space)) continue;
    open_nodes();
    return;
  }
}

// All ranges or none.
bool SlabRegion::reserve(Bytes space) {
  const std::uint64_t slabs = space / kSlabBytes;
  const Bytes records(slabs * sizeof(SlabRecord));
  const Bytes bits(slabs * kBitmapWords * sizeof(std::uint64_t));
#ifdef NDEBUG
  const Bytes busy(1);  // a page: nobody asks
#else
  const Bytes busy(slabs * kBusyWords * sizeof(std::uint64_t));
#endif
  const Bytes sets(2 * SlabSet::words(slabs) * sizeof(std::uint64_t) * node_count_);
  Result<PageRange> memory = pages_.reserve(space, kChunk);
  if (!memory) return false;
  memory_ = *memory;
  auto map = [this](Bytes size, PageRange& range) {
    Result<PageRange> mapped = pages_.map(size, kSlabBytes);
    if (mapped) range = *mapped;
    return mapped.has_value();
  };
  if (!map(records, record_pages_) || !map(bits, bitmap_pages_) || !map(sets, set_pages_) ||
      !map(busy, busy_pages_)) {
    unmap();
    return false;
  }
  base_ = reinterpret_cast<char*>(memory_.begin);
  size_ = space.count();
  records_ = reinterpret_cast<SlabRecord*>(record_pages_.begin);
  bitmaps_ = reinterpret_cast<std::uint64_t*>(bitmap_pages_.begin);
  busy_ = reinterpret_cast<std::uint64_t*>(busy_pages_.begin);
  // What is touched is what is charged: a huge page behind one slab would be 31 that nobody has.
  for (const PageRange& range : {memory_, record_pages_, bitmap_pages_, set_pages_, busy_pages_})
    static_cast<void>(pages_.advise(range, Advice::kNoHugePage));
  return true;
}

void SlabRegion::open_nodes() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  slabs_per_node_ = capacity() / node_count_;
  auto* words = reinterpret_cast<std::uint64_t*>(set_pages_.begin);
  for (unsigned n = 0; n < node_count_; ++n) {
    Node& node = nodes_[n];
    node.next = node.usable = first_of(n);
    node.end = first_of(n + 1);
    for (SlabSet* set : {&node.kept, &node.without}) {
      *set = SlabSet(words, capacity());
      words += SlabSet::words(capacity());
    }
  }
}

void SlabRegion::unmap() {
  for (PageRange* range : {&memory_, &record_pages_, &bitmap_pages_, &set_pages_, &busy_pages_})
    static_cast<void>(pages_.unmap(std::exchange(*range, PageRange{})));
}

SlabRegion::~SlabRegion() {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(in_use_ == 0, "objects are left in %zu slabs", in_use_);
  if (base_ != nullptr) {
    // Or whoever is given the same address next is accused.
    for (unsigned n = 0; n < node_count_; ++n)
      unpoison(begin_of(first_of(n)), std::size_t{nodes_[n].next - first_of(n)} * kSlabSize);
  }
  unmap();
}

PageRange SlabRegion::range_of(SlabIndex slab, std::size_t slabs) const {
  return {memory_.begin + (std::uint64_t{slab} << kShift), kSlabBytes * slabs};
}

// An empty slab that has its pages: its charge moves, and cannot be refused but for the account's maximum.
Charge SlabRegion::take_kept(Node& node, SlabIndex& slab) {
  Charge charge = idle_charge_.split(kCharged);
  if (!charge.transfer(account_)) {
    idle_charge_.merge(std::move(charge));
    return {};
  }
  slab = node.kept.lowest();
  node.kept.erase(slab);
  node.fewest_kept = std::min(node.fewest_kept, node.kept.count());
  return charge;
}

// A chunk at a time, so that few fresh slabs cost a system call; or one, where the system is strict.
bool SlabRegion::make_next_usable(Node& node) {
  if (node.next < node.usable) return true;
  const std::size_t chunk = std::min<std::size_t>(kSlabsOfChunk, node.end - node.next);
  for (std::size_t slabs : {chunk, std::size_t{1}}) {
    if (!pages_.make_usable(range_of(node.next, slabs))) continue;
    node.usable = static_cast<SlabIndex>(node.next + slabs);
    return true;
  }
  return false;
}

Charge SlabRegion::take_new(Node& node, SlabIndex& slab) {
  if (node.without.empty() && node.next == node.end) return {};
  Charge charge = account_.charge(kCharged);
  if (!charge) return {};
  if (!node.without.empty()) {
    slab = node.without.lowest();
    node.without.erase(slab);
    return charge;
  }
  if (!make_next_usable(node)) return {};
  slab = node.next++;
  return charge;
}

std::optional<SlabIndex> SlabRegion::take(unsigned node_number, unsigned size_class) {
  MutexLock lock(mutex_);
  if (base_ == nullptr) return std::nullopt;
  Node& node = nodes_[node_number];
  SlabIndex slab = kNoSlab;
  Charge charge = node.kept.empty() ? take_new(node, slab) : take_kept(node, slab);
  if (!charge) return std::nullopt;
  used_charge_.merge(std::move(charge));
  ++in_use_;
  poison(begin_of(slab), kSlabSize);  // until its objects are handed out
  record(slab) = SlabRecord{.size_class = static_cast<std::uint16_t>(size_class), .in_use = true};
  return slab;
}

void SlabRegion::give(SlabIndex slab) {
  MutexLock lock(mutex_);
  Node& node = nodes_[node_of(slab)];
  const std::uint16_t gone = std::exchange(record(slab), SlabRecord{}).gone;
  --in_use_;
  Charge charge = used_charge_.split(kCharged - pages_of(gone));
  pages_gone_ -= static_cast<std::size_t>(std::popcount(gone));
  // One that is whole is kept for the next. The idle account has no maximum of its own; should it have one,
  // the pages go at once.
  if (gone == 0 && charge.transfer(idle_)) {
    idle_charge_.merge(std::move(charge));
    node.kept.insert(slab);
    return;
  }
  static_cast<void>(pages_.give_back(range_of(slab, 1)));
  node.without.insert(slab);
}

// The highest go, so that the lowest are used again; as many as lie side by side in one call.
std::size_t SlabRegion::give_back_highest(unsigned node_number, std::size_t most) {
  SlabIndex first = kNoSlab;
  std::size_t slabs = 0;
  {
    MutexLock lock(mutex_);
    Node& node = nodes_[node_number];
    first = node.kept.highest();
    if (first == SlabSet::kNone) return 0;
    node.kept.erase(first);
    for (slabs = 1; slabs < std::min(most, kSlabsOfChunk) && first > 0 && node.kept.contains(first - 1);
         ++slabs)
      node.kept.erase(--first);
    node.fewest_kept = std::min(node.fewest_kept, node.kept.count());
  }
  static_cast<void>(pages_.give_back(range_of(first, slabs)));
  MutexLock lock(mutex_);
  idle_charge_.shrink(kCharged * slabs);
  for (std::size_t i = 0; i < slabs; ++i)
    nodes_[node_number].without.insert(static_cast<SlabIndex>(first + i));
  return slabs;
}

Bytes SlabRegion::trim(Bytes wanted) {
  std::size_t left = wanted / kSlabBytes + (wanted > kSlabBytes * (wanted / kSlabBytes) ? 1 : 0);
  Bytes freed;
  for (unsigned n = 0; n < node_count_; ++n) {
    while (left > 0) {
      const std::size_t slabs = give_back_highest(n, left);
      if (slabs == 0) break;
      left -= slabs;
      freed += kSlabBytes * slabs;
    }
  }
  return freed;
}

Bytes SlabRegion::decay(Bytes most) {
  Bytes freed;
  for (unsigned n = 0; n < node_count_; ++n) {
    std::size_t left = 0;
    {
      MutexLock lock(mutex_);
      const std::size_t unneeded = nodes_[n].fewest_kept;
      left = unneeded <= kSlabsOfChunk ? unneeded : unneeded / 2;
      left = std::min<std::size_t>(left, most / kSlabBytes);
    }
    while (left > 0) {
      const std::size_t slabs = give_back_highest(n, left);
      if (slabs == 0) break;
      left -= slabs;
      freed += kSlabBytes * slabs;
    }
    MutexLock lock(mutex_);
    nodes_[n].fewest_kept = nodes_[n].kept.count();
  }
  return freed;
}

void SlabRegion::give_pages(SlabIndex slab, std::uint16_t pages) {
  for (unsigned page = 0; page < kSlabSize / kPage;) {
    const auto rest = static_cast<std::uint16_t>(pages >> page);
    const unsigned run = static_cast<unsigned>(std::countr_one(rest));
    if (run == 0) {
      ++page;
      continue;
    }
    static_cast<void>(pages_.give_back(range_of(slab, 1).part(kPageBytes * page, kPageBytes * run)));
    page += run;
  }
  record(slab).gone |= pages;
  MutexLock lock(mutex_);
  used_charge_.shrink(pages_of(pages));
  pages_gone_ += static_cast<std::size_t>(std::popcount(pages));
}

bool SlabRegion::want_pages(SlabIndex slab, std::uint16_t pages) {
  Charge charge = account_.charge(pages_of(pages));
  if (!charge) return false;
  record(slab).gone = static_cast<std::uint16_t>(record(slab).gone & ~pages);
  MutexLock lock(mutex_);
  used_charge_.merge(std::move(charge));
  pages_gone_ -= static_cast<std::size_t>(std::popcount(pages));
  return true;
}

std::optional<unsigned> SlabRegion::class_in_use(SlabIndex slab) const {
  MutexLock lock(mutex_);
  const SlabRecord& found = record(slab);
  return found.in_use ? std::optional<unsigned>(found.size_class) : std::nullopt;
}

SlabIndex SlabRegion::end_of(unsigned node) const {
  MutexLock lock(mutex_);
  return base_ == nullptr ? first_of(node) : nodes_[node].next;
}

SlabRegion::Stats SlabRegion::stats() const {
  MutexLock lock(mutex_);
  std::size_t used = 0;
  for (unsigned n = 0; n < node_count_; ++n) used += nodes_[n].next - std::min(nodes_[n].next, first_of(n));
  return {.in_use = in_use_,
          .idle = idle_charge_.size(),
          .gone = kPageBytes * pages_gone_,
          .metadata = kRecord * used};
}

void SlabRegion::CheckInvariants() const {
  MutexLock lock(mutex_);
  std::size_t kept = 0;
  for (const Node& node : nodes_) {
    kept += node.kept.count();
    PLIMSOLL_CHECK(node.fewest_kept <= node.kept.count());
  }
  PLIMSOLL_CHECK(idle_charge_.size() == kCharged * kept, "%zu empty slabs are kept", kept);
  PLIMSOLL_CHECK(used_charge_.size() == kCharged * in_use_ - kPageBytes * pages_gone_,
                 "%zu slabs are in use, without %zu pages", in_use_, pages_gone_);
}

}  // namespace plimsoll
