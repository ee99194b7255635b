#include "plimsoll/server/cache_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll {
namespace {

using testing::HasSubstr;

CacheAnalysis seen() {
  CacheAnalysis a{.on = true, .sample_rate = 0.125, .sampled_keys = 4000, .reads = 500'000, .hit_rate = 0.71};
  a.full = true;
  a.hits = 710;
  a.misses = 290;
  a.payload = 80_MiB;
  a.held = 100_MiB;
  a.twice_hit_rate = 0.78;
  a.half_hit_rate = 0.6;
  a.curve = {{0.5, 0.6, 0.59}, {1, 0.71, 0.7}, {2, 0.78, 0.77}};
  a.hot = {{.key = "a\x01key", .share = 0.2, .at_least = 0.19}};
  a.advice = advise(a, 128_MiB);
  return a;
}

Pace::Figures pace() {
  return {.hits = {.timed = 100, .p50_ns = 1200, .p99_ns = 9000, .max_ns = 20'000},
          .misses = {},
          .per_second = {.hits = 900, .misses = 100, .evicted = 55}};
}

TEST(CachePage, SaysHowLongReadsTakeAndHowFastTheCacheEvicts) {
  const std::string text = cache_text(seen(), pace());
  EXPECT_THAT(text, HasSubstr("hits in 1.2 us (p50), 9 us (p99); no misses timed yet"));
  EXPECT_THAT(text, HasSubstr("55 a second lately, beside 1,000 reads"));
  EXPECT_THAT(cache_json(seen(), pace()), HasSubstr("\"hit_p99_ns\":9000"));
}

TEST(CachePage, SaysHitRateAdviceAndTheCommand) {
  const std::string text = cache_text(seen(), pace());
  EXPECT_THAT(text, HasSubstr("71.0 % lately; 710 of 1,000 reads hit so far"));
  EXPECT_THAT(text, HasSubstr("one in 8"));
  EXPECT_THAT(text, HasSubstr("plimsoll serve --line 228MiB"));
  EXPECT_THAT(text, HasSubstr("a\\x01key")) << "bytes of a key must not reach a terminal";
}

TEST(CachePage, SaysThatTooLittleWasSeenInsteadOfFigures) {
  CacheAnalysis a = seen();
  a.reads = 10;
  EXPECT_THAT(cache_text(a, {}), HasSubstr("too little was read yet"));
  EXPECT_THAT(cache_text(a, {}), testing::Not(HasSubstr("pattern")));
  EXPECT_THAT(cache_curve_text(a), HasSubstr("too little"));
}

TEST(CachePage, DrawsTheCurveWithABarForEachPoint) {
  const std::string text = cache_curve_text(seen());
  EXPECT_THAT(text, HasSubstr("0.5x   60.0 %  " + std::string(30, '#') + "\n"));
  EXPECT_THAT(text, HasSubstr("  now\n"));
}

TEST(CachePage, HasEveryFigureForPrograms) {
  const std::string json = cache_json(seen(), pace());
  for (const char* part :
       {"\"hit_ratio\":0.71", "\"twice_memory_hit_ratio\":0.78", "\"curve\":[{\"times\":0.5",
        "\"hot_keys\":[{\"key\":\"a\\u0001key\"", "\"command\":\"plimsoll serve --line 228MiB\""}) {
    EXPECT_THAT(json, HasSubstr(part));
  }
}

}  // namespace
}  // namespace plimsoll
