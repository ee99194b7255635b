#include "plimsoll/server/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string fault_of(const Configuration::Outcome& outcome) { return outcome ? "" : outcome.error(); }

std::string fault_of_toml(std::string_view text) {
  Configuration configuration;
  return fault_of(configuration.load_text(text, "p.toml"));
}

std::string fault_of_flag(std::string_view name, std::string_view value) {
  Configuration configuration;
  return fault_of(configuration.set_flag(name, value));
}

TEST(Settings, AreUsableWithNothingConfigured) {
  Configuration configuration;
  EXPECT_TRUE(configuration.Validate());
  const Settings& settings = configuration.settings();
  EXPECT_EQ(settings.line, "");
  EXPECT_EQ(settings.bind, "127.0.0.1");
  EXPECT_EQ(settings.resp_port, 6379);
  EXPECT_EQ(settings.http_port, 9644);
  EXPECT_TRUE(settings.governor);
  for (const SettingKey& key : setting_keys()) EXPECT_EQ(configuration.origin_words(key.name), "default");
}

TEST(Settings, EveryKeyReadsBackWhatItShows) {
  for (const SettingKey& key : setting_keys()) {
    Settings settings;
    std::string shown = key.get(settings);
    EXPECT_EQ(key.set(settings, shown), nullptr) << key.name << " = " << shown;
    EXPECT_EQ(key.get(settings), shown) << key.name;
  }
}

TEST(Settings, EveryKeyHasItsThreeNamesAndAHelp) {
  std::set<std::string> seen;
  for (const SettingKey& key : setting_keys()) {
    EXPECT_TRUE(seen.insert(key.flag()).second) << key.name;
    EXPECT_EQ(find_setting(key.name), &key);
    EXPECT_FALSE(key.help.empty()) << key.name;
  }
  EXPECT_EQ(find_setting("resp_port")->flag(), "--resp-port");
  EXPECT_EQ(find_setting("resp_port")->environment(), "PLIMSOLL_RESP_PORT");
  EXPECT_EQ(find_setting("resp-port"), nullptr);
}

TEST(Settings, BoundTheCacheAndTheTimeOfItsValues) {
  Configuration configuration;
  ASSERT_TRUE(configuration.load_text(
      "cache_items = 1000\ncache_size = \"64MiB\"\ncache_shards = 4\ndefault_ttl = \"10m\"\n", "p.toml"));
  EXPECT_EQ(configuration.settings().cache_items, 1000u);
  EXPECT_EQ(configuration.settings().cache_size, 64_MiB);
  EXPECT_EQ(configuration.settings().cache_shards, 4u);
  EXPECT_EQ(configuration.settings().default_ttl, std::chrono::minutes(10));
  EXPECT_EQ(configuration.shown("default_ttl"), "10m");
  EXPECT_TRUE(configuration.set_now("default_ttl", "0"));
  EXPECT_EQ(configuration.settings().default_ttl.count(), 0);
  EXPECT_THAT(fault_of_flag("cache_items", "-1"), HasSubstr("write a number of keys"));
  EXPECT_THAT(fault_of_flag("cache_size", "much"), HasSubstr("write a size"));
  EXPECT_THAT(fault_of_flag("cache_shards", "3"), HasSubstr("write a power of two up to 64"));
  EXPECT_THAT(fault_of_flag("cache_shards", "128"), HasSubstr("write a power of two up to 64"));
  EXPECT_THAT(fault_of_flag("default_ttl", "soon"), HasSubstr("write a time"));
  EXPECT_THAT(fault_of_flag("default_ttl", "-1s"), HasSubstr("write a time"));
}

TEST(Settings, AreReadFromAFile) {
  Configuration configuration;
  auto loaded = configuration.load_text(
      "# the edge box\n"
      "line = \"50%\"\n"
      "bind = \"0.0.0.0\"\n"
      "resp_port = 7000\n"
      "governor = false\n"
      "password = \"secret\"\n"
      "policy = \"noeviction\"\n"
      "objective = \"bytes\"\n",
      "p.toml");
  ASSERT_TRUE(loaded) << loaded.error();
  const Settings& settings = configuration.settings();
  EXPECT_EQ(settings.line, "50%");
  EXPECT_EQ(settings.resp_port, 7000);
  EXPECT_FALSE(settings.governor);
  EXPECT_FALSE(settings.policy.evicts);
  EXPECT_EQ(settings.objective, Objective::kBytes);
  EXPECT_EQ(configuration.origin("line"), SettingOrigin::kFile);
  EXPECT_EQ(configuration.origin_words("line"), "p.toml:2");
  EXPECT_EQ(configuration.shown("password"), "(set)");
  EXPECT_TRUE(configuration.Validate());
}

TEST(Settings, TakeALineWrittenAsANumberOfBytes) {
  Configuration configuration;
  ASSERT_TRUE(configuration.load_text("line = 536870912", "p.toml"));
  EXPECT_EQ(configuration.settings().line, "536870912");
}

TEST(Settings, AnUnknownKeyIsNamedWithItsLineAndTheNearestOne) {
  EXPECT_EQ(fault_of_toml("\nresp_prot = 1\n"),
            "p.toml:2: there is no key resp_prot; did you mean resp_port?");
  EXPECT_EQ(fault_of_toml("zebra = 1"), "p.toml:1: there is no key zebra");
  EXPECT_EQ(fault_of_toml("[server]\nline = \"1GiB\"\n"), "p.toml:1: there is no section server");
}

TEST(Settings, ABadValueIsNamedWithItsLineAndWhatWouldBeRight) {
  EXPECT_EQ(
      fault_of_toml("line = \"50%\"\nresp_port = 70000\n"),
      "p.toml:2: resp_port = \"70000\": a port is a number from 0 to 65535, where 0 takes any free one");
  EXPECT_EQ(fault_of_toml("governor = \"maybe\""), "p.toml:1: governor = \"maybe\": write on or off");
  for (const char* line : {"line = [1]", "line = 0.5"})
    EXPECT_EQ(fault_of_toml(line), "p.toml:1: line wants one value, as text, a whole number, true or false");
}

TEST(Settings, AllFaultsOfAFileAreToldAtOnce) {
  std::string faults = fault_of_toml("lien = \"1GiB\"\nloops = -1\n");
  EXPECT_THAT(faults, HasSubstr("p.toml:1: there is no key lien; did you mean line?"));
  EXPECT_THAT(faults, HasSubstr("p.toml:2: loops = \"-1\""));
}

TEST(Settings, WhatIsNoTomlIsNamedWithItsLine) {
  EXPECT_THAT(fault_of_toml("line = \"1GiB\"\nbind = = 3\n"), StartsWith("p.toml:2: this is not TOML: "));
  EXPECT_THAT(fault_of_toml("[}"),
              StartsWith("p.toml:1: this is not TOML: "));  // toml++ asserts on it by itself
  EXPECT_THAT(fault_of_toml("loops = 1\nloops = 2\n"), StartsWith("p.toml:2: this is not TOML: "));
}

TEST(Settings, EveryLineThatIsNoTomlIsToldInTheOrderOfTheFileWithWhatWouldBeRight) {
  const std::string faults = fault_of_toml(
      "line = 512MiB  # no quotes\nloops = -1\nbind = 0.0.0.0\nbogus\npartitions = 8\nlien = 1\n");
  std::vector<std::string> lines;
  std::string_view rest = faults;
  while (!rest.empty()) lines.emplace_back(take_until(rest, '\n'));
  ASSERT_EQ(lines.size(), 5u) << faults;
  EXPECT_THAT(lines[0], StartsWith("p.toml:1: this is not TOML: "));
  EXPECT_THAT(lines[0], HasSubstr("; write line = \"512MiB\""));
  EXPECT_THAT(lines[1], StartsWith("p.toml:2: loops = \"-1\""));
  EXPECT_THAT(lines[2], HasSubstr("; write bind = \"0.0.0.0\""));
  EXPECT_THAT(lines[3], HasSubstr("; a line is KEY = VALUE, with text in quotes"));
  EXPECT_THAT(lines[4], StartsWith("p.toml:6: there is no key lien"));
}

TEST(Settings, WhatIsRightInABrokenFileIsTaken) {
  Configuration configuration;
  EXPECT_FALSE(configuration.load_text("bind = = 3\npartitions = 8\n[broken\nloops = 3\n", "p.toml"));
  EXPECT_EQ(configuration.settings().partitions, 8);
  EXPECT_EQ(configuration.origin_words("partitions"), "p.toml:2");
  EXPECT_EQ(configuration.settings().loops, 0u) << "what stands in a broken section is not judged";
}

TEST(Settings, AnUnquotedSecretIsInNoFault) {
  EXPECT_THAT(fault_of_toml("password = hunter2\n"), Not(HasSubstr("hunter")));
}

TEST(Settings, AFileThatIsNotThereIsAFault) {
  Configuration configuration;
  EXPECT_THAT(fault_of(configuration.load_file("/no/such/file.toml")), StartsWith("/no/such/file.toml: "));
}

TEST(Settings, AreReadFromTheEnvironment) {
  const char* environment[] = {"HOME=/root", "PLIMSOLL_LINE=64MiB", "PLIMSOLL_HTTP_PORT=0", nullptr};
  Configuration configuration;
  auto loaded = configuration.load_environment(environment);
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ(configuration.settings().line, "64MiB");
  EXPECT_EQ(configuration.settings().http_port, 0);
  EXPECT_EQ(configuration.origin_words("line"), "PLIMSOLL_LINE");
}

TEST(Settings, AnUnknownVariableOfOursIsAFaultWithTheNearestOne) {
  const char* environment[] = {"PLIMSOLL_LIEN=64MiB", "PLIMSOLL_RESP_PORT=x", nullptr};
  Configuration configuration;
  std::string faults = fault_of(configuration.load_environment(environment));
  EXPECT_THAT(faults, HasSubstr("environment: there is no PLIMSOLL_LIEN; did you mean PLIMSOLL_LINE?"));
  EXPECT_THAT(faults, HasSubstr("environment: PLIMSOLL_RESP_PORT: resp_port = \"x\": a port is"));
}

// A container beside a Kubernetes service called plimsoll has these without anybody's doing.
TEST(Settings, ServiceLinksOfKubernetesAreNoSettings) {
  const char* environment[] = {"PLIMSOLL_SERVICE_HOST=10.0.0.1", "PLIMSOLL_PORT=tcp://10.0.0.1:6379",
                               "PLIMSOLL_PORT_6379_TCP_PORT=6379", "PLIMSOLL_SERVICE_PORT_RESP=6379",
                               nullptr};
  Configuration configuration;
  EXPECT_EQ(fault_of(configuration.load_environment(environment)), "");
}

// A server that a benchmark or a test starts inherits where their peers are.
TEST(Settings, VariablesOfTheProjectsOwnToolsAreNoSettings) {
  const char* environment[] = {"PLIMSOLL_PEERS=/peers", "PLIMSOLL_BROKERS=/brokers", "PLIMSOLL_KAFKA=/kafka",
                               "PLIMSOLL_BUILD=build/dev", nullptr};
  Configuration configuration;
  EXPECT_EQ(fault_of(configuration.load_environment(environment)), "");
}

TEST(Settings, APlainPortVariableIsAFault) {
  const char* environment[] = {"PLIMSOLL_PORT=7000", nullptr};
  Configuration configuration;
  EXPECT_THAT(fault_of(configuration.load_environment(environment)),
              StartsWith("environment: there is no PLIMSOLL_PORT"));
}

TEST(Settings, ALaterSourceWinsInWhateverOrderTheyAreLoaded) {
  const char* environment[] = {"PLIMSOLL_RESP_PORT=2", nullptr};
  auto file = [](Configuration& c) { ASSERT_TRUE(c.load_text("resp_port = 1\nhttp_port = 10", "p.toml")); };
  auto variables = [&](Configuration& c) { ASSERT_TRUE(c.load_environment(environment)); };
  auto flag = [](Configuration& c) { ASSERT_TRUE(c.set_flag("resp_port", "3")); };
  Configuration forth, back;
  file(forth), variables(forth);
  EXPECT_EQ(forth.settings().resp_port, 2);
  flag(forth);
  flag(back), variables(back), file(back);
  for (const Configuration* configuration : {&forth, &back}) {
    EXPECT_EQ(configuration->settings().resp_port, 3);
    EXPECT_EQ(configuration->origin_words("resp_port"), "--resp-port");
    EXPECT_EQ(configuration->settings().http_port, 10);
  }
}

TEST(Settings, SizesAndSharesAreCheckedWhereTheyAreGiven) {
  for (const char* right : {"64MiB", "50%", "1.5GiB", "100%", "16777216", ""})
    EXPECT_EQ(fault_of_flag("line", right), "");
  EXPECT_EQ(
      fault_of_flag("line", "64 apples"),
      "--line: line = \"64 apples\": write a size, as in 512MiB, or a share of what was found, as in 50%");
  for (const char* wrong : {"0%", "101%", "-1MiB", "MiB", "1e9", "15MiB", "0"})
    EXPECT_NE(fault_of_flag("line", wrong), "") << wrong;
}

TEST(Settings, AddressesAreCheckedWhereTheyAreGiven) {
  for (const char* right : {"0.0.0.0", "::", "::1", "10.1.2.3", "localhost"})
    EXPECT_EQ(fault_of_flag("bind", right), "") << right;
  for (const char* wrong : {"", "example.org", "1.2.3", "127.0.0.1:80", "*"}) {
    EXPECT_THAT(fault_of_flag("bind", wrong), EndsWith("write an address, as in 127.0.0.1, ::1 or 0.0.0.0"))
        << wrong;
  }
}

TEST(Settings, LoopbackIsToldFromWhatOthersReach) {
  for (const char* ours : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(ours)) << ours;
  for (const char* theirs : {"0.0.0.0", "::", "128.0.0.1", "::ffff:10.0.0.1", "fe80::1", "x"}) {
    EXPECT_FALSE(is_loopback(theirs)) << theirs;
  }
}

TEST(Settings, APublicAddressWantsAPasswordOrAnExplicitYes) {
  Configuration open;
  ASSERT_TRUE(open.set_flag("bind", "0.0.0.0"));
  EXPECT_THAT(fault_of(open.Validate()), HasSubstr("there is no password"));
  Configuration with_password = open, insecure = open;
  ASSERT_TRUE(with_password.set_flag("password", "x"));
  EXPECT_TRUE(with_password.Validate());
  ASSERT_TRUE(insecure.set_flag("insecure", "on"));
  EXPECT_TRUE(insecure.Validate());
}

TEST(Settings, AllThatDoesNotGoTogetherIsToldAtOnceAndWhereItStands) {
  Configuration configuration;
  ASSERT_TRUE(configuration.load_text("resp_port = 9644\nbind = \"0.0.0.0\"\n", "p.toml"));
  const std::string faults = fault_of(configuration.Validate());
  EXPECT_THAT(faults, HasSubstr("p.toml:2: bind = \"0.0.0.0\" lets other machines connect"));
  EXPECT_THAT(faults, HasSubstr("\np.toml:1: resp_port and http_port are both 9644"));
}

TEST(Settings, TwoServicesCannotShareAPort) {
  Configuration configuration;
  ASSERT_TRUE(configuration.set_flag("resp_port", "9644"));
  EXPECT_EQ(fault_of(configuration.Validate()), "resp_port and http_port are both 9644: give each its own");
  ASSERT_TRUE(configuration.set_flag("resp_port", "0"));
  ASSERT_TRUE(configuration.set_flag("http_port", "0"));
  EXPECT_TRUE(configuration.Validate());
}

TEST(Settings, OnlyLiveKeysCanBeSetWhileTheServerRuns) {
  Configuration configuration;
  ASSERT_TRUE(configuration.set_now("policy", "noeviction"));
  EXPECT_FALSE(configuration.settings().policy.evicts);
  EXPECT_EQ(configuration.origin_words("policy"), "set at run time");
  EXPECT_EQ(fault_of(configuration.set_now("bind", "::1")), "bind cannot be changed while the server runs");
  EXPECT_EQ(fault_of(configuration.set_now("password", "x")),
            "password cannot be changed while the server runs");
  EXPECT_THAT(fault_of(configuration.set_now("polcy", "lru")), HasSubstr("did you mean policy?"));
  EXPECT_THAT(fault_of(configuration.set_now("policy", "mru")), HasSubstr("write lru"));
}

TEST(Settings, ASecretIsInNoFault) {
  EXPECT_THAT(fault_of_flag("password", std::string(600, 'q')), Not(HasSubstr("qq")));
}

// No text, however broken, makes a value that its key would refuse.
TEST(Settings, HoldOnlyWhatTheirKeysAcceptWhateverTheFileSays) {
  Random random(11);
  static constexpr std::string_view kPieces[] = {"line", "resp_port", "policy", " = ",  "\"",   "50%", "7",
                                                 "\n",   "[",         "]",      "lru",  "true", "'",   "#",
                                                 ".",    "-1",        "\\",     "\xff", "bind", "::1"};
  for (int round = 0; round < 3'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(14); i > 0; --i) text += kPieces[random.below(std::size(kPieces))];
    Configuration configuration;
    (void)configuration.load_text(text, "p.toml");
    for (const SettingKey& key : setting_keys()) {
      Settings settings = configuration.settings();
      ASSERT_EQ(key.set(settings, key.get(settings)), nullptr) << text;
    }
  }
}

TEST(Configuration, TheLogIsNotShownToOtherMachinesUnlessTheNetworkIsTrusted) {
  Configuration open;
  ASSERT_TRUE(open.set_flag("bind", "0.0.0.0"));
  ASSERT_TRUE(open.set_flag("password", "secret"));
  EXPECT_TRUE(open.Validate());
  ASSERT_TRUE(open.set_flag("data_dir", "/var/lib/plimsoll"));
  EXPECT_FALSE(open.Validate()) << "Kafka's clients are asked for no password";
  ASSERT_TRUE(open.set_flag("insecure", "on"));
  EXPECT_TRUE(open.Validate());
}

TEST(Configuration, EveryPortIsItsOwnWhereItIsListenedOn) {
  Configuration same;
  ASSERT_TRUE(same.set_flag("kafka_port", "9644"));
  EXPECT_TRUE(same.Validate()) << "without a log nobody listens there";
  ASSERT_TRUE(same.set_flag("data_dir", "/var/lib/plimsoll"));
  ASSERT_FALSE(same.Validate());
  EXPECT_EQ(same.Validate().error(), "kafka_port and http_port are both 9644: give each its own");
}

TEST(Configuration, WhatTheLogIsToldIsReadAndWrittenTheSame) {
  Configuration log;
  for (const auto& [name, good, bad] :
       {std::tuple("fsync", "always", "sometimes"), std::tuple("fsync_interval", "250", "0"),
        std::tuple("partitions", "8", "0"), std::tuple("page_cache", "10%", "much"),
        std::tuple("kafka_advertised", "broker.example:9092", "broker.example"),
        std::tuple("auto_create_topics", "off", "perhaps")}) {
    EXPECT_FALSE(log.set_flag(name, bad)) << name;
    ASSERT_TRUE(log.set_flag(name, good)) << name;
    EXPECT_EQ(log.shown(name), good);
  }
  EXPECT_EQ(log.settings().advertised(), std::pair(std::string("broker.example"), std::uint16_t{9092}));
  EXPECT_EQ(log.settings().fsync, LogStore::Sync::kAlways);
}

}  // namespace
}  // namespace plimsoll
