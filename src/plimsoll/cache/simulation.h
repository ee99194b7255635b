// simulate: what a trace would have missed in a cache of this policy and capacity.
//
// It runs the requests through ByteCache itself, with records that have a weight instead of a value, so that
// what it says is what the server would do, and a gigabyte of values takes no memory. Why: a hit rate on
// one's own trace is the only one that counts.
//
//   SimulationResult r = *simulate(trace, {.policy = PolicyKind::kLru, .capacity = 137});
//   r.object_miss_ratio();
//
// Thread-safety: any thread, on a trace that nobody changes. Cost: about 150 ns a request; 50 bytes an item
// that the capacity holds. Limits: 2^32 requests at a time. Errors: kOutOfRange (a capacity of nothing),
// kRefused (no address space). Ownership: none is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "plimsoll/cache/policy.h"
#include "plimsoll/cache/trace.h"

namespace plimsoll {

enum class Basis : std::uint8_t {
  kObjects,  // the capacity is a number of objects
  kBytes,    // a number of bytes of the trace's sizes
};

struct SimulationOptions {
  PolicyKind policy = PolicyKind::kAdaptive;
  Basis basis = Basis::kObjects;
  Objective objective = Objective::kObjects;
  std::uint64_t capacity = 0;
  std::size_t shards = 0;     // a power of two up to 64; zero: default_shards()
  std::uint64_t warm_up = 0;  // requests at the begin that are made, and not counted
  // Share of the keys, chosen by hash, whose requests are made, in a cache that is as much smaller (SHARDS,
  // Waldspurger et al., FAST 2015); what it misses is set against what such a share of all requests is.
  double sample = 1;
  // Told now and then which share of the requests is done; may be empty.
  std::function<void(double share)> progress = {};
};

struct SimulationResult {
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t requested_bytes = 0;
  std::uint64_t missed_bytes = 0;
  // Of which a sample stands for: as many as its share of all; the same as above without one.
  double expected_requests = 0;
  double expected_bytes = 0;
  std::size_t shards = 0;
  std::chrono::nanoseconds took{};

  double object_miss_ratio() const;
  double byte_miss_ratio() const;
  double requests_per_second() const;
};

// One for each 256 objects, between one and 64: in smaller shards, what is hot spreads unevenly (16 shards
// cost 0.7 points on a cache of 137 objects).
std::size_t default_shards(std::uint64_t objects);

// The share of a trace's keys with which a curve is drawn from about `enough` requests, in caches of which
// the smallest has some hundred items; 1 for a trace that is not much longer.
double share_to_sample(const Trace& trace, std::uint64_t smallest_items, std::uint64_t enough = 2'000'000);

Result<SimulationResult> simulate(const Trace& trace, const SimulationOptions& options);

}  // namespace plimsoll
