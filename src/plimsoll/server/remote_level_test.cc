#include "plimsoll/server/remote_level.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "plimsoll/os/file.h"
#include "plimsoll/server/internal/stuck_lookup.h"

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

// The answer comes after the calls: whoever waited for it would wait here for ever.
TEST(RemoteLevel, GoesOnWhileItsNameIsLookedUpWithoutAnEnd) {
  StuckLookup names;
  RemoteLevel level(
      {.kind = RemoteAddress::Kind::kRedis, .host = "cache.example", .port = 6379, .password = {}},
      std::chrono::milliseconds(10), names.ask());
  EXPECT_EQ(level.begin(1), CacheLevel::Outcome::kFailed);
  EXPECT_EQ(level.restart(), CacheLevel::Outcome::kFailed);
  EXPECT_EQ(level.words(), "cache.example is a name that was not found");
  names.answer("");
}

// A socket that is listened at answers by itself.
TEST(RemoteLevel, FindsItsNameLater) {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(listener.number(), reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(listener.number(), 8), 0);
  ASSERT_EQ(::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  StuckLookup names;
  names.answer("");
  names.answer("127.0.0.1");  // whether it is the constructor that asks the second time, or begin()
  RemoteLevel level({.kind = RemoteAddress::Kind::kRedis,
                     .host = "cache.example",
                     .port = ntohs(at.sin_port),
                     .password = {}},
                    std::chrono::seconds(20), names.ask());
  EXPECT_EQ(level.begin(1), CacheLevel::Outcome::kDone) << level.words();
  EXPECT_EQ(level.generations(), std::vector<std::uint32_t>{1});
}

}  // namespace
}  // namespace plimsoll
