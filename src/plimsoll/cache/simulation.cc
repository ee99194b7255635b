#include "plimsoll/cache/simulation.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr Bytes kLine = 64_GiB;  // what the records themselves take is not what is bounded
constexpr std::uint64_t kObjectsAShard = 256;
constexpr std::size_t kMostShards = 64;
constexpr std::size_t kRequestsAWord = 1 << 16;  // of progress; some milliseconds

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double share_of(double part, double whole) { return whole > 0 ? std::min(1.0, part / whole) : 0; }

// Which keys are sampled hangs on no other use of their hash.
std::uint64_t sampling_hash(std::uint64_t key) {
  std::uint64_t state = key ^ 0x5eed'5eed'5eed'5eed;
  return Random::split_mix(state);
}

std::uint64_t objects_held(const Trace& trace, const SimulationOptions& options) {
  if (options.basis == Basis::kObjects || trace.unique_bytes == 0) return options.capacity;
  return static_cast<std::uint64_t>(ratio(options.capacity, trace.unique_bytes) *
                                    static_cast<double>(trace.unique_keys));
}

}  // namespace

// Of a sample that by chance has few requests for the hottest keys, which hit, the misses alone say the right
// thing (the correction called SHARDS-adj).
double SimulationResult::object_miss_ratio() const {
  return share_of(static_cast<double>(requests - hits), expected_requests);
}
double SimulationResult::byte_miss_ratio() const {
  return share_of(static_cast<double>(missed_bytes), expected_bytes);
}
double SimulationResult::requests_per_second() const {
  const double seconds = std::chrono::duration<double>(took).count();
  return seconds > 0 ? static_cast<double>(requests) / seconds : 0;
}

std::size_t default_shards(std::uint64_t objects) {
  return std::bit_floor(static_cast<std::size_t>(
      std::clamp<std::uint64_t>(objects / kObjectsAShard, 1, std::uint64_t{kMostShards})));
}

double share_to_sample(const Trace& trace, std::uint64_t smallest_items, std::uint64_t enough) {
  constexpr double kLeastItems = 256;
  const double of_requests = ratio(enough, trace.requests.size());
  const double of_items = smallest_items == 0 ? 1 : kLeastItems / static_cast<double>(smallest_items);
  const double share = std::max(of_requests, of_items);
  return share > 0.5 ? 1 : share;  // half the time is not worth an error
}

Result<SimulationResult> simulate(const Trace& trace, const SimulationOptions& given) {
  SimulationOptions options = given;
  if (!(options.sample > 0 && options.sample <= 1))
    return fail(ErrorCode::kOutOfRange, "a sample is a share above 0, and at most all");
  const std::uint64_t highest =
      options.sample < 1 ? static_cast<std::uint64_t>(std::ldexp(options.sample, 64)) : ~std::uint64_t{0};
  options.capacity = static_cast<std::uint64_t>(options.sample * static_cast<double>(options.capacity));
  if (options.sample == 1) options.capacity = given.capacity;  // to the last bit
  if (options.capacity == 0) return fail(ErrorCode::kOutOfRange, "the capacity holds nothing");
  const std::size_t shards =
      options.shards > 0 ? options.shards : default_shards(objects_held(trace, options));
  if (!std::has_single_bit(shards) || shards > kMostShards)
    return fail(ErrorCode::kOutOfRange, "shards must be a power of two up to 64");
  const bool by_bytes = options.basis == Basis::kBytes;
  SystemPages pages;
  LoadLine line({.limit = kLine});
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
  ByteCache cache({.account = account,
                   .pages = pages,
                   .line = 256_MiB,
                   .address_space = 31_GiB,  // items aligned to 8 bytes
                   .shards = shards,
                   .policy = options.policy,
                   .objective = options.objective,
                   .seed = 1,
                   .max_items = by_bytes ? 0 : options.capacity,
                   .max_bytes = by_bytes ? Bytes(std::min(options.capacity, Bytes::kMax)) : Bytes()});
  SimulationResult result{.shards = cache.shards()};
  std::uint64_t before = std::min<std::uint64_t>(options.warm_up, trace.requests.size());
  std::uint64_t all_requests = trace.requests.size() - before, all_bytes = 0;
  const auto begin = std::chrono::steady_clock::now();
  std::size_t seen = 0;
  for (const TraceRequest& request : trace.requests) {
    if (++seen % kRequestsAWord == 0 && options.progress)
      options.progress(ratio(seen, trace.requests.size()));
    const bool counts = before == 0;
    if (!counts) --before;
    if (counts) all_bytes += request.size;
    if (options.sample < 1 && sampling_hash(request.key) > highest) continue;
    ByteCache::Slot slot = cache.lock({reinterpret_cast<const char*>(&request.key), sizeof request.key}, 0);
    slot.touch();
    if (counts) {
      ++result.requests;
      result.requested_bytes += request.size;
    }
    if (slot.exists()) {
      if (counts) ++result.hits;
      continue;
    }
    if (counts) result.missed_bytes += request.size;
    if (slot.put_weight(by_bytes ? request.size : 1) == WriteStatus::kRefused)
      return fail(ErrorCode::kRefused, "there is no memory for the records");
  }
  result.expected_requests = options.sample * static_cast<double>(all_requests);
  result.expected_bytes = options.sample * static_cast<double>(all_bytes);
  result.took = std::chrono::steady_clock::now() - begin;
  return result;
}

}  // namespace plimsoll
