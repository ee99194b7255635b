#include "plimsoll/server/redis_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace plimsoll {
namespace {

using ::testing::HasSubstr;

std::string value_of(const Settings& settings, std::string_view name) {
  for (const auto& [known, value] : redis_config(settings, 200_MiB, 7000)) {
    if (known == name) return value;
  }
  return "(absent)";
}

TEST(RedisConfig, AnswersWhatToolsAskBeforeTheyDoAnything) {
  Settings settings;
  EXPECT_EQ(value_of(settings, "save"), "");
  EXPECT_EQ(value_of(settings, "appendonly"), "no");
  EXPECT_EQ(value_of(settings, "databases"), "16");
  EXPECT_EQ(value_of(settings, "timeout"), "0");
  EXPECT_EQ(value_of(settings, "proto-max-bulk-len"), "536870912");
  EXPECT_EQ(value_of(settings, "port"), "7000");
  EXPECT_EQ(value_of(settings, "maxmemory"), "209715200");
  EXPECT_EQ(value_of(settings, "maxmemory-policy"), "adaptive");
  settings.policy.evicts = false;
  EXPECT_EQ(value_of(settings, "maxmemory-policy"), "noeviction");
}

TEST(RedisConfig, NamesAreInOrderAndOnceEach) {
  auto pairs = redis_config(Settings(), 1_MiB, 1);
  for (std::size_t i = 1; i < pairs.size(); ++i) EXPECT_LT(pairs[i - 1].first, pairs[i].first);
}

TEST(RedisConfig, ChangesBecomeSettingsThatAreLiveAndValid) {
  Settings settings;
  for (auto [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"maxmemory-policy", "noeviction"},
                                                        {"MAXMEMORY-POLICY", "ALLKEYS-LRU"},
                                                        {"compression", "ZSTD"},
                                                        {"entry-facts", "yes"},
                                                        {"default-ttl", "10m"},
                                                        {"loglevel", "verbose"},
                                                        {"loglevel", "nothing"}}) {
    auto change = setting_change(settings, 1_MiB, name, value);
    ASSERT_TRUE(change) << name;
    const SettingKey* key = find_setting(change->name);
    ASSERT_NE(key, nullptr) << name;
    EXPECT_TRUE(key->live) << name;
    EXPECT_EQ(key->set(settings, change->value), nullptr) << name;
  }
  EXPECT_EQ(settings.log_level, "off");
  EXPECT_EQ(settings.compression, Compression::kZstd);
  EXPECT_TRUE(settings.entry_facts);
  EXPECT_FALSE(setting_change(settings, 1_MiB, "compression", "gzip"));
  EXPECT_FALSE(setting_change(settings, 1_MiB, "entry-facts", "maybe"));
  EXPECT_EQ(value_of(settings, "default-ttl"), "10m");
}

TEST(RedisConfig, SettingAValueToWhatItIsDoesNothing) {
  auto change = setting_change(Settings(), 1_MiB, "save", "");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->name, "");
  EXPECT_TRUE(setting_change(Settings(), 1_MiB, "maxmemory", "1048576"));
}

TEST(RedisConfig, WhatCannotBeSetIsRefusedWithAReason) {
  auto reason = [](const char* name, const char* value) {
    auto change = setting_change(Settings(), 1_MiB, name, value);
    return change ? "" : change.error();
  };
  EXPECT_EQ(reason("port", "1"), "can't set immutable config");
  EXPECT_EQ(reason("requirepass", "secret"), "can't set immutable config");
  EXPECT_EQ(reason("appendonly", "yes"), "can't set immutable config");
  for (const char* memory : {"100mb", "1G", "", "k", "7B"}) {
    EXPECT_THAT(reason("maxmemory", memory), HasSubstr("start with --line")) << memory;
  }
  for (const char* wrong : {" 5", "-1", "5 ", "1.5g", "set", "1tb"}) {
    EXPECT_EQ(reason("maxmemory", wrong), "argument must be a memory value") << wrong;
  }
  EXPECT_THAT(reason("maxmemory-policy", "mru"), HasSubstr("must be one of the following: allkeys-lru"));
  EXPECT_THAT(reason("maxmemory-policy", "volatile-ttl"), HasSubstr("without a time to live"));
  EXPECT_THAT(reason("maxmemory-policy", "Volatile-LRU"), HasSubstr("without a time to live"));
  EXPECT_THAT(reason("maxmemory-policy", "allkeys-random"), HasSubstr("worse than fifo"));
  EXPECT_THAT(reason("loglevel", "loud"), HasSubstr("must be one of the following: debug"));
}

TEST(RedisConfig, EveryPolicyHasANameThatIsTaken) {
  for (const char* policy : {"lru", "lfu", "fifo", "adaptive", "noeviction"}) {
    Settings settings;
    settings.policy = *full_cache_named(policy);
    const std::string shown = value_of(settings, "maxmemory-policy");
    auto change = setting_change(Settings(), 1_MiB, "maxmemory-policy", shown);
    ASSERT_TRUE(change) << policy << " is shown as " << shown;
    EXPECT_EQ(change->value, policy);
    EXPECT_EQ(shown.starts_with("allkeys-"), policy[0] == 'l') << "the names that Redis has";
  }
}

TEST(RedisConfig, EveryLevelOfTheLogHasARedisNameThatIsTaken) {
  for (const char* level : {"debug", "info", "warning", "error", "off"}) {
    Settings settings;
    settings.log_level = level;
    std::string shown = value_of(settings, "loglevel");
    EXPECT_TRUE(setting_change(Settings(), 1_MiB, "loglevel", shown)) << level << " is shown as " << shown;
  }
}

}  // namespace
}  // namespace plimsoll
