// Vector probes of buckets, as the cache's index has them, beside their scalar forms. What is asked for does
// not repeat soon, as branch predictors learn thousands of steps by heart.
#include <benchmark/benchmark.h>

#include <array>
#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/base/vector.h"

namespace plimsoll {
namespace {

constexpr std::size_t kSteps = 1 << 17;

struct alignas(64) Bucket {
  std::array<std::uint32_t, 10> items;
  std::array<std::uint16_t, 10> tags;
  std::uint32_t overflow;
};
static_assert(sizeof(Bucket) == 64);

struct Probe {
  std::uint32_t bucket;
  std::uint16_t tag;
};

// Buckets in the first-level cache, eight of ten slots filled; what is found is at any place.
struct Buckets {
  std::vector<Bucket> all{std::vector<Bucket>(256)};
  std::vector<Probe> found{std::vector<Probe>(kSteps)};
  std::vector<Probe> half{std::vector<Probe>(kSteps)};
  std::vector<Probe> none{std::vector<Probe>(kSteps)};

  Buckets() {
    Random random(1);
    for (Bucket& bucket : all) {
      for (std::size_t i = 0; i < 8; ++i) {
        bucket.items[i] = static_cast<std::uint32_t>(random.below(1'000'000)) + 1;
        bucket.tags[i] = static_cast<std::uint16_t>(random());
      }
    }
    for (std::size_t i = 0; i < kSteps; ++i) {
      const auto bucket = static_cast<std::uint32_t>(random.below(all.size()));
      found[i] = {bucket, all[bucket].tags[random.below(8)]};
      none[i] = {bucket, static_cast<std::uint16_t>(random())};
      half[i] = random.below(2) == 0 ? found[i] : none[i];
    }
  }
};
const Buckets& buckets() {
  static const Buckets made;
  return made;
}

// As the index finds an item: the first match that is an item.
template <bool kVector>
std::uint32_t found_by_mask(const Bucket& bucket, std::uint16_t tag) {
  const std::span<const std::uint16_t, 10> tags = bucket.tags;
  std::uint32_t mask = kVector ? matches(tags, tag) : scalar::matches(tags, tag);
  for (; mask != 0; mask &= mask - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(mask));
    if (bucket.items[i] != 0) return bucket.items[i];
  }
  return 0;
}
std::uint32_t found_one_by_one(const Bucket& bucket, std::uint16_t tag) {
  for (std::size_t i = 0; i < bucket.tags.size(); ++i) {
    if (bucket.tags[i] == tag && bucket.items[i] != 0) return bucket.items[i];
  }
  return 0;
}

template <auto kFind>
void probe(benchmark::State& state, const std::vector<Probe>& probes) {
  const std::vector<Bucket>& all = buckets().all;
  std::size_t next = 0;
  for (auto _ : state) {
    const Probe& probe = probes[next++ % kSteps];
    benchmark::DoNotOptimize(kFind(all[probe.bucket], probe.tag));
  }
}

// As the index finds the place of an item that it moves or erases.
std::uint32_t place_by_mask(const Bucket& bucket, std::uint32_t item) {
  const std::span<const std::uint32_t, 10> all = bucket.items;
  return static_cast<std::uint32_t>(std::countr_zero(matches(all, item)));
}
std::uint32_t place_one_by_one(const Bucket& bucket, std::uint32_t item) {
  std::uint32_t place = 0;
  while (bucket.items[place] != item) ++place;
  return place;
}

template <auto kPlace>
void place_of(benchmark::State& state) {
  const Buckets& in = buckets();
  std::size_t next = 0;
  for (auto _ : state) {
    const Probe& probe = in.found[next++ % kSteps];
    const Bucket& bucket = in.all[probe.bucket];
    benchmark::DoNotOptimize(kPlace(bucket, bucket.items[probe.tag % 8]));
  }
}

using Run = std::function<void(benchmark::State&)>;

void add(const std::string& row, const std::string& part, const Run& run) {
  benchmark::RegisterBenchmark((row + "/" + part).c_str(), run);
}

const bool kRegistered = [] {
  struct Share {
    const char* name;
    const std::vector<Probe>& probes;
  };
  for (const Share& share :
       {Share{"ten tags, found", buckets().found}, Share{"ten tags, half found", buckets().half},
        Share{"ten tags, none found", buckets().none}}) {
    const std::vector<Probe>& probes = share.probes;
    const Run vector = [&](benchmark::State& state) { probe<found_by_mask<true>>(state, probes); };
    add(share.name, "ours", vector);
    add(share.name, "again", vector);
    add(share.name, "peer:scalar", [&](benchmark::State& state) { probe<found_one_by_one>(state, probes); });
    add(share.name, "peer:scalar mask",
        [&](benchmark::State& state) { probe<found_by_mask<false>>(state, probes); });
  }
  const std::string place = "ten locators, the place of one";
  const Run vector = [](benchmark::State& state) { place_of<place_by_mask>(state); };
  add(place, "ours", vector);
  add(place, "again", vector);
  add(place, "peer:scalar", [](benchmark::State& state) { place_of<place_one_by_one>(state); });
  return true;
}();

}  // namespace
}  // namespace plimsoll
