#include "plimsoll/cli/flood.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "plimsoll/cli/flood_clients.h"
#include "plimsoll/cli/flood_scrape.h"
#include "plimsoll/cli/flood_server.h"
#include "plimsoll/cli/flood_stage.h"
#include "plimsoll/cli/load_fake_server.h"
#include "plimsoll/cli/load_socket.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

MonotonicTime in(Duration time) { return std::chrono::steady_clock::now() + time; }

// --- reading what a server says

TEST(FloodScrape, FindsSamplesByNameAndLabel) {
  FloodScrape scrape(
      "# HELP a_bytes Text\n# TYPE a_bytes gauge\na_bytes 12\na_bytes_more 99\n"
      "b{account=\"cache\"} 1e3\nb{account=\"other\"} 5\nb{account=\"output\"} 7\n");
  EXPECT_EQ(scrape.value("a_bytes"), 12);
  EXPECT_EQ(scrape.value("a"), std::nullopt);
  EXPECT_EQ(scrape.value("b", "account=\"output\""), 7);
  EXPECT_EQ(scrape.value("b", "account=\"none\""), std::nullopt);
  EXPECT_EQ(scrape.sum("b"), 1012);
  EXPECT_EQ(scrape.sum("b", "account=\"other\""), 1007);
  EXPECT_EQ(scrape.sum("c"), std::nullopt);
}

TEST(FloodScrape, ReadsAQuantileFromBucketsOrFromASummary) {
  FloodScrape buckets(
      "h_bucket{le=\"0.001\"} 50\nh_bucket{le=\"0.01\"} 99\nh_bucket{le=\"+Inf\"} 100\nh_count 100\n");
  EXPECT_EQ(buckets.quantile("h", 0.5), 0.001);
  EXPECT_EQ(buckets.quantile("h", 0.99), 0.01);
  EXPECT_EQ(FloodScrape("h_bucket{le=\"+Inf\"} 0\n").quantile("h", 0.5), std::nullopt);
  EXPECT_EQ(FloodScrape("s{quantile=\"0.5\"} 3\ns{quantile=\"0.99\"} 4\n").quantile("s", 0.99), 4);
}

// --- clients that do not behave

TEST(UnreadReaders, HoldTheirConnectionsAndReadRightAtLast) {
  FakeServer server;
  ValueSource values;
  LoadOptions load{.port = server.port(), .keys = 4, .order = KeyOrder::kInOrder, .value_size = 3000};
  load.requests = 4;
  LoadClient writer(load, values);
  ASSERT_TRUE(writer.start().has_value());
  ASSERT_TRUE(writer.wait_until_finished(in(10s)));

  UnreadReaders readers({.clients = 5, .depth = 2, .ask_again = 50ms}, load, values);
  readers.start();
  std::this_thread::sleep_for(300ms);
  readers.stop();
  EXPECT_EQ(readers.open_connections(), 5);
  EXPECT_EQ(readers.stats().answered, 0) << "nothing is read while they hold";
  std::uint64_t asked = readers.stats().sent;
  EXPECT_GT(asked, 5 * 2) << "they ask again";
  readers.read_all(in(10s));
  EXPECT_EQ(readers.stats().hits, asked);
  EXPECT_EQ(readers.stats().wrong, 0);
}

TEST(UnreadReaders, ComeBackWhenTheirConnectionIsEnded) {
  FakeServer server;
  server.close_every = 3;
  ValueSource values;
  UnreadReaders readers({.clients = 2, .depth = 3}, {.port = server.port(), .keys = 4}, values);
  readers.start();
  std::this_thread::sleep_for(300ms);
  readers.stop();
  EXPECT_GE(readers.stats().reconnects, 2);
}

TEST(SlowBodies, SendALittleAtATimeAndNoticeTheEnd) {
  ValueSource values;
  auto server = std::make_unique<FakeServer>();
  SlowBodies bodies({.port = server->port(), .clients = 3, .announced = 100, .period = 10ms}, values);
  bodies.start();
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(bodies.still_open(), 3);
  EXPECT_GT(bodies.bytes_out(), 3 * 30);
  EXPECT_EQ(server->commands, 0);
  server.reset();
  std::this_thread::sleep_for(100ms);
  bodies.stop();
  EXPECT_GE(bodies.cut(), 3);
  EXPECT_EQ(bodies.still_open(), 0);
}

TEST(SlowBodies, AreToldWhetherTheirValueWasStored) {
  ValueSource values;
  FakeServer server;
  server.refuse_every = 2;
  SlowBodies bodies(
      {.port = server.port(), .clients = 1, .announced = 100, .bytes_a_tick = 50, .period = 2ms}, values);
  bodies.start();
  std::this_thread::sleep_for(300ms);
  bodies.stop();
  EXPECT_GT(bodies.stored(), 3);
  EXPECT_GT(bodies.refused(), 3);
}

TEST(IdleCrowd, CountsThoseWhoAnswer) {
  IdleCrowd crowd;
  {
    FakeServer server;
    EXPECT_EQ(crowd.gather("127.0.0.1", server.port(), 50, in(10s)), 50);
    EXPECT_EQ(crowd.roll_call(in(10s)), 50);
  }
  EXPECT_EQ(crowd.roll_call(in(1s)), 0);
}

// --- the server as a child

ServerCommand shell(const std::string& script) { return {.arguments = {"/bin/sh", "-c", script}}; }

TEST(FloodServer, ReadsItsPortsAndEndsItPolitely) {
  auto server = FloodServer::start(
      shell("echo resp: 127.0.0.1:7001; echo http: 127.0.0.1:7002; echo ready; exec sleep 60"), in(10s));
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ((*server)->resp_port(), 7001);
  EXPECT_EQ((*server)->http_port(), 7002);
  EXPECT_TRUE((*server)->alive());
  EXPECT_TRUE((*server)->stop());
  EXPECT_EQ((*server)->how_it_ended(), "was killed by signal 15");
}

TEST(FloodServer, IsToldItsLimitWhereNoCgroupSaysIt) {
  using testing::Contains, testing::ElementsAre, testing::Not;
  EXPECT_THAT(plimsoll_command("plimsoll", true).arguments, Not(Contains("--line")));
  const std::vector<std::string> told = plimsoll_command("plimsoll", true, 256_MiB).arguments;
  EXPECT_THAT(std::vector(told.end() - 2, told.end()), ElementsAre("--line", "268435456"));
}

TEST(FloodServer, IsReadyWhenSomethingListensIfNoReplyIsAskedFor) {
  ServerCommand command = shell("exec sleep 60");
  command.resp_port = free_port();
  command.ready_reply = '\0';
  EXPECT_FALSE(FloodServer::start(command, in(100ms)).has_value());
  LoadSocket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));  // it never says a word
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(command.resp_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.descriptor(), 4), 0);
  EXPECT_TRUE(FloodServer::start(command, in(10s)).has_value());
  command.ready_reply = '+';
  EXPECT_FALSE(FloodServer::start(command, in(200ms)).has_value());
}

TEST(FloodServer, SaysWhatAServerSaidThatDoesNotStart) {
  std::string output;
  auto ended = FloodServer::start(shell("echo no such option; exit 3"), in(10s), &output);
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(output, "the server exited with 3\nno such option\n");
  auto silent = FloodServer::start(shell("exec sleep 60"), in(100ms), &output);
  ASSERT_FALSE(silent.has_value());
  EXPECT_EQ(silent.error().code, ErrorCode::kTimedOut);
}

TEST(FloodServer, SendsTheHardSignalToOneThatDoesNotListen) {
  auto server = FloodServer::start(
      shell("trap '' TERM; echo resp: 127.0.0.1:7001; echo ready; while :; do sleep 0.05; done"), in(10s));
  ASSERT_TRUE(server.has_value());
  EXPECT_FALSE((*server)->stop(200ms));
  EXPECT_TRUE((*server)->killed());
}

// --- floods

TEST(Flood, HasAPlayForEachScenario) {
  EXPECT_EQ(flood_scenarios().size(), 8U);
  for (const FloodScenario& scenario : flood_scenarios()) EXPECT_NE(flood_play(scenario.name), nullptr);
  EXPECT_EQ(flood_play("none"), nullptr);
  EXPECT_EQ(run_flood({.scenario = "none"}).error().code, ErrorCode::kNotFound);
}

TEST(Flood, TheLineIsTheLimitLessItsReserve) {
  EXPECT_EQ(flood_line(100_MiB), 96_MiB);
  EXPECT_EQ(flood_line(64_MiB), 60_MiB);
  EXPECT_EQ(flood_line(1_GiB), 1_GiB - 1_GiB / 25);
}

TEST(Flood, ResultsAreOneLineOfJson) {
  FloodResult result;
  result.scenario = "sets_1k";
  result.figures = {{"level", 2}};
  result.failures = {"a \"quoted\" one"};
  std::string json = result.json();
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_NE(json.find("\"level\":2"), std::string::npos);
  EXPECT_NE(json.find("\"failures\":[\"a \\\"quoted\\\" one\"]}"), std::string::npos);
}

}  // namespace
}  // namespace plimsoll
