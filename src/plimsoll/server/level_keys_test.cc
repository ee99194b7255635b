// Which keys a command waits for: those it reads, in whatever database, that memory does not have.
#include "plimsoll/server/internal/level_keys.h"

#include <gtest/gtest.h>

#include "plimsoll/cache/lower_level.h"
#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

// A level that has not looked yet what it has: it may have any key.
class UnknownLevel final : public CacheLevel {
 public:
  std::vector<std::uint32_t> generations() override { return {}; }
  Outcome begin(std::uint32_t) override { return Outcome::kDone; }
  Outcome drop_before(std::uint32_t) override { return Outcome::kDone; }
  Outcome write(std::span<const Write>) override { return Outcome::kDone; }
  Outcome read(std::uint32_t, std::string_view, std::string&) override { return Outcome::kAbsent; }
  Outcome each_key(std::uint32_t, std::string_view, const std::function<bool(std::string_view)>&) override {
    return Outcome::kDone;
  }
  void distrust() override {}
  Outcome restart() override { return Outcome::kDone; }
  Figures figures() override { return {}; }
  std::string words() override { return {}; }
};

struct LevelKeysFixture : CommandFixture {
  LevelKeysFixture() {
    lower = std::move(*LowerLevel::open(cache, {.name = "disk",
                                                .level = std::make_unique<UnknownLevel>(),
                                                .account = others,
                                                .clock = clock,
                                                .size = 64_MiB,
                                                .queue = 1_MiB}));
    run("set here 1");
    cache.set_lower_level(lower.get());
  }
  ~LevelKeysFixture() { cache.set_lower_level(nullptr); }

  std::vector<std::string> keys(std::string_view command) {
    RecordedReply reply;
    const std::vector<std::string_view> args = words_of(command);
    CommandContext context{.args = args,
                           .bodies = {},
                           .reply = reply,
                           .cache = cache,
                           .databases = databases,
                           .server = server,
                           .session = session,
                           .now_ms = now_ms};
    std::vector<std::string> found;
    keys_below(context, found);
    return found;
  }
  using Keys = std::vector<std::string>;

  ManualClock clock;
  std::unique_ptr<LowerLevel> lower;
};

TEST(LevelKeys, AreThoseThatMemoryDoesNotHave) {
  LevelKeysFixture f;
  EXPECT_EQ(f.keys("get there"), LevelKeysFixture::Keys{"there"});
  EXPECT_EQ(f.keys("get here"), LevelKeysFixture::Keys{});
  EXPECT_EQ(f.keys("mget a here b"), (LevelKeysFixture::Keys{"a", "b"}));
  EXPECT_EQ(f.keys("rename a b"), (LevelKeysFixture::Keys{"a", "b"}));
  EXPECT_EQ(f.keys("object encoding a"), LevelKeysFixture::Keys{"a"});
  EXPECT_EQ(f.keys("dbsize"), LevelKeysFixture::Keys{});
  EXPECT_EQ(f.keys("get"), LevelKeysFixture::Keys{}) << "a wrong one says so without waiting";
  EXPECT_EQ(f.keys("nosuch a"), LevelKeysFixture::Keys{});
}

TEST(LevelKeys, AreNoneWhereTheOldValueDoesNotMatter) {
  LevelKeysFixture f;
  for (const char* command : {"set a 1", "set a 1 ex 10", "mset a 1 b 2", "setex a 10 1", "psetex a 10 1"})
    EXPECT_EQ(f.keys(command), LevelKeysFixture::Keys{}) << command;
  for (const char* command : {"set a 1 nx", "set a 1 get", "set a 1 keepttl", "setnx a 1", "append a 1",
                              "del a", "getdel a", "incr a"})
    EXPECT_EQ(f.keys(command), LevelKeysFixture::Keys{"a"}) << command;
}

TEST(LevelKeys, AreOfTheDatabaseThatIsMeant) {
  LevelKeysFixture f;
  const std::string in_three("a\3", 2);
  EXPECT_EQ(f.keys("move a 3"), (LevelKeysFixture::Keys{"a", in_three}));
  EXPECT_EQ(f.keys("copy a b db 3"), (LevelKeysFixture::Keys{"a", in_three, "b", std::string("b\3", 2)}));
  f.session.database = 3;
  EXPECT_EQ(f.keys("get a"), LevelKeysFixture::Keys{in_three});
}

TEST(LevelKeys, OfATransactionAreAwaitedByItsExec) {
  LevelKeysFixture f;
  f.run("watch w");
  f.run("multi");
  EXPECT_EQ(f.keys("get a"), LevelKeysFixture::Keys{}) << "it is only queued";
  f.run("get a");
  f.run("select 3");
  f.run("incr b");
  EXPECT_EQ(f.keys("exec"), (LevelKeysFixture::Keys{"a", std::string("b\3", 2), "w"}));
  f.run("discard");
}

}  // namespace
}  // namespace plimsoll
