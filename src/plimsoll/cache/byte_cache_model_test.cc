// The cache against a map: without eviction every answer must be equal, with it a present value must be
// right.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/cache/internal/fixture.h"

namespace plimsoll {
namespace {

class Model {
 public:
  Model(bool evict, std::uint64_t seed, Bytes limit)
      : fixture_(limit, evict, 2), evict_(evict), random_(seed) {}

  void run(int operations) {
    for (int i = 0; i < operations && !testing::Test::HasFatalFailure(); ++i) step(i);
    pins_.clear();
    fixture_.cache.CheckInvariants();
    if (!evict_) check_expiry();
    fixture_.cache.clear();
    fixture_.cache.CheckInvariants();
    EXPECT_LE(fixture_.account.used(), 72_KiB) << "descriptors that this thread keeps in its magazines";
    EXPECT_EQ(fixture_.account.pinned(), 0_B);
  }

 private:
  struct Entry {
    std::string value;
    std::int64_t expires;
  };

  std::size_t any_size() {
    switch (random_.below(10)) {
      case 0:
        return random_.below(200'000);
      case 1:
        return ByteCache::kLargeValue - 2 + random_.below(4);
      default:
        return random_.below(600);
    }
  }

  void step(int i) {
    now_ += static_cast<std::int64_t>(random_.below(20));
    if (random_.below(1000) == 0) fixture_.cache.set_policy(kPolicyKinds[random_.below(kPolicyKinds.size())]);
    if (random_.below(500) == 0) fixture_.cache.tick();
    if (random_.below(2000) == 0) fixture_.cache.CheckInvariants();
    const std::uint64_t number = random_.below(evict_ ? 3000 : 300);
    const std::string key = "key" + std::to_string(number) + std::string(number % 40, 'p');
    auto known = model_.find(key);
    if (known != model_.end() && known->second.expires != ByteCache::kNever && now_ > known->second.expires) {
      model_.erase(known);
    }
    ByteCache::Slot slot = fixture_.cache.lock(key, now_);
    compare(slot, key, i);
    act(slot, key, number, i);
    if (pins_.size() < 8) return;
    ASSERT_EQ(pins_[0].first.view(), pins_[0].second) << "operation " << i;
    pins_.erase(pins_.begin());
  }

  void compare(const ByteCache::Slot& slot, const std::string& key, int i) {
    auto known = model_.find(key);
    if (!evict_) {
      ASSERT_EQ(slot.exists(), known != model_.end()) << "operation " << i;
    }
    if (!slot.exists()) {
      model_.erase(key);
      return;
    }
    ASSERT_TRUE(known != model_.end()) << "operation " << i;
    ASSERT_EQ(slot.value(), known->second.value) << "operation " << i;
    ASSERT_EQ(slot.expires_at_ms(), known->second.expires) << "operation " << i;
  }

  void act(ByteCache::Slot& slot, const std::string& key, std::uint64_t number, int i) {
    const std::int64_t expires =
        random_.below(3) == 0 ? now_ + static_cast<std::int64_t>(random_.below(50'000)) : ByteCache::kNever;
    switch (random_.below(9)) {
      case 0:
      case 1:
      case 2:
        put(slot, key, value_for(number, static_cast<std::uint64_t>(i), any_size()), expires);
        break;
      case 3:
        resize(slot, key, any_size());
        break;
      case 4:
        if (slot.exists()) slot.erase();
        model_.erase(key);
        break;
      case 5:
        if (slot.exists() && slot.set_expiry(expires)) model_[key].expires = expires;
        break;
      case 6:
        if (slot.exists() && slot.large() && pins_.size() < 8) {
          pins_.emplace_back(slot.pin(), std::string(slot.value()));
        }
        break;
      default:
        slot.touch();
    }
  }

  void put(ByteCache::Slot& slot, const std::string& key, std::string value, std::int64_t expires) {
    if (slot.put(value, expires) == WriteStatus::kDone) {
      model_[key] = {std::move(value), expires};
      return;
    }
    EXPECT_FALSE(evict_) << "there was something to evict";
    if (!slot.exists()) model_.erase(key);
  }

  void resize(ByteCache::Slot& slot, const std::string& key, std::size_t size) {
    std::string want = slot.exists() ? std::string(slot.value()) : "";
    const std::int64_t kept = slot.exists() ? slot.expires_at_ms() : ByteCache::kNever;
    want.resize(size, '\0');
    if (slot.resize(size) == WriteStatus::kDone) {
      if (size > 0) slot.writable()[size - 1] = want[size - 1] = '!';
      model_[key] = {want, kept};
    } else if (!slot.exists()) {
      model_.erase(key);
    }
  }

  void check_expiry() {
    std::size_t there = 0;
    for (const auto& [key, entry] : model_)
      there += entry.expires == ByteCache::kNever || now_ <= entry.expires;
    fixture_.cache.expire(now_ + 1000, 1'000'000);
    EXPECT_LE(fixture_.cache.size(), there);
  }

  CacheFixture fixture_;
  const bool evict_;
  Random random_;
  std::map<std::string, Entry> model_;
  std::vector<std::pair<PinnedValue, std::string>> pins_;
  std::int64_t now_ = 1'000'000;
};

TEST(CacheModel, AnswersLikeAMapWithoutEviction) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) Model(false, seed, 256_MiB).run(10000);
}
TEST(CacheModel, AnswersLikeAMapWithoutEvictionWhenMemoryRunsOut) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) Model(false, seed, 16_MiB).run(10000);
}
TEST(CacheModel, NeverAnswersWrongWhileEvicting) {
  for (std::uint64_t seed = 1; seed <= (kBrief ? 1 : 3); ++seed) Model(true, seed, 24_MiB).run(20000);
}

}  // namespace
}  // namespace plimsoll
