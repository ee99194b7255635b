#include "plimsoll/cache/cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;

// Counts those that live, so that a leak is seen without a sanitizer.
struct Counted {
  static inline std::atomic<int> alive{0};
  explicit Counted(int n) : number(n) { ++alive; }
  Counted(Counted&& other) noexcept : number(other.number) { ++alive; }
  ~Counted() { --alive; }
  int number;
};

struct Line {
  explicit Line(Bytes limit = 64_MiB)
      : line({.limit = limit}),
        account(line.open({.name = "objects", .kind = AccountKind::kDroppable, .guarantee = {}})) {}
  LoadLine line;
  Account& account;
};

TEST(Cache, GivesBackTheObjectsThatWerePut) {
  Line l;
  auto cache = Cache<std::string, std::vector<int>>::build(l.account).open();
  EXPECT_FALSE(cache.get("a"));
  EXPECT_EQ(cache.put("a", {1, 2, 3}), WriteStatus::kDone);
  CacheHandle<std::vector<int>> a = cache.get("a");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->size(), 3u);
  EXPECT_EQ(a.get(), cache.get("a").get()) << "one object, not copies";
  EXPECT_TRUE(cache.erase("a"));
  EXPECT_FALSE(cache.erase("a"));
  EXPECT_FALSE(cache.get("a"));
  EXPECT_EQ(cache.stats().cache.hits, 2u);
  EXPECT_EQ(cache.stats().cache.misses, 2u);
  cache.CheckInvariants();
}

TEST(Cache, TakesKeysThatAreTheirBytes) {
  struct Place {
    std::int32_t row, column;
  };
  struct Padded {
    std::int8_t row;
    std::int32_t column;
  };
  static_assert(cache::kIsItsBytes<std::string> && cache::kIsItsBytes<Place>);
  static_assert(!cache::kIsItsBytes<Padded> && !cache::kIsItsBytes<double>);
  static_assert(!cache::kIsItsBytes<const char*> && !cache::kIsItsBytes<std::string_view>);
  Line l;
  auto cache = Cache<Place, int>::build(l.account).open();
  cache.put({1, 2}, 12);
  cache.put({2, 1}, 21);
  EXPECT_EQ(*cache.get({1, 2}), 12);
  EXPECT_EQ(*cache.get({2, 1}), 21);
  EXPECT_FALSE(cache.get({1, 1}));
}

// An account that is full by its own maximum, below a line that is not, once refused a fifth of the writes.
TEST(Cache, EvictsWhenItsAccountIsAtItsMaximum) {
  LoadLine line({.limit = 256_MiB});
  Account& account =
      line.open({.name = "objects", .kind = AccountKind::kDroppable, .guarantee = {}, .maximum = 8_MiB});
  auto cache = Cache<std::uint64_t, std::vector<char>>::build(account)
                   .weigh([](const std::vector<char>& bytes) { return Bytes(bytes.capacity()); })
                   .open();
  for (std::uint64_t key = 0; key < 4'000; ++key) {
    ASSERT_EQ(cache.put(key, std::vector<char>(8'000)), WriteStatus::kDone) << key;
    ASSERT_TRUE(cache.get(key)) << key;
  }
  EXPECT_LE(account.used(), account.maximum());
  EXPECT_GT(account.used(), account.maximum() / 8 * 7);
  cache.CheckInvariants();
}

TEST(Cache, KeepsAnObjectAndItsChargeUntilTheLastHandleGoes) {
  Line l;
  const int before = Counted::alive;
  std::shared_ptr<const Counted> shared;
  {
    auto cache = Cache<int, Counted>::build(l.account).weigh([](const Counted&) { return 1_MiB; }).open();
    cache.put(1, Counted(7));
    EXPECT_EQ(l.account.pinned(), 0_B);
    CacheHandle<Counted> handle = cache.get(1);
    EXPECT_GE(l.account.pinned(), 1_MiB);
    cache.erase(1);
    EXPECT_EQ(handle->number, 7);
    shared = handle.shared();
  }
  EXPECT_EQ(shared->number, 7);
  EXPECT_EQ(Counted::alive, before + 1);
  EXPECT_GE(l.account.used(), 1_MiB);
  shared.reset();
  EXPECT_EQ(Counted::alive, before);
  EXPECT_EQ(l.account.used(), 0_B);
  EXPECT_EQ(l.account.pinned(), 0_B);
}

TEST(Cache, StaysWithinTheWeightItIsTold) {
  Line l;
  auto cache = Cache<int, Counted>::build(l.account)
                   .maximum(4_MiB)
                   .weigh([](const Counted&) { return 10_KiB; })
                   .open();
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(cache.put(i, Counted(i)), WriteStatus::kDone);
  EXPECT_LE(cache.size(), 4_MiB / 10_KiB);
  EXPECT_GE(cache.size(), 4_MiB / 10_KiB * 9 / 10);
  EXPECT_GE(l.account.used(), cache.size() * 10_KiB);
  EXPECT_EQ(cache.stats().cache.evicted, 2000 - cache.size());
  cache.CheckInvariants();
}

TEST(Cache, FillsWhatTheLineLeavesAndGivesItBack) {
  Line l;
  auto cache = Cache<int, Counted>::build(l.account).weigh([](const Counted&) { return 100_KiB; }).open();
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(cache.put(i, Counted(i)), WriteStatus::kDone);
  const Bytes full = l.account.used();
  EXPECT_GE(full, l.line.line() / 2);
  EXPECT_LE(full, l.line.line());
  EXPECT_TRUE(cache.get(1999));
  EXPECT_GE(cache.reclaimer().reclaim(16_MiB), 16_MiB);
  EXPECT_LE(l.account.used(), full - 16_MiB);
  cache.CheckInvariants();
}

TEST(Cache, DoesNotKeepWhatIsHeavierThanTheMaximum) {
  Line l;
  auto cache =
      Cache<int, int>::build(l.account).maximum(1_MiB).weigh([](const int&) { return 2_MiB; }).open();
  EXPECT_EQ(cache.put(1, 1), WriteStatus::kTooLong);
  Result<CacheHandle<int>> one = cache.get_or_load(1, [](int) { return 5; });
  ASSERT_TRUE(one);
  EXPECT_EQ(**one, 5);
  EXPECT_GE(l.account.used(), 2_MiB) << "held is charged";
  EXPECT_FALSE(cache.get(1));
}

TEST(Cache, EvictsNobodyWhoIsRead) {
  Line l;
  auto cache = Cache<int, int>::build(l.account).maximum_items(10).open();
  std::vector<CacheHandle<int>> held;
  for (int i = 0; i < 10; ++i) {
    cache.put(i, i);
    held.push_back(cache.get(i));
  }
  EXPECT_EQ(cache.put(10, 10), WriteStatus::kRefused);
  Result<CacheHandle<int>> loaded = cache.get_or_load(11, [](int) { return 11; });
  ASSERT_TRUE(loaded);
  EXPECT_EQ(**loaded, 11);
  held.clear();
  EXPECT_EQ(cache.put(10, 10), WriteStatus::kDone);
  EXPECT_EQ(cache.size(), 10u);
}

TEST(Cache, ForgetsAfterTheTimeToLiveAndTellsSoUnasked) {
  Line l;
  ManualClock clock;
  std::vector<int> expired;
  auto cache = Cache<int, int>::build(l.account)
                   .expire_after_write(milliseconds(1000))
                   .on_removed([&](int key, int, Removal why) {
                     EXPECT_EQ(why, Removal::kExpired);
                     expired.push_back(key);
                   })
                   .clock(clock)
                   .open();
  cache.put(1, 1);
  cache.put(2, 2, milliseconds(5000));
  cache.put(3, 3, milliseconds(0));
  clock.advance(milliseconds(999));
  EXPECT_TRUE(cache.get(1));
  clock.advance(milliseconds(1));
  EXPECT_FALSE(cache.get(1));
  EXPECT_EQ(expired, std::vector{1});
  clock.advance(milliseconds(10'000));
  cache.reclaimer().tick();
  EXPECT_EQ(expired, (std::vector{1, 2}));
  clock.advance(milliseconds(1'000'000));
  EXPECT_TRUE(cache.get(3)) << "zero is for ever";
  cache.put(4, 4);
  clock.advance(milliseconds(2000));
  cache.put(5, 5);
  EXPECT_EQ(expired, (std::vector{1, 2, 4})) << "those who write drop what expired";
}

TEST(Cache, TellsEachRemovalOnceAndWhy) {
  Line l;
  ManualClock clock;
  using Told = std::tuple<std::string, int, Removal>;
  std::vector<Told> told;
  auto cache = Cache<std::string, int>::build(l.account)
                   .maximum_items(2)
                   .clock(clock)
                   .on_removed([&](const std::string& key, int value, Removal why) {
                     told.emplace_back(key, value, why);
                   })
                   .open();
  cache.put("a", 1);
  cache.put("a", 2);
  cache.erase("a");
  cache.put("b", 3, milliseconds(10));
  clock.advance(milliseconds(10));
  cache.get("b");
  cache.put("c", 4);
  cache.put("d", 5);
  cache.put("e", 6);
  cache.clear();
  const std::vector<Told> expected{{"a", 1, Removal::kReplaced}, {"a", 2, Removal::kErased},
                                   {"b", 3, Removal::kExpired},  {"c", 4, Removal::kEvicted},
                                   {"e", 6, Removal::kCleared},  {"d", 5, Removal::kCleared}};
  std::vector<Told> sorted = told, wanted = expected;
  std::sort(sorted.begin(), sorted.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(sorted, wanted);
  EXPECT_TRUE(std::equal(told.begin(), told.begin() + 4, expected.begin())) << "in the order they left";
  EXPECT_EQ(name_of(Removal::kCleared), "cleared");
}

TEST(Cache, LetsAListenerUseTheCache) {
  Line l;
  Cache<int, int>* self = nullptr;
  int told = 0;
  auto cache = Cache<int, int>::build(l.account)
                   .maximum_items(1)
                   .on_removed([&](int key, int, Removal) {
                     if (++told < 100) self->put(key + 1000, 0);
                   })
                   .open();
  self = &cache;
  cache.put(1, 1);
  cache.put(2, 2);
  EXPECT_EQ(told, 100);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(Cache, LoadsWhatIsMissingAndKeepsIt) {
  Line l;
  auto cache = Cache<std::string, std::string>::build(l.account).open();
  int calls = 0;
  auto loader = [&](std::string_view key) {
    ++calls;
    return "loaded " + std::string(key);
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(**cache.get_or_load("k", loader), "loaded k");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(cache.stats().loads, 1u);
}

TEST(Cache, TellsALoadersErrorAndAsksAgainTheNextTime) {
  Line l;
  auto cache = Cache<int, int>::build(l.account).open();
  int calls = 0;
  auto loader = [&](int key) -> Result<int> {
    if (++calls == 1) return fail(ErrorCode::kNotFound, "not today");
    return key * 2;
  };
  Result<CacheHandle<int>> first = cache.get_or_load(21, loader);
  ASSERT_FALSE(first);
  EXPECT_STREQ(first.error().what, "not today");
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(**cache.get_or_load(21, loader), 42);
  EXPECT_EQ(cache.stats().load_failures, 1u);
  EXPECT_EQ(cache.stats().loads, 2u);
}

TEST(Cache, RefusesALoaderThatAsksForItsOwnKey) {
  Line l;
  auto cache = Cache<int, int>::build(l.account).open();
  Result<CacheHandle<int>> outer = cache.get_or_load(1, [&](int key) -> Result<int> {
    Result<CacheHandle<int>> other = cache.get_or_load(key + 1, [](int) { return 5; });
    Result<CacheHandle<int>> inner = cache.get_or_load(key, [](int) { return 6; });
    EXPECT_FALSE(inner);
    return **other;
  });
  EXPECT_EQ(**outer, 5);
}

TEST(Cache, DoesNotKeepALoadThatWasOvertaken) {
  Line l;
  auto cache = Cache<int, int>::build(l.account).open();
  EXPECT_EQ(**cache.get_or_load(1,
                                [&](int) {
                                  cache.put(1, 2);
                                  return 1;
                                }),
            1);
  EXPECT_EQ(*cache.get(1), 2) << "what was put is newer than what was loaded";
  cache.get_or_load(3, [&](int) { return cache.erase(3), 1; });
  EXPECT_FALSE(cache.get(3));
  cache.get_or_load(4, [&](int) { return cache.clear(), 1; });
  EXPECT_FALSE(cache.get(4));
}

TEST(Cache, CallsTheLoaderOnceHoweverManyAsk) {
  constexpr int kThreads = 6;
  Line l;
  auto cache = Cache<int, int>::build(l.account).open();
  std::atomic<int> calls{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      Result<CacheHandle<int>> answer = cache.get_or_load(9, [&](int) -> Result<int> {
        ++calls;
        // Not before all others wait.
        while (cache.stats().waited < kThreads - 1) std::this_thread::yield();
        return 99;
      });
      EXPECT_EQ(**answer, 99);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 1);
}

TEST(Cache, TellsAllWhoWaitThatTheLoaderFailed) {
  constexpr int kThreads = 4;
  Line l;
  auto cache = Cache<int, int>::build(l.account).open();
  std::atomic<int> calls{0}, failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      Result<CacheHandle<int>> answer = cache.get_or_load(9, [&](int) -> Result<int> {
        ++calls;
        while (cache.stats().waited < kThreads - 1) std::this_thread::yield();
        return fail(ErrorCode::kTimedOut, "the source is away");
      });
      failed += !answer && answer.error().code == ErrorCode::kTimedOut;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(failed, kThreads);
  EXPECT_EQ(cache.size(), 0u);
}

// Against a map: without eviction it answers the same; with it, the same or nothing; and every value that was
// put leaves exactly once.
class CacheModel {
 public:
  CacheModel(std::uint64_t seed, PolicyKind policy, std::uint64_t maximum_items)
      : evicts_(maximum_items > 0),
        random_(seed),
        cache_(Cache<int, Counted>::build(l_.account)
                   .maximum_items(maximum_items)
                   .shards(2)
                   .policy(policy)
                   .clock(clock_)
                   .weigh([](const Counted& v) { return Bytes(static_cast<unsigned>(v.number % 7) * 1000); })
                   .on_removed([this](int, const Counted& value, Removal why) {
                     ++left_[value.number];
                     ++reasons_[static_cast<std::size_t>(why)];
                   })
                   .open()) {}

  void run() {
    for (int step = 0; step < 20'000; ++step) {
      one_step();
      if (testing::Test::HasFatalFailure()) return;
      if (step % 5000 == 0) cache_.set_policy(kPolicyKinds[random_.below(kPolicyKinds.size())]);
      if (step % 1000 == 0) cache_.CheckInvariants();
    }
    EXPECT_EQ(left_.size() + cache_.size(), static_cast<std::size_t>(puts_));
    for (const auto& [value, times] : left_) ASSERT_EQ(times, 1) << value;
    EXPECT_EQ(reasons_[static_cast<std::size_t>(Removal::kEvicted)] > 0, evicts_);
    for (Removal why : {Removal::kExpired, Removal::kErased, Removal::kReplaced}) {
      EXPECT_GT(reasons_[static_cast<std::size_t>(why)], 0) << name_of(why);
    }
    held_.clear();
    cache_.clear();
    EXPECT_EQ(left_.size(), static_cast<std::size_t>(puts_));
    EXPECT_EQ(l_.account.pinned(), 0_B);
  }

 private:
  void one_step() {
    const int key = static_cast<int>(random_.below(400));
    const std::int64_t now = clock_.wall_ms();
    if (auto known = known_.find(key); known != known_.end() && now > known->second.until) {
      known_.erase(known);
    }
    const bool expected = known_.contains(key);
    switch (random_.below(8)) {
      case 0: {
        const auto ttl = milliseconds(random_.below(3) == 0 ? 1 + random_.below(500) : 0);
        ASSERT_EQ(cache_.put(key, Counted(++puts_), ttl), WriteStatus::kDone);
        known_[key] = {puts_, ttl.count() == 0 ? INT64_MAX : now + ttl.count() - 1};
        return;
      }
      case 1: {
        const bool erased = cache_.erase(key);
        ASSERT_TRUE(evicts_ ? expected || !erased : erased == expected);
        known_.erase(key);
        return;
      }
      case 2:
        clock_.advance(milliseconds(random_.below(20)));
        if (random_.below(10) == 0) cache_.reclaimer().tick();
        return;
      case 3: {
        const bool absent = !cache_.get(key);
        ASSERT_TRUE(evicts_ || absent == !expected);
        const int next = puts_ + 1;
        auto loaded = cache_.get_or_load(key, [&](int) { return Counted(++puts_); });
        ASSERT_TRUE(loaded);
        ASSERT_EQ((*loaded)->number == next, absent);
        if (absent) known_[key] = {next, INT64_MAX};
        return;
      }
      default:
        look(key, expected);
    }
  }

  void look(int key, bool expected) {
    CacheHandle<Counted> found = cache_.get(key);
    ASSERT_TRUE(evicts_ ? expected || !found : static_cast<bool>(found) == expected);
    if (!found) return;
    ASSERT_EQ(found->number, known_[key].number);
    if (random_.below(20) == 0) held_.push_back(found);
    if (held_.size() > 8) held_.erase(held_.begin());
  }

  struct Known {
    int number = 0;
    std::int64_t until = 0;
  };
  const bool evicts_;
  Line l_;
  ManualClock clock_;
  Random random_;
  std::map<int, Known> known_;
  std::map<int, int> left_;  // how often, by value
  std::array<int, 5> reasons_{};
  int puts_ = 0;
  Cache<int, Counted> cache_;
  std::vector<CacheHandle<Counted>> held_;
};

void run_model(std::uint64_t seed, PolicyKind policy, std::uint64_t maximum_items) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << name_of(policy) << ", " << maximum_items);
  const int before = Counted::alive;
  std::make_unique<CacheModel>(seed, policy, maximum_items)->run();
  EXPECT_EQ(Counted::alive, before);
}

TEST(CacheAsAMap, AnswersLikeAMapAndTellsOfEachValueThatLeaves) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) run_model(seed, PolicyKind::kLru, 0);
}

TEST(CacheAsAMap, NeverAnswersWrongWhileEvicting) {
  for (PolicyKind policy : kPolicyKinds) run_model(11, policy, 100);
}

TEST(Cache, StaysRightUnderThreadsThatLoadAndEraseTheSameKeys) {
  constexpr int kThreads = 4, kKeys = 300, kSteps = 20'000;
  Line l;
  const int before = Counted::alive;
  std::atomic<std::uint64_t> calls{0}, told{0}, failures{0};
  std::array<std::atomic<int>, kKeys> loading{};
  {
    auto cache = Cache<int, Counted>::build(l.account)
                     .maximum_items(200)
                     .shards(2)
                     .policy(PolicyKind::kFifo)
                     .expire_after_write(milliseconds(1))
                     .weigh([](const Counted&) { return 5_KiB; })
                     .on_removed([&](int key, const Counted& value, Removal) {
                       EXPECT_EQ(key, value.number);
                       ++told;
                     })
                     .open();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        Random random(static_cast<std::uint64_t>(t) + 1);
        for (int step = 0; step < kSteps; ++step) {
          const int key = static_cast<int>(random.below(kKeys));
          // Keys of the upper half are loaded only: never two loaders of one at a time.
          if (key < kKeys / 2 && random.below(4) == 0) {
            random.below(2) == 0 ? cache.erase(key) : cache.put(key, Counted(key)) == WriteStatus::kDone;
            continue;
          }
          auto answer = cache.get_or_load(key, [&](int k) -> Result<Counted> {
            ++calls;
            const int others = loading[static_cast<std::size_t>(k)]++;
            EXPECT_TRUE(k < kKeys / 2 || others == 0);
            if (random.below(8) == 0) std::this_thread::yield();
            --loading[static_cast<std::size_t>(k)];
            if (random.below(16) == 0) return fail(ErrorCode::kSystem, "away");
            return Counted(k);
          });
          if (answer) {
            EXPECT_EQ((*answer)->number, key);
          } else {
            ++failures;
          }
          if (t == 0 && step % 2000 == 0) cache.reclaimer().reclaim(100_KiB);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    const Cache<int, Counted>::Stats stats = cache.stats();
    EXPECT_EQ(stats.loads, calls);
    EXPECT_GE(failures, stats.load_failures);
    cache.CheckInvariants();
    cache.clear();
    EXPECT_EQ(told, stats.cache.inserted);
  }
  EXPECT_EQ(Counted::alive, before);
  EXPECT_EQ(l.account.used(), 0_B);
  EXPECT_EQ(l.account.pinned(), 0_B);
}

TEST(Cache, DescribesItselfByName) {
  struct Names final : StatSink {
    void value(const Stat& stat, double value) override {
      ASSERT_EQ(stat.labels.size(), 1u);
      EXPECT_EQ(stat.labels[0].value, "numbers");
      seen[std::string(stat.name)] = value;
    }
    void distribution(const Stat&, const Histogram&, double) override { FAIL(); }
    std::map<std::string, double> seen;
  };
  Line l;
  auto cache = Cache<int, int>::build(l.account).name("numbers").open();
  cache.get_or_load(1, [](int) { return 1; });
  cache.get(1);
  Names names;
  cache.Describe(names);
  EXPECT_EQ(names.seen["object_cache_items"], 1);
  EXPECT_EQ(names.seen["object_cache_hits_total"], 1);
  EXPECT_EQ(names.seen["object_cache_misses_total"], 1);
  EXPECT_EQ(names.seen["object_cache_loads_total"], 1);
  EXPECT_GT(names.seen["object_cache_payload_bytes"], 0);
}

// The ticket keeps a view of its key.
template <typename Key>
constexpr bool kCanBeAskedFor = std::is_constructible_v<HeldCache::Ticket, HeldCache&, Key>;
static_assert(kCanBeAskedFor<std::string&> && kCanBeAskedFor<const std::string&> &&
              kCanBeAskedFor<std::string_view> && kCanBeAskedFor<const char*>);
static_assert(!kCanBeAskedFor<std::string> && !kCanBeAskedFor<const std::string>);

}  // namespace
}  // namespace plimsoll
