#include "plimsoll/server/name_lookup.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <thread>

#include "plimsoll/server/internal/stuck_lookup.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;

MonotonicTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

std::string text_of(const NameLookup::Addresses& addresses) {
  if (addresses.empty()) return "nothing";
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&addresses[0].storage);
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(v4->sin_port));
}

void doubt_until_asked(NameLookup& lookup, StuckLookup& names, int times) {
  while (names.asked() < times) {
    lookup.doubt();
    std::this_thread::yield();
  }
}

TEST(NameLookup, AsksNobodyForAnAddress) {
  NameLookup lookup("127.0.0.1", 6379, [](const std::string&, std::uint16_t) -> NameLookup::Addresses {
    ADD_FAILURE() << "an address was looked up";
    return {};
  });
  lookup.doubt();
  EXPECT_EQ(text_of(lookup.addresses(in(milliseconds(0)))), "127.0.0.1:6379");
  NameLookup six("::1", 6379, [](const std::string&, std::uint16_t) { return NameLookup::Addresses{}; });
  ASSERT_EQ(six.addresses(in(milliseconds(0))).size(), 1u);
}

TEST(NameLookup, FindsTheNamesThatTheSystemKnows) {
  NameLookup lookup("localhost", 11211);
  const NameLookup::Addresses found = lookup.addresses(in(milliseconds(20'000)));
  ASSERT_FALSE(found.empty());
  EXPECT_GT(found[0].size, 0u);
}

// The answer comes after the caller went on: whoever waited for it would wait here for ever.
TEST(NameLookup, IsNotWaitedForBeyondTheDeadline) {
  StuckLookup names;
  NameLookup lookup("cache.example", 6379, names.ask());
  EXPECT_EQ(text_of(lookup.addresses(in(milliseconds(20)))), "nothing");
  names.answer("127.0.0.1");
  EXPECT_EQ(text_of(lookup.addresses(in(milliseconds(20'000)))), "127.0.0.1:6379");
}

TEST(NameLookup, SaysBeforeTheDeadlineThatNobodyKnowsTheName) {
  StuckLookup names;
  NameLookup lookup("nowhere.example", 6379, names.ask());
  names.answer("");
  names.answer("");  // the first may have been over before it was waited for
  EXPECT_EQ(text_of(lookup.addresses(in(std::chrono::hours(24)))), "nothing");
}

TEST(NameLookup, KeepsWhatItKnowsWhileItLooksAgainAndWhenThatIsInVain) {
  StuckLookup names;
  NameLookup lookup("cache.example", 6379, names.ask());
  names.answer("127.0.0.1");
  EXPECT_EQ(text_of(lookup.addresses(in(milliseconds(20'000)))), "127.0.0.1:6379");
  doubt_until_asked(lookup, names, 2);
  EXPECT_EQ(text_of(lookup.addresses(in(milliseconds(0)))), "127.0.0.1:6379");
  names.answer("");
  doubt_until_asked(lookup, names, 3);
  EXPECT_EQ(text_of(lookup.addresses(in(milliseconds(0)))), "127.0.0.1:6379");
  names.answer("127.0.0.2");
  doubt_until_asked(lookup, names, 4);
  EXPECT_EQ(text_of(lookup.addresses(in(milliseconds(0)))), "127.0.0.2:6379");
  names.answer("");
}

}  // namespace
}  // namespace plimsoll
