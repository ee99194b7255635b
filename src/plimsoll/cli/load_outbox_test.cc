#include "plimsoll/cli/load_outbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plimsoll/base/random.h"
#include "plimsoll/cli/load_value.h"

namespace plimsoll {
namespace {

struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0); }
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::string read() {
    std::string all;
    char buffer[65536];
    for (ssize_t got; (got = ::recv(ends[1], buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }
  int ends[2];
};

TEST(LoadOutbox, SendsTextAndViewsInTheirOrderThroughASocketThatTakesLittle) {
  ValueSource values;
  Random random(7);
  for (int round = 0; round < 20; ++round) {
    Pair pair;
    LoadOutbox outbox;
    std::string want;
    std::string got;
    for (int i = 0; i < 200; ++i) {
      std::string text(random.below(50), static_cast<char>('a' + random.below(26)));
      outbox.text() += text;
      want += text;
      if (random.below(2) == 0) {
        std::string_view value = values.value(random(), 0, random.below(20'000));
        outbox.view(value);
        want += value;
      }
      if (random.below(10) == 0) {
        ASSERT_TRUE(outbox.flush(pair.ends[0]).has_value());
        got += pair.read();
      }
    }
    while (!outbox.empty()) {
      std::size_t left = outbox.size_left();
      auto sent = outbox.flush(pair.ends[0]);
      ASSERT_TRUE(sent.has_value());
      EXPECT_EQ(outbox.size_left(), left - *sent);
      got += pair.read();
    }
    got += pair.read();
    EXPECT_TRUE(got == want) << got.size() << " of " << want.size();
  }
}

TEST(LoadOutbox, SaysThatTheConnectionIsLost) {
  Pair pair;
  ::shutdown(pair.ends[0], SHUT_WR);
  LoadOutbox outbox;
  outbox.text() = "hello";
  EXPECT_EQ(outbox.flush(pair.ends[0]).error().errno_value, EPIPE);
}

}  // namespace
}  // namespace plimsoll
