#include "plimsoll/server/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "plimsoll/base/random.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/server/info.h"
#include "plimsoll/server/version.h"

namespace plimsoll {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Status memory_example() {
  Status s;
  s.process = 4711;
  s.uptime = std::chrono::seconds(200);
  s.wall_ms = 1'700'000'000'000;
  s.resp_port = 6379;
  s.http_port = 9644;
  s.limit = 256_MiB;
  s.line = 245_MiB;
  s.reserve = 11_MiB;
  s.headroom = 4_MiB;
  s.charged = 200_MiB;
  s.highest_charged = 240_MiB;
  s.droppable = 180_MiB;
  s.flow = {.charged = 3 << 20, .released = 1 << 20, .growth = 1.5 * (1 << 20)};
  s.accounts = {{.name = "cache",
                 .parent = "",
                 .kind = AccountKind::kDroppable,
                 .used = 190_MiB,
                 .peak = 230_MiB,
                 .guarantee = 16_MiB,
                 .maximum = std::nullopt,
                 .pinned = 1_MiB,
                 .refused = 0,
                 .flow = {.charged = 3 << 20, .released = 100, .growth = 2.5 * (1 << 20)}},
                {.name = "output",
                 .parent = "",
                 .kind = AccountKind::kWaitable,
                 .used = 10_MiB,
                 .peak = 20_MiB,
                 .guarantee = Bytes(),
                 .maximum = 64_MiB,
                 .pinned = Bytes(),
                 .refused = 1234,
                 .flow = {.charged = 0, .released = 1 << 20, .growth = -(1 << 20)}},
                {.name = "large",
                 .parent = "output",
                 .kind = AccountKind::kWaitable,
                 .used = 1_MiB,
                 .peak = 2_MiB,
                 .guarantee = Bytes(),
                 .maximum = 8_MiB,
                 .pinned = Bytes(),
                 .refused = 0}};
  return s;
}

Status example() {
  Status s = memory_example();
  s.governor.limit.words = "cgroup v1 /sys/fs/cgroup/memory/x: memory.limit_in_bytes 256 MiB";
  s.governor.sample.held = 198_MiB;
  s.governor.sample.other = 2_MiB;
  s.governor.slow.process.resident = 202_MiB;
  s.governor.slow.process.anonymous = 196_MiB;
  s.governor.slow.process.file = 6_MiB;
  s.governor.reclaimed = 3_GiB;
  s.cache.items = 150'000;
  s.cache.expiring = 12;
  s.cache.payload = 170_MiB;
  s.cache.segments = 185_MiB;
  s.cache.index = 5_MiB;
  s.cache.hits = 982;
  s.cache.misses = 18;
  s.cache.evicted = 77;
  s.traffic.connections = 51;
  s.traffic.http_connections = 1;
  s.traffic.accepted = 1234;
  s.traffic.commands = 5'000'000;
  s.traffic.bytes_received = 1024;
  s.traffic.bytes_sent = 2048;
  s.traffic.readers_closed = 3;
  Event event{.kind = EventKind::kReclaimed,
              .bytes = 512_KiB,
              .freed = 512_KiB,
              .duration = std::chrono::microseconds(1200),
              .subject = "cache",
              .cause = "headroom"};
  event.number = 9;
  event.wall_ms = 1'700'000'000'000;
  s.events = {event};
  return s;
}

TEST(Status, ReadsAsAPage) {
  EXPECT_EQ(status_text(example()),
            "Plimsoll " PLIMSOLL_VERSION
            ", up 3 min 20 s, process 4711, RESP 127.0.0.1:6379, HTTP 127.0.0.1:9644\n"
            "\n"
            "level     normal: 8.2 % of the line cannot be dropped at once\n"
            "limit     256 MiB: cgroup v1 /sys/fs/cgroup/memory/x: memory.limit_in_bytes 256 MiB\n"
            "line      245 MiB, a reserve of 11 MiB below the limit\n"
            "charged   200 MiB, at most 240 MiB so far; 45 MiB free\n"
            "flow      3 MiB/s charged and 1 MiB/s released lately; growth over the last minute: +1.5 "
            "MiB/s\n"
            "held      198 MiB as measured, of which 2 MiB nobody charged (account other)\n"
            "resident  202 MiB: anonymous 196 MiB, mapped files 6 MiB\n"
            "response  monitor; 3 GiB given back so far\n"
            "\n"
            "account     used     peak  charged  released      growth  guarantee   maximum  pinned  refused  "
            "kind\n"
            "cache    190 MiB  230 MiB  3 MiB/s         -  +2.5 MiB/s     16 MiB  the line   1 MiB        -  "
            "droppable\n"
            "output    10 MiB   20 MiB        -   1 MiB/s    -1 MiB/s          -    64 MiB       -    1,234  "
            "waitable\n"
            "  large    1 MiB    2 MiB        -         -           ?          -     8 MiB       -        -  "
            "waitable\n"
            "all      200 MiB\n"
            "\n"
            "cache        150,000 keys (12 with a time to live), 170 MiB of keys and values; 98.2 % of 1,000 "
            "reads hit\n"
            "             77 evicted, 0 expired, 0 writes refused; a full cache evicts by adaptive\n"
            "             no hits timed yet; no misses timed yet; lately 0 evicted and 0 expired a second\n"
            "log          none; --data-dir FOLDER says where it is to be kept\n"
            "connections  51 RESP, 0 Kafka, 1 HTTP; 1,234 accepted so far, 0 refused\n"
            "             5,000,000 commands, 1 KiB in, 2 KiB out\n"
            "             closed: 3 that did not read, 0 that sent too slowly, 0 that were malformed; "
            "0 large values refused\n"
            "\n"
            "Events, the newest last (UTC):\n"
            "  22:13:20  cache gave back 512 KiB of 512 KiB wanted in 1.2 ms (headroom)\n");
}

TEST(Status, SaysWhenTheLineIsNotHeld) {
  Status s = example();
  s.enforcing = false;
  s.policy.evicts = false;
  EXPECT_THAT(status_text(s), HasSubstr("NOT HELD: the governor is off"));
  EXPECT_THAT(status_text(s), HasSubstr("a full cache refuses"));
}

TEST(Status, ShowsWaitsOnlyWhereThereWereSome) {
  Status s = example();
  EXPECT_THAT(status_text(s), Not(HasSubstr("wait for")));
  s.waits = {
      {"body", {.granted = 12, .timed_out = 1, .cancelled = 0, .total = std::chrono::milliseconds(1500)}}};
  EXPECT_THAT(status_text(s),
              HasSubstr("\nwait for  granted  timed out  in all\nbody           12          1   1.5 s\n"));
}

TEST(Status, SaysHowFastMemoryComesAndGoes) {
  const std::string json = status_json(example());
  EXPECT_THAT(json, HasSubstr("\"charged_bytes_per_second\":3145728,\"released_bytes_per_second\":1048576,"
                              "\"growth_bytes_per_second\":1572864,\"sockets_bytes\""));
  EXPECT_THAT(json, HasSubstr("\"refused\":1234,\"charged_bytes_per_second\":0,"
                              "\"released_bytes_per_second\":1048576,\"growth_bytes_per_second\":-1048576}"));
  EXPECT_THAT(json, HasSubstr("\"growth_bytes_per_second\":null}")) << "of what was opened just now";
  EXPECT_EQ(rate_text(511), "-");
  EXPECT_EQ(growth_text(std::nullopt), "?");
  EXPECT_EQ(growth_text(-2048), "-2 KiB/s");
  EXPECT_EQ(growth_text(3.0), "-");
}

TEST(Status, IsOneJsonObject) {
  std::string json = status_json(example());
  EXPECT_THAT(json,
              StartsWith("{\"version\":\"" PLIMSOLL_VERSION "\",\"process\":4711,\"uptime_seconds\":200,"));
  EXPECT_THAT(json, HasSubstr("\"level\":{\"name\":\"normal\",\"number\":0,"));
  EXPECT_THAT(
      json,
      HasSubstr("\"limit_words\":\"cgroup v1 /sys/fs/cgroup/memory/x: memory.limit_in_bytes 256 MiB\""));
  EXPECT_THAT(json, HasSubstr("\"charged_bytes\":209715200,"));
  EXPECT_THAT(
      json,
      HasSubstr("{\"name\":\"cache\",\"kind\":\"droppable\",\"parent\":null,\"used_bytes\":199229440,"));
  EXPECT_THAT(json, HasSubstr("\"parent\":\"output\""));
  EXPECT_THAT(json, HasSubstr("\"maximum_bytes\":null,"));
  EXPECT_THAT(json, HasSubstr("\"sockets_bytes\":null}"));
  EXPECT_THAT(json,
              HasSubstr("\"sentence\":\"cache gave back 512 KiB of 512 KiB wanted in 1.2 ms (headroom)\""));
}

Event event_of(EventKind kind, const char* subject, int second) {
  Event event{.kind = kind, .bytes = 1_MiB, .freed = 2_MiB, .subject = subject, .cause = "headroom"};
  event.duration = std::chrono::milliseconds(3);
  event.wall_ms = 1000 * second;
  event.number = static_cast<std::uint64_t>(second);
  return event;
}

TEST(Status, TellsOnceWhatIsDoneOverAndOver) {
  std::vector<Event> events;
  for (int i = 1; i <= 30; ++i) {
    events.push_back(event_of(EventKind::kReclaimed, i % 2 == 0 ? "cache" : "idle", i));
  }
  const std::vector<Event> told = folded(events);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1].subject.view(), "cache");
  EXPECT_EQ(told[1].times, 15U);
  EXPECT_EQ(told[1].freed, 30_MiB);
  EXPECT_EQ(told[1].wall_ms, 30'000);
  EXPECT_EQ(told[1].sentence(), "cache gave back 30 MiB of 15 MiB wanted in 45 ms, 15 times (headroom)");
}

TEST(Status, TellsOnceOfManyClientsThatWereClosed) {
  const std::vector<Event> told = folded({event_of(EventKind::kConnectionClosed, "client 1.2.3.4:5", 1),
                                          event_of(EventKind::kConnectionClosed, "client 1.2.3.4:6", 2),
                                          event_of(EventKind::kConnectionClosed, "client 1.2.3.4:7", 3)});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].sentence(),
            "closed clients, the last client 1.2.3.4:7: held 3 MiB for 3 ms, 3 times (headroom)");
}

TEST(Status, FoldsNothingAcrossAChangeOfLevelOrAMinute) {
  const std::vector<Event> told =
      folded({event_of(EventKind::kReclaimed, "cache", 1), event_of(EventKind::kLevelChanged, "", 2),
              event_of(EventKind::kReclaimed, "cache", 3), event_of(EventKind::kReclaimed, "cache", 62),
              event_of(EventKind::kReclaimed, "cache", 63)});
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[0].times, 1U);
  EXPECT_EQ(told[1].kind, EventKind::kLevelChanged);
  EXPECT_EQ(told[2].times, 2U);
  EXPECT_EQ(told[3].wall_ms, 63'000);
}

TEST(Info, HasTheSectionsOfRedisInItsOrder) {
  std::string all = info_text(example(), "default");
  std::size_t before = 0;
  for (const char* title :
       {"# Server\r\n", "# Clients\r\n", "# Memory\r\n", "# Persistence\r\n", "# Stats\r\n",
        "# Replication\r\n", "# CPU\r\n", "# Modules\r\n", "# Cluster\r\n", "# Keyspace\r\n"}) {
    std::size_t at = all.find(title);
    ASSERT_NE(at, std::string::npos) << title;
    EXPECT_GE(at, before) << title;
    if (at > 0) {
      EXPECT_EQ(all.substr(at - 4, 4), "\r\n\r\n") << title;
    }
    before = at;
  }
  EXPECT_THAT(info_text(example(), "everything"), HasSubstr(info_text(example(), "memory")));
  EXPECT_EQ(info_text(example(), "nonsense"), "");
}

TEST(Info, SaysWhatToolsReadInItsSection) {
  std::string memory = info_text(example(), "memory");
  EXPECT_THAT(memory, StartsWith("# Memory\r\nused_memory:209715200\r\nused_memory_human:200.00M\r\n"));
  EXPECT_THAT(memory, HasSubstr("\r\nmaxmemory:256901120\r\n"));
  EXPECT_THAT(memory, HasSubstr("\r\nmaxmemory_policy:adaptive\r\n"));
  EXPECT_THAT(memory, HasSubstr("\r\nused_memory_peak_perc:83.33%\r\n"));
  std::string server = info_text(example(), "server");
  EXPECT_THAT(server, StartsWith("# Server\r\nredis_version:7.0.15\r\n"));
  EXPECT_THAT(server, HasSubstr("\r\ntcp_port:6379\r\n"));
  EXPECT_THAT(server, HasSubstr("\r\nuptime_in_seconds:200\r\n"));
  std::string stats = info_text(example(), "stats");
  EXPECT_THAT(stats, HasSubstr("\r\nevicted_keys:77\r\n"));
  EXPECT_THAT(stats, HasSubstr("\r\nkeyspace_hits:982\r\n"));
  EXPECT_EQ(info_text(example(), "keyspace"), "# Keyspace\r\ndb0:keys=150000,expires=12,avg_ttl=0\r\n");
  EXPECT_THAT(info_text(example(), "clients"), HasSubstr("connected_clients:51\r\n"));
  EXPECT_THAT(info_text(example(), "replication"), HasSubstr("role:master\r\n"));
}

TEST(Info, LeavesTheKeyspaceEmptyWithoutKeys) {
  Status s = example();
  s.cache.items = 0;
  EXPECT_EQ(info_text(s, "keyspace"), "# Keyspace\r\n");
}

TEST(Info, GivesARunIdThatStaysForTheProcess) {
  Status later = example();
  later.uptime += std::chrono::seconds(100);
  later.wall_ms += 100'000;
  EXPECT_EQ(info_text(example(), "replication"), info_text(later, "replication"));
  std::string server = info_text(example(), "server");
  EXPECT_THAT(server, ::testing::ContainsRegex("run_id:[0-9a-f]{40}\r\n"));
}

class StatusOfAServer : public ::testing::Test {
 protected:
  StatusOfAServer() {
    probe.hold(4_MiB);
    FoundLimit limit;
    limit.limit = 64_MiB;
    probe.set_limit(limit);
  }
  Status look() {
    return collect_status({.settings = settings,
                           .line = line,
                           .governor = governor,
                           .events = events,
                           .cache = cache,
                           .traffic = traffic,
                           .uptime = std::chrono::seconds(1),
                           .wall_ms = 5,
                           .resp_port = 1,
                           .http_port = 2});
  }

  Settings settings;
  LoadLine line{{.limit = 64_MiB, .worst_overshoot = {}}};
  Account& bodies =
      line.open({.name = "bodies", .kind = AccountKind::kWaitable, .guarantee = {}, .maximum = 8_MiB});
  Account& small = line.open({.name = "small", .kind = AccountKind::kWaitable, .guarantee = {}}, &bodies);
  ScriptedProbe probe;
  AdmissionBoard board;
  EventLog events;
  SystemPages pages;
  ByteCache cache{{.account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}}),
                   .pages = pages,
                   .line = line.line(),
                   .address_space = {}}};
  Governor governor{{.line = line, .probe = probe, .board = board, .events = events}};
  Traffic traffic;
};

TEST_F(StatusOfAServer, ShowsHowLongReadsTakeAndWhatWasEvicted) {
  Pace pace;
  pace.add(true, std::chrono::microseconds(2));
  pace.look(MonotonicTime{}, {});
  pace.look(MonotonicTime{} + std::chrono::seconds(2), {.commands = 1000, .evicted = 84});
  Status s = look();
  s.pace = pace.figures();
  EXPECT_THAT(status_text(s),
              HasSubstr("hits in 2 us (p50), 2 us (p99); no misses timed yet; lately 42 evicted"));
  EXPECT_THAT(status_json(s), HasSubstr("\"evicted\":42"));
  const std::string info = info_text(s, "stats");
  EXPECT_THAT(info, HasSubstr("instantaneous_ops_per_sec:500\r\n"));
  EXPECT_THAT(info, HasSubstr("plimsoll_hit_usec_p50:2.00\r\n"));
  EXPECT_THAT(info, HasSubstr("plimsoll_evicted_per_sec:42\r\n"));
}

TEST_F(StatusOfAServer, GivesEachAccountItsRates) {
  Flow flow;
  flow.look(MonotonicTime{} + std::chrono::seconds(1), line);
  Charge kept = small.charge(2_MiB);
  flow.look(MonotonicTime{} + std::chrono::seconds(2), line);
  const Status s = collect_status({.settings = settings,
                                   .line = line,
                                   .governor = governor,
                                   .events = events,
                                   .cache = cache,
                                   .traffic = traffic,
                                   .flow = &flow});
  EXPECT_DOUBLE_EQ(s.flow.charged, (2_MiB).as_double());
  for (const AccountStatus& account : s.accounts) {
    const bool above = account.name == "small" || account.name == "bodies";
    EXPECT_EQ(account.flow.charged, above ? (2_MiB).as_double() : 0) << account.name;
  }
}

TEST_F(StatusOfAServer, ShowsWhatItsPartsSay) {
  traffic.commands = 17;
  Charge body = bodies.charge(1_MiB);
  ASSERT_TRUE(cache.lock("key", 5).put("value") == WriteStatus::kDone);
  governor.tick();
  Status s = look();
  EXPECT_EQ(s.line, line.line());
  EXPECT_EQ(s.limit, 64_MiB);
  EXPECT_EQ(s.cache.items, 1U);
  EXPECT_EQ(s.traffic.commands, 17U);
  EXPECT_EQ(s.governor.ticks, 1U);
  auto account = [&s](std::string_view name) {
    return *std::find_if(s.accounts.begin(), s.accounts.end(),
                         [name](const auto& a) { return a.name == name; });
  };
  EXPECT_EQ(account("bodies").used, 1_MiB);
  EXPECT_EQ(account("bodies").maximum, 8_MiB);
  EXPECT_EQ(account("bodies").parent, "");
  EXPECT_EQ(account("small").parent, "bodies");
  EXPECT_EQ(account("cache").maximum, std::nullopt);
  EXPECT_GE(s.highest_charged, s.charged);
}

TEST_F(StatusOfAServer, SumsExactlyWhileChargesGoOn) {
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    Random random(3);
    while (!stop.load(std::memory_order_relaxed)) {
      Charge one = bodies.charge(Bytes(1 + random.below(100'000)));
      Charge two = small.charge(Bytes(1 + random.below(100'000)));
    }
  });
  for (int i = 0; i < 300; ++i) {
    Status s = look();
    Bytes sum;
    for (const AccountStatus& account : s.accounts) {
      if (account.parent.empty()) sum += account.used;
    }
    ASSERT_EQ(sum, s.charged);
  }
  stop = true;
  worker.join();
}

}  // namespace
}  // namespace plimsoll
