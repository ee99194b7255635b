// What the tests of the stacked level stand on: two levels in memory, one over the other.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "plimsoll/base/clock.h"
#include "plimsoll/cache/internal/memory_level.h"
#include "plimsoll/cache/stacked_level.h"

namespace plimsoll {

struct StackFixture {
  using Outcome = CacheLevel::Outcome;

  explicit StackFixture(Bytes near_size = 64_KiB, MemoryLevel::Families found = {}) {
    auto owned_near = std::make_unique<MemoryLevel>();
    auto owned_far = std::make_unique<MemoryLevel>();
    near = owned_near.get();
    far = owned_far.get();
    near->set_families(std::move(found));
    level = std::make_unique<StackedLevel>(StackedLevel::Options{
        .near = std::move(owned_near), .far = std::move(owned_far), .clock = clock, .near_size = near_size});
  }
  void put(std::uint32_t generation, const std::string& key, const std::string& value) {
    const CacheLevel::Write write{generation, true, key, value, -1};
    EXPECT_EQ(level->write({&write, 1}), Outcome::kDone);
  }
  void erase(std::uint32_t generation, const std::string& key) {
    const CacheLevel::Write write{generation, false, key, {}, -1};
    EXPECT_EQ(level->write({&write, 1}), Outcome::kDone);
  }
  std::string get(std::uint32_t generation, const std::string& key) {
    std::string value;
    const Outcome outcome = level->read(generation, key, value);
    EXPECT_NE(outcome, Outcome::kFailed);
    return outcome == Outcome::kDone ? value : "(absent)";
  }
  // A generation of `keys` keys of about 100 bytes.
  void fill(std::uint32_t generation, int keys) {
    ASSERT_EQ(level->begin(generation), Outcome::kDone);
    for (int i = 0; i < keys; ++i) put(generation, key_of(generation, i), value_of(generation, i));
  }
  static std::string key_of(std::uint32_t generation, int i) {
    return std::to_string(generation) + ":" + std::to_string(i);
  }
  static std::string value_of(std::uint32_t generation, int i) {
    return key_of(generation, i) + std::string(90, 'v');
  }
  // A first generation that nearly fills the near one, and a second for which it has to go.
  void fill_two() {
    fill(1, 400);
    fill(2, 150);
  }
  // Carrying has begun, and the far one has 256 keys of the first.
  void carry_half() {
    fill_two();
    ASSERT_EQ(level->tend(), Outcome::kDone);  // begins
    ASSERT_EQ(level->tend(), Outcome::kDone);
    ASSERT_EQ(far->all().size(), 256u);
  }
  int tend() {
    int steps = 0;
    while (level->tend() == Outcome::kDone) ++steps;
    return steps;
  }

  ManualClock clock;
  MemoryLevel* near;
  MemoryLevel* far;
  std::unique_ptr<StackedLevel> level;
};

}  // namespace plimsoll
