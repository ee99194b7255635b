// Cache<K, V>: loaders, and those who wait for them.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/cache/cache.h"
#include "plimsoll/cache/internal/object_fixture.h"

namespace plimsoll {
namespace {

TEST(Cache, LoadsWhatIsMissingAndKeepsIt) {
  ObjectLine l;
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
  ObjectLine l;
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
  ObjectLine l;
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
  ObjectLine l;
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

// What each of so many threads was answered that asked for one key at once: the loader gives `loaded` when
// all others wait for it.
std::vector<Result<CacheHandle<int>>> ask_at_once(Cache<int, int>& cache, int threads,
                                                  const Result<int>& loaded) {
  std::atomic<int> calls{0};
  const Result<CacheHandle<int>> unasked = fail(ErrorCode::kNotFound, "nobody asked");
  std::vector<Result<CacheHandle<int>>> answers(static_cast<std::size_t>(threads), unasked);
  std::vector<std::thread> running;
  for (Result<CacheHandle<int>>& answer : answers) {
    running.emplace_back([&] {
      answer = cache.get_or_load(9, [&](int) {
        ++calls;
        while (cache.stats().waited < static_cast<std::uint64_t>(threads) - 1) std::this_thread::yield();
        return loaded;
      });
    });
  }
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(calls, 1);
  return answers;
}

TEST(Cache, CallsTheLoaderOnceHoweverManyAsk) {
  ObjectLine l;
  auto cache = Cache<int, int>::build(l.account).open();
  for (const Result<CacheHandle<int>>& answer : ask_at_once(cache, 6, 99)) EXPECT_EQ(**answer, 99);
}

TEST(Cache, TellsAllWhoWaitThatTheLoaderFailed) {
  ObjectLine l;
  auto cache = Cache<int, int>::build(l.account).open();
  for (const auto& answer : ask_at_once(cache, 4, fail(ErrorCode::kTimedOut, "the source is away"))) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kTimedOut);
  }
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace plimsoll
