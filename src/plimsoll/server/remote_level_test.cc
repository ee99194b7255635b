#include "plimsoll/server/remote_level.h"

#include <gtest/gtest.h>

namespace plimsoll {
namespace {

TEST(RemoteAddress, IsReadAsPeopleWriteIt) {
  const auto redis = RemoteAddress::parse("redis://cache.example:6380");
  ASSERT_TRUE(redis);
  EXPECT_EQ(redis->kind, RemoteAddress::Kind::kRedis);
  EXPECT_EQ(redis->host, "cache.example");
  EXPECT_EQ(redis->port, 6380);
  const auto memcached = RemoteAddress::parse("memcached://10.0.0.7");
  ASSERT_TRUE(memcached);
  EXPECT_EQ(memcached->kind, RemoteAddress::Kind::kMemcached);
  EXPECT_EQ(memcached->port, 11211);
  const auto secret = RemoteAddress::parse("redis://:p@ss:word@[::1]:7000/");
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->password, "p@ss:word");
  EXPECT_EQ(secret->host, "::1");
  EXPECT_EQ(secret->port, 7000);
}

TEST(RemoteAddress, IsRefusedWhereItSaysSomethingElse) {
  for (const char* text : {"", "cache.example", "http://cache.example", "redis://", "redis://:7000",
                           "redis://cache:0", "redis://cache:70000", "redis://cache:x", "redis://cache/3",
                           "redis://user:secret@cache", "memcached://:secret@cache"}) {
    EXPECT_FALSE(RemoteAddress::parse(text)) << text;
  }
}

TEST(RemoteLevel, FailsWhereNobodyAnswers) {
  RemoteLevel level({.kind = RemoteAddress::Kind::kRedis, .host = "127.0.0.1", .port = 1, .password = {}});
  EXPECT_EQ(level.begin(1), CacheLevel::Outcome::kFailed);
  EXPECT_EQ(level.restart(), CacheLevel::Outcome::kFailed);
  EXPECT_NE(level.words().find("does not answer"), std::string::npos);
  const CacheLevel::Write erasure{1, false, "key", {}, -1};
  EXPECT_EQ(level.write({&erasure, 1}), CacheLevel::Outcome::kDone) << "of a generation that never was";
}

}  // namespace
}  // namespace plimsoll
