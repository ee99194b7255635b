#include "plimsoll/cache/simulation.h"

#include <algorithm>
#include <bit>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr Bytes kLine = 64_GiB;  // what the records themselves take is not what is bounded
constexpr std::uint64_t kObjectsAShard = 256;
constexpr std::size_t kMostShards = 64;

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t objects_held(const Trace& trace, const SimulationOptions& options) {
  if (options.basis == Basis::kObjects || trace.unique_bytes == 0) return options.capacity;
  return static_cast<std::uint64_t>(ratio(options.capacity, trace.unique_bytes) *
                                    static_cast<double>(trace.unique_keys));
}

}  // namespace

double SimulationResult::object_miss_ratio() const { return ratio(requests - hits, requests); }
double SimulationResult::byte_miss_ratio() const { return ratio(missed_bytes, requested_bytes); }
double SimulationResult::requests_per_second() const {
  const double seconds = std::chrono::duration<double>(took).count();
  return seconds > 0 ? static_cast<double>(requests) / seconds : 0;
}

std::size_t default_shards(std::uint64_t objects) {
  return std::bit_floor(static_cast<std::size_t>(
      std::clamp<std::uint64_t>(objects / kObjectsAShard, 1, std::uint64_t{kMostShards})));
}

Result<SimulationResult> simulate(const Trace& trace, const SimulationOptions& options) {
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
  SimulationResult result{.shards = shards};
  std::uint64_t before = std::min<std::uint64_t>(options.warm_up, trace.requests.size());
  result.requests = trace.requests.size() - before;
  const auto begin = std::chrono::steady_clock::now();
  for (const TraceRequest& request : trace.requests) {
    ByteCache::Slot slot = cache.lock({reinterpret_cast<const char*>(&request.key), sizeof request.key}, 0);
    slot.touch();
    const bool counts = before == 0;
    if (!counts) --before;
    if (counts) result.requested_bytes += request.size;
    if (slot.exists()) {
      if (counts) ++result.hits;
      continue;
    }
    if (counts) result.missed_bytes += request.size;
    if (slot.put_weight(by_bytes ? request.size : 1) == WriteStatus::kRefused)
      return fail(ErrorCode::kRefused, "there is no memory for the records");
  }
  result.took = std::chrono::steady_clock::now() - begin;
  return result;
}

}  // namespace plimsoll
