#include "plimsoll/cache/internal/access_sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

constexpr std::size_t kFewestKeys = 256;
constexpr std::size_t kMostKeys = 8192;
constexpr std::uint32_t kNearInLoop = 64;  // places
constexpr std::size_t kHotShown = 16;

std::uint64_t highest_for(double rate) {
  return rate >= 1 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(std::ldexp(rate, 64));
}

double rate_of(std::uint64_t highest) { return std::ldexp(static_cast<double>(highest), -64); }

std::uint64_t scaled(std::uint64_t sampled, double rate) {
  return static_cast<std::uint64_t>(static_cast<double>(sampled) / rate);
}

}  // namespace

AccessSampler::AccessSampler(const Options& options)
    : options_(options),
      most_keys_(std::clamp(
          static_cast<std::size_t>(options.memory.minus_clamped(Bytes(sizeof(AccessSampler))).count() /
                                   kBytesAKey),
          kFewestKeys, kMostKeys)),
      highest_(highest_for(options.rate)) {}

double AccessSampler::rate() const { return rate_of(highest_.load(std::memory_order_relaxed)); }

void AccessSampler::read(const Read& r) {
  MutexLock lock(mutex_);
  reads_ += static_cast<double>(r.reads);
  hits_ += static_cast<double>(r.hits);
  // relaxed, here and below: written under the lock; who reads it without only asks whether to come here.
  if (r.hash > highest_.load(std::memory_order_relaxed)) return;
  ++clock_;
  SampledKey* key = stack_.find(r.hash);
  remember(r, r.hit ? r.bytes : key != nullptr ? key->bytes : 0);
  if (key == nullptr && r.hit) {
    unknown_ += 1;
    insert(r.hash, r.bytes);
  } else if (key == nullptr) {
    by_objects_.add_cold();
    by_bytes_.add_cold();
    count(std::popcount(first_times_) > 16 ? kScan : kOnce);
  } else {
    const ReuseStack::Distance d = stack_.distance(*key);
    by_objects_.add(scaled(d.keys - 1, rate()) + 1);
    by_bytes_.add(scaled(d.bytes - key->bytes, rate()) + key->bytes);
    count(kind_of(*key, d));
    ++key->reads;
    key->last = clock_;
    use(*key, r.hit ? r.bytes : key->bytes);
  }
  first_times_ = first_times_ << 1 | (key == nullptr && !r.hit);
  if (clock_ - faded_at_ > most_keys_ * kReadsUntilHalf) fade();
}

// A loop's keys come back in the order they came in: this one was used soon after one of those that were read
// just now. A scan of new keys is not one, nor are keys so hot that they are near each other anyway.
bool AccessSampler::follows_again(const SampledKey& key, const ReuseStack::Distance& d) const {
  if (d.keys < std::max<std::size_t>(16, stack_.size() / 16)) return false;
  // Of other reads that came in between then, so that chance makes a loop of one read in fifty.
  const std::size_t others = std::clamp<std::size_t>(stack_.size() / 600, 1, 6);
  for (const std::uint32_t place : left_) {
    const bool near = place > 0 && place < key.place && key.place - place < kNearInLoop;
    if (near && stack_.keys_between(place, key.place) <= others) return true;
  }
  return false;
}

// Recency: it comes back much sooner than how often it is read would let expect, or soon when little is known
// of it. If reads of a key come at random with its frequency, one in eight is counted wrong.
AccessSampler::Kind AccessSampler::kind_of(const SampledKey& key, const ReuseStack::Distance& d) const {
  if (follows_again(key, d)) return kLoop;
  if (key.reads < 4) return d.keys < stack_.size() / 8 ? kRecency : kFrequency;
  const std::uint64_t interval = clock_ - key.last;
  return interval * 8 * key.reads < clock_ - key.first ? kRecency : kFrequency;
}

void AccessSampler::use(SampledKey& key, std::uint64_t bytes) {
  const std::uint32_t before = key.place;
  if (stack_.use(key, bytes)) {
    left_.fill(0);  // places have other numbers now
    charge();
    return;
  }
  std::copy_backward(left_.begin(), left_.end() - 1, left_.end());
  left_[0] = before;
}

void AccessSampler::wrote(std::uint64_t hash, std::uint64_t bytes) {
  MutexLock lock(mutex_);
  if (hash > highest_.load(std::memory_order_relaxed)) return;
  // What a read missed has its size now.
  if (!recent_.empty()) {
    Request& last = recent_[(next_recent_ + recent_.size() - 1) % recent_.size()];
    if (last.bytes == 0 && (std::uint64_t{last.high} << 32 | last.low) == hash)
      last.bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, 0xffff'ffff));
  }
  if (SampledKey* key = stack_.find(hash)) {
    if (stack_.use(*key, bytes)) left_.fill(0);
  } else {
    insert(hash, bytes);
  }
}

void AccessSampler::insert(std::uint64_t hash, std::uint64_t bytes) {
  while (stack_.size() >= most_keys_) make_room();
  if (hash > highest_.load(std::memory_order_relaxed)) return;
  const std::uint32_t places = left_[0];
  SampledKey& key = stack_.insert(hash, bytes);
  key.first = key.last = clock_;
  if (key.place < places) left_.fill(0);
  if (stack_.size() % 256 == 0) charge();
}

// What was used so long ago that no cache of eight times the size would have it is dropped first, so that a
// stream of new keys does not wear the rate out.
void AccessSampler::make_room() {
  const std::uint64_t weight =
      options_.max_weight > 0 ? options_.max_weight : options_.account.used().count();
  left_.fill(0);
  if (scaled(stack_.bytes(), rate()) > kHorizon * weight && weight > 0) {
    stack_.erase_oldest(stack_.size() / 8);
  } else {
    lower_rate();
  }
}

void AccessSampler::lower_rate() {
  const std::uint64_t before = highest_.load(std::memory_order_relaxed);
  const std::uint64_t after = before / 8 * 7;
  highest_.store(after, std::memory_order_relaxed);
  stack_.erase_above(after);
  const double by = rate_of(after) / rate_of(before);
  by_objects_.scale(by);
  by_bytes_.scale(by);
  unknown_ *= by;
  for (double& kind : kinds_) kind *= by;
  // The trace has to be of one rate.
  std::rotate(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(next_recent_), recent_.end());
  next_recent_ = 0;
  std::erase_if(recent_, [&](const Request& r) { return r.high > after >> 32; });
}

void AccessSampler::remember(const Read& r, std::uint64_t bytes) {
  const Request request{.high = static_cast<std::uint32_t>(r.hash >> 32),
                        .low = static_cast<std::uint32_t>(r.hash),
                        .bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, 0xffff'ffff))};
  if (recent_.size() < most_keys_ * kRequestsAKey && next_recent_ == 0) {
    // By an eighth at a time, as what is reserved is memory too.
    if (recent_.size() == recent_.capacity())
      recent_.reserve(std::min(most_keys_ * kRequestsAKey, recent_.size() * 9 / 8 + 64));
    recent_.push_back(request);
    return;
  }
  recent_[next_recent_] = request;
  next_recent_ = (next_recent_ + 1) % recent_.size();
}

void AccessSampler::fade() {
  faded_at_ = clock_;
  by_objects_.scale(0.5);
  by_bytes_.scale(0.5);
  for (double& kind : kinds_) kind /= 2;
  for (double* sum : {&reads_, &hits_, &unknown_, &hits_measured_, &hit_bytes_}) *sum /= 2;
  hot_.halve();
}

void AccessSampler::erased(std::uint64_t hash) {
  MutexLock lock(mutex_);
  stack_.erase(hash);
}

void AccessSampler::read_any(std::uint64_t hash, std::string_view key, bool hit, std::uint64_t bytes) {
  MutexLock lock(mutex_);
  hot_.count(hash, key);
  if (!hit) return;
  hits_measured_ += 1;
  hit_bytes_ += static_cast<double>(bytes);
}

void AccessSampler::clear() {
  MutexLock lock(mutex_);
  stack_.clear();
  by_objects_.clear();
  by_bytes_.clear();
  hot_.clear();
  recent_ = {};
  next_recent_ = 0;
  reads_ = hits_ = unknown_ = hits_measured_ = hit_bytes_ = 0;
  kinds_.fill(0);
  left_.fill(0);
  first_times_ = 0;
  faded_at_ = clock_;
  highest_.store(highest_for(options_.rate), std::memory_order_relaxed);
  charge_.release();
}

Bytes AccessSampler::held() const {
  return stack_.memory() + Bytes(recent_.capacity() * sizeof(Request) + sizeof *this);
}

Bytes AccessSampler::memory() const {
  MutexLock lock(mutex_);
  return held();
}

void AccessSampler::charge() {
  const Bytes now = held();
  if (now > charge_.size()) {
    charge_.merge(options_.account.charge_held(now - charge_.size()));
  } else {
    charge_.shrink(charge_.size() - now);
  }
}

// Of the half that was used longest ago: the others may still be.
double AccessSampler::never_read_again() const {
  std::size_t seen = 0, unread = 0;
  const std::size_t older_half = stack_.size() / 2;
  stack_.visit([&](const SampledKey& key) {
    if (seen >= older_half) return;
    ++seen;
    unread += key.reads == 0;
  });
  return seen == 0 ? 0 : static_cast<double>(unread) / static_cast<double>(seen);
}

AccessSampler::Findings AccessSampler::findings(const Size& size, bool with_trace) const {
  MutexLock lock(mutex_);
  Findings found{.rate = rate(),
                 .keys = stack_.size(),
                 .memory = held(),
                 .reads = reads_,
                 .hit_rate = reads_ > 0 ? hits_ / reads_ : 0,
                 .mean_hit_bytes = hits_measured_ > 0 ? hit_bytes_ / hits_measured_ : 0,
                 .never_read_again = never_read_again(),
                 .by_objects = by_objects_,
                 .by_bytes = by_bytes_,
                 .pattern = {},
                 .hot = hot_.top(kHotShown),
                 .recent = {}};
  const double expected = std::max(0.0, reads_ * found.rate - unknown_);
  const double hits =
      reads_ > 0 ? std::clamp((hits_ * found.rate - unknown_) / std::max(expected, 1e-9), 0.0, 1.0) : 0;
  found.by_objects.adjust_to(expected, size.items, size.least_recently_used ? hits : -1);
  found.by_bytes.adjust_to(expected, size.weight, size.least_recently_used ? hits : -1);
  if (const double all = std::accumulate(kinds_.begin(), kinds_.end(), 0.0); all > 0) {
    found.pattern = {.recency = kinds_[kRecency] / all,
                     .frequency = kinds_[kFrequency] / all,
                     .loop = kinds_[kLoop] / all,
                     .scan = kinds_[kScan] / all,
                     .first_time = kinds_[kOnce] / all};
  }
  if (!with_trace) return found;
  found.recent.requests.reserve(recent_.size());
  for (std::size_t i = 0; i < recent_.size(); ++i) {
    const Request& r = recent_[(next_recent_ + i) % recent_.size()];
    found.recent.requests.push_back(
        {.key = std::uint64_t{r.high} << 32 | r.low, .size = std::max(r.bytes, 1u)});
  }
  return found;
}

void AccessSampler::CheckInvariants() const {
  MutexLock lock(mutex_);
  stack_.CheckInvariants();
  stack_.visit(
      [&](const SampledKey& key) { PLIMSOLL_CHECK(key.hash <= highest_.load(std::memory_order_relaxed)); });
  PLIMSOLL_CHECK(stack_.size() <= most_keys_);
}

}  // namespace plimsoll
