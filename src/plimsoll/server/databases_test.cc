#include "plimsoll/server/databases.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "plimsoll/base/random.h"
#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

TEST(Databases, KeysOfTheFirstAreStoredAsTheyAre) {
  Databases databases;
  std::string buffer;
  for (std::string_view key : {"user:17", "", "x\x10", "\xff"}) {
    EXPECT_EQ(databases.stored(0, key, buffer), key);
  }
  EXPECT_TRUE(buffer.empty());
  EXPECT_FALSE(databases.any_but(0));
}

TEST(Databases, EveryStoredKeySaysWhatItIs) {
  Databases databases;
  Random random(5);
  std::map<std::string, std::pair<unsigned, std::string>> all;
  std::string buffer;
  for (int i = 0; i < 20'000; ++i) {
    std::string key(random.below(4), '\0');
    for (char& c : key) c = static_cast<char>(random.below(20));
    const auto database = static_cast<unsigned>(random.below(Databases::kCount));
    const std::string stored(databases.stored(database, key, buffer));
    const auto [found, fresh] = all.try_emplace(stored, database, key);
    EXPECT_EQ(found->second, std::make_pair(database, key)) << "two keys are stored as one";
    const Databases::Place at = Databases::split(stored);
    EXPECT_EQ(at.place, database);
    EXPECT_EQ(at.key, key);
  }
  EXPECT_TRUE(databases.any_but(0));
}

TEST(Databases, SwappingExchangesPlaces) {
  Databases databases;
  databases.swap(0, 3);
  databases.swap(3, 5);
  EXPECT_EQ(databases.place_of(0), 3u);
  EXPECT_EQ(databases.place_of(5), 0u);
  EXPECT_EQ(databases.place_of(3), 5u);
  for (unsigned i = 0; i < Databases::kCount; ++i) EXPECT_EQ(databases.database_at(databases.place_of(i)), i);
}

TEST(Databases, EachHasItsOwnKeys) {
  CommandFixture f;
  f.expect({{"set k zero", "+OK\r\n"},
            {"select 3", "+OK\r\n"},
            {"get k", "$-1\r\n"},
            {"dbsize", ":0\r\n"},
            {"randomkey", "$-1\r\n"},
            {"set k three", "+OK\r\n"},
            {"set only three", "+OK\r\n"},
            {"get k", "$5\r\nthree\r\n"},
            {"dbsize", ":2\r\n"},
            {"keys k", "*1\r\n$1\r\nk\r\n"},
            {"select 0", "+OK\r\n"},
            {"dbsize", ":1\r\n"},
            {"keys *", "*1\r\n$1\r\nk\r\n"},
            {"randomkey", "$1\r\nk\r\n"},
            {"exists only", ":0\r\n"},
            {"flushdb", "+OK\r\n"},
            {"dbsize", ":0\r\n"},
            {"randomkey", "$-1\r\n"},
            {"select 3", "+OK\r\n"},
            {"dbsize", ":2\r\n"},
            {"flushall", "+OK\r\n"},
            {"dbsize", ":0\r\n"},
            {"select 16", "-ERR DB index is out of range\r\n"},
            {"select -1", "-ERR DB index is out of range\r\n"},
            {"select x", "-ERR value is not an integer or out of range\r\n"}});
}

TEST(Databases, AreSwappedWithTheirKeys) {
  CommandFixture f;
  f.expect({{"set k zero", "+OK\r\n"},
            {"swapdb 0 2", "+OK\r\n"},
            {"get k", "$-1\r\n"},
            {"set k two", "+OK\r\n"},
            {"dbsize", ":1\r\n"},
            {"swapdb 2 0", "+OK\r\n"},
            {"get k", "$4\r\nzero\r\n"},
            {"swapdb 0 0", "+OK\r\n"},
            {"select 2", "+OK\r\n"},
            {"get k", "$3\r\ntwo\r\n"},
            {"swapdb x 0", "-ERR invalid first DB index\r\n"},
            {"swapdb 0 x", "-ERR invalid second DB index\r\n"},
            {"swapdb 0 16", "-ERR DB index is out of range\r\n"}});
}

// They are counted until somebody drops them.
TEST(Databases, AreEmptiedOfKeysThatHaveExpired) {
  CommandFixture f;
  f.expect({{"set k zero", "+OK\r\n"},
            {"select 3", "+OK\r\n"},
            {"set a 1 px 10", "+OK\r\n"},
            {"set b 1 px 10", "+OK\r\n"}});
  f.now_ms += 11;
  f.expect({{"flushdb", "+OK\r\n"}, {"dbsize", ":0\r\n"}, {"select 0", "+OK\r\n"}, {"dbsize", ":1\r\n"}});
}

TEST(Databases, AreCountedAndEmptiedEachForItself) {
  CommandFixture f;
  for (int i = 0; i < 300; ++i) f.run({"set", "k" + std::to_string(i), "zero"});
  f.expect({{"select 3", "+OK\r\n"}, {"dbsize", ":0\r\n"}, {"flushdb", "+OK\r\n"}});
  for (int i = 0; i < 200; ++i) f.run({"set", "k" + std::to_string(i), "three", "px", "500"});
  f.expect({{"dbsize", ":200\r\n"}, {"del k7", ":1\r\n"}, {"dbsize", ":199\r\n"}});
  EXPECT_EQ(f.cache.groups()[3].expiring, 199u);
  f.expect({{"swapdb 3 0", "+OK\r\n"}, {"dbsize", ":300\r\n"}, {"select 0", "+OK\r\n"}});
  f.expect({{"dbsize", ":199\r\n"}, {"flushdb", "+OK\r\n"}, {"dbsize", ":0\r\n"}});
  f.expect({{"select 3", "+OK\r\n"}, {"dbsize", ":300\r\n"}, {"get k7", "$4\r\nzero\r\n"}});
  EXPECT_EQ(f.cache.size(), 300u);
}

// A page of SCAN walks past the keys of others, and still finds all of its own.
TEST(Databases, ScanFindsAllKeysOfItsOwnAndNoOther) {
  CommandFixture f;
  for (int i = 0; i < 3'000; ++i) f.run({"set", "others:" + std::to_string(i), "x"});
  f.run("select 1");
  std::set<std::string> expected, found;
  for (int i = 0; i < 50; ++i) {
    expected.insert("k" + std::to_string(i));
    f.run({"set", "k" + std::to_string(i), "x"});
  }
  std::string cursor = "0";
  int pages = 0;
  do {
    const std::string reply = f.run({"scan", cursor, "count", "10"});
    std::size_t at = reply.find("\r\n", 4) + 2;
    cursor = reply.substr(at, reply.find("\r\n", at) - at);
    for (at = reply.find('k', at); at < reply.size(); at = reply.find('k', at + 1)) {
      found.insert(reply.substr(at, reply.find("\r\n", at) - at));
    }
    ++pages;
  } while (cursor != "0");
  EXPECT_EQ(found, expected);
  EXPECT_LT(pages, 30) << "a page looked at too few";
  EXPECT_GT(pages, 3) << "a page looked at too many";
}

}  // namespace
}  // namespace plimsoll
