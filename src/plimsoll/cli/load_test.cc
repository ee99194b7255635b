#include "plimsoll/cli/load.h"

#include <gtest/gtest.h>

#include <thread>

#include "plimsoll/cli/load_fake_server.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

class LoadTest : public testing::Test {
 protected:
  LoadOptions options() const { return {.port = server_.port(), .keys = 100, .value_size = 200}; }
  void run_to_the_end(LoadClient& client) {
    ASSERT_TRUE(client.start().has_value());
    ASSERT_TRUE(client.wait_until_finished(std::chrono::steady_clock::now() + 20s));
    client.stop();
  }
  FakeServer server_;
  ValueSource values_;
};

TEST_F(LoadTest, StoresEveryKeyInOrderAndReadsItBackRight) {
  LoadOptions writes = options();
  writes.order = KeyOrder::kInOrder;
  writes.requests = 100;
  writes.connections = 3;
  LoadClient writer(writes, values_);
  run_to_the_end(writer);
  EXPECT_EQ(writer.stats().stored, 100);

  LoadOptions reads = writes;
  reads.get_share = 1;
  reads.threads = 2;
  reads.pipeline = 7;
  LoadClient reader(reads, values_);
  run_to_the_end(reader);
  EXPECT_EQ(reader.stats().hits, 100);
  EXPECT_EQ(reader.stats().misses, 0);
  EXPECT_EQ(reader.stats().wrong, 0);
  EXPECT_EQ(reader.stats().latency_ns.count(), 100);
}

TEST_F(LoadTest, ChecksLargeValuesThatArriveInPieces) {
  server_.piece = 1000;
  LoadOptions mixed = options();
  mixed.keys = 5;
  mixed.versions = 4;
  mixed.value_size = 300'000;
  mixed.get_share = 0.5;
  mixed.requests = 100;
  mixed.pipeline = 8;
  LoadClient client(mixed, values_);
  run_to_the_end(client);
  EXPECT_GT(client.stats().hits, 10);
  EXPECT_EQ(client.stats().wrong, 0);
  EXPECT_GT(client.stats().bytes_out, 30U * 300'000);
}

TEST_F(LoadTest, NoticesAByteThatIsNotTheKeys) {
  server_.wrong_every = 10;
  LoadOptions mixed = options();
  mixed.keys = 1;
  mixed.get_share = 0.5;
  mixed.requests = 1000;
  LoadClient client(mixed, values_);
  run_to_the_end(client);
  EXPECT_GT(client.stats().wrong, 20);
  EXPECT_NE(client.stats().first_wrong().find("key:000000000000 gave 200 bytes"), std::string::npos)
      << client.stats().first_wrong();
}

TEST_F(LoadTest, CountsRefusalsApartFromOtherErrors) {
  server_.refuse_every = 4;
  LoadOptions writes = options();
  writes.requests = 100;
  LoadClient client(writes, values_);
  run_to_the_end(client);
  EXPECT_EQ(client.stats().refused, 25);
  EXPECT_EQ(client.stats().stored, 75);
  EXPECT_EQ(client.stats().errors, 0);
}

TEST_F(LoadTest, ConnectsAgainAndCountsWhatWasLost) {
  server_.close_every = 50;
  LoadOptions writes = options();
  writes.requests = 500;
  writes.pipeline = 10;
  writes.connections = 2;
  LoadClient client(writes, values_);
  run_to_the_end(client);
  EXPECT_GE(client.stats().reconnects, 5);
  EXPECT_GT(client.stats().lost, 0);
  EXPECT_EQ(client.stats().answered + client.stats().lost, 500);
}

TEST_F(LoadTest, KeepsThePaceItWasGiven) {
  LoadOptions paced = options();
  paced.rate = 500;
  paced.connections = 4;
  LoadClient client(paced, values_);
  ASSERT_TRUE(client.start().has_value());
  std::this_thread::sleep_for(1s);
  client.stop();
  EXPECT_GT(client.stats().answered, 400);
  EXPECT_LT(client.stats().sent, 600);
}

TEST_F(LoadTest, APauseOfTheServerIsSeenByEveryRequestThatWasDueInIt) {
  LoadOptions paced = options();
  paced.rate = 500;
  paced.stall = 100ms;
  LoadClient client(paced, values_);
  ASSERT_TRUE(client.start().has_value());
  std::this_thread::sleep_for(200ms);
  server_.silence_ms = 400;
  std::this_thread::sleep_for(800ms);
  client.stop();
  const LoadStats& stats = client.stats();
  // 200 requests were due in the pause; a client that waits for each reply would have seen one slow one.
  std::uint64_t slow = stats.latency_ns.count() - stats.latency_ns.count_at_most(100'000'000);
  EXPECT_GT(slow, 100);
  EXPECT_GT(stats.stalls, 100);
  EXPECT_GE(stats.latency_ns.max(), 350'000'000);
}

TEST_F(LoadTest, AStalledRequestThatIsNeverAnsweredIsCountedOnce) {
  LoadOptions paced = options();
  paced.rate = 100;
  paced.stall = 50ms;
  LoadClient client(paced, values_);
  server_.silence_ms = 600;
  ASSERT_TRUE(client.start().has_value());
  std::this_thread::sleep_for(400ms);
  EXPECT_GT(client.stats().stalls, 10);
  EXPECT_LE(client.stats().stalls, client.stats().sent);
  client.stop();
}

TEST(Load, FailsToStartWhereNobodyListens) {
  ValueSource values;
  LoadClient client({.port = 1}, values);
  EXPECT_FALSE(client.start().has_value());
}

TEST(Load, RefusesOptionsThatMakeNoLoad) {
  EXPECT_FALSE(LoadOptions{}.Validate().has_value());
  EXPECT_FALSE((LoadOptions{.port = 1, .connections = 0}).Validate().has_value());
  EXPECT_FALSE((LoadOptions{.port = 1, .threads = 2}).Validate().has_value());
  EXPECT_FALSE((LoadOptions{.port = 1, .value_size = ValueSource::kLargest + 1}).Validate().has_value());
  EXPECT_TRUE(LoadOptions{.port = 1}.Validate().has_value());
}

}  // namespace
}  // namespace plimsoll
