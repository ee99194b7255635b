// What tests of policies stand on: a cache of weights without values around one, as a simulator is.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "plimsoll/cache/internal/eviction_policy.h"
#include "plimsoll/cache/internal/records_fixture.h"

namespace plimsoll {

class PolicyDriver {
 public:
  PolicyDriver(RecordsFixture& records, std::unique_ptr<EvictionPolicy> tried, std::uint64_t capacity)
      : policy(std::move(tried)), records_(records), capacity_(capacity) {}
  ~PolicyDriver() {
    policy.reset();
    for (const auto& [key, item] : items) records_.forget(item);
  }

  // One request of a trace: looked up, and inserted if it was not there. Whether it was.
  bool request(std::uint64_t key, std::uint64_t weight = 1) {
    auto at = items.find(key);
    if (at != items.end()) {
      policy->hit(at->second);
      return true;
    }
    const Locator item = records_.make(std::to_string(key), weight);
    while (held + weight > capacity_) evict();
    policy->insert(item, records_.hash_of(item));
    items.emplace(key, item);
    held += weight;
    return false;
  }
  void evict() {
    const Locator victim = policy->evict();
    PLIMSOLL_CHECK(victim != kNoLocator, "%zu items and no victim", items.size());
    last_victim = std::stoull(std::string(records_.at(victim).key()));
    forget(last_victim);
  }
  void erase(std::uint64_t key) {
    policy->erase(items.at(key));
    forget(key);
  }

  std::unique_ptr<EvictionPolicy> policy;
  std::unordered_map<std::uint64_t, Locator> items;
  std::uint64_t held = 0;
  std::uint64_t last_victim = ~std::uint64_t{0};

 private:
  void forget(std::uint64_t key) {
    const Locator item = items.at(key);
    held -= records_.at(item).weight(records_.items.unit());
    records_.forget(item);
    items.erase(key);
  }

  RecordsFixture& records_;
  std::uint64_t capacity_;
};

}  // namespace plimsoll
