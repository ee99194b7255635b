#include "plimsoll/server/remote_level.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <thread>

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

// A socket that is listened at, which lets clients in by itself.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    at_.sin_family = AF_INET;
    at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at_;
    EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<sockaddr*>(&at_), size), 0);
    EXPECT_EQ(::listen(socket_.number(), 8), 0);
    EXPECT_EQ(::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&at_), &size), 0);
  }
  RemoteAddress address(const char* host = "127.0.0.1") const {
    return {.kind = RemoteAddress::Kind::kRedis, .host = host, .port = ntohs(at_.sin_port), .password = {}};
  }
  FileDescriptor accept() { return FileDescriptor(::accept(socket_.number(), nullptr, nullptr)); }

 private:
  FileDescriptor socket_;
  sockaddr_in at_{};
};

TEST(RemoteLevel, FindsItsNameLater) {
  const Listener listener;
  StuckLookup names;
  names.answer("");
  names.answer("127.0.0.1");  // whether it is the constructor that asks the second time, or begin()
  RemoteLevel level(listener.address("cache.example"), std::chrono::seconds(20), names.ask());
  EXPECT_EQ(level.begin(1), CacheLevel::Outcome::kDone) << level.words();
  EXPECT_EQ(level.generations(), std::vector<std::uint32_t>{1});
}

// What is said there is from outside: it threw, on a thread where nobody catches.
TEST(RemoteLevel, FailsWhereWhatAnswersIsNoRedis) {
  for (const std::string_view answer : {"\r\n", " \r\n", "$\r\n", "$x\r\n", "HTTP/1.1 400 Bad Request\r\n"}) {
    Listener listener;
    std::thread server([&] {
      const FileDescriptor client = listener.accept();
      std::array<char, 1024> asked{};
      EXPECT_GT(::recv(client.number(), asked.data(), asked.size(), 0), 0);
      EXPECT_EQ(::send(client.number(), answer.data(), answer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer.size()));
      while (::recv(client.number(), asked.data(), asked.size(), 0) > 0) {
      }
    });
    RemoteLevel level(listener.address(), std::chrono::seconds(20));
    EXPECT_EQ(level.begin(1), CacheLevel::Outcome::kDone);
    std::string value;
    EXPECT_EQ(level.read(1, "key", value), CacheLevel::Outcome::kFailed) << answer;
    EXPECT_TRUE(level.words().starts_with("127.0.0.1 says ")) << level.words();
    server.join();
  }
}

// Such a connection can always be written to: it was tried again and again until the call's time was over.
TEST(RemoteLevel, WaitsForNobodyWhoBreaksOff) {
  Listener listener;
  std::thread server([&] {
    const FileDescriptor client = listener.accept();
    char first = 0;
    EXPECT_EQ(::recv(client.number(), &first, 1, 0), 1);
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(::setsockopt(client.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  });
  RemoteLevel level(listener.address(), std::chrono::seconds(30));
  EXPECT_EQ(level.begin(1), CacheLevel::Outcome::kDone);
  const std::string value(32 * 1024 * 1024, 'v');  // more than sockets take
  const CacheLevel::Write put{1, true, "key", value, -1};
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(level.write({&put, 1}), CacheLevel::Outcome::kFailed);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
  server.join();
}

}  // namespace
}  // namespace plimsoll
