#include "plimsoll/commitlog/record_batch.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "plimsoll/base/crc32c.h"
#include "plimsoll/base/random.h"
#include "plimsoll/commitlog/internal/wire_bytes.h"
#include "plimsoll/commitlog/log_fixture_test.h"
#include "plimsoll/commitlog/topic_config.h"

namespace plimsoll {
namespace {

// As Kafka's own encoder writes one record {key "k", value "v", timestamp 1000} of producer 5.
TEST(RecordBatch, IsLaidOutAsTheProtocolSays) {
  std::string bytes(200, '\0');
  BatchBuilder builder(bytes);
  ASSERT_TRUE(builder.add({.timestamp = 1000, .key = "k", .value = "v", .headers = {}}));
  const std::span<char> batch = builder.finish({.base_offset = 0, .id = 5, .epoch = 1, .base_sequence = 2});
  ASSERT_EQ(batch.size(), 61u + 9u);
  const std::string head("\0\0\0\0\0\0\0\0\0\0\0\x3a\0\0\0\0\x02", 17);
  EXPECT_EQ(std::string(batch.data(), 17), head);
  const std::string rest(
      "\0\0\0\0\0\0"
      "\0\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\0\x05\0\x01\0\0\0\x02\0\0\0\x01"
      "\x10\0\0\0\x02k\x02v\0",
      40 + 9);
  EXPECT_EQ(std::string(batch.data() + 21, batch.size() - 21), rest);
  EXPECT_EQ(crc32c(0, batch.data() + 21, batch.size() - 21), read_batch_header(batch)->crc);
}

TEST(RecordBatch, IsRefusedWhateverFieldIsWrong) {
  const std::string good = batch_of(3);
  ASSERT_EQ(check_batch(good, {}).error, LogError::kNone);
  const auto wrong = [&good](const std::function<void(std::string&)>& change, bool seal) {
    std::string batch = good;
    change(batch);
    if (seal) store_big(batch.data() + 17, batch_crc(batch));
    return check_batch(batch, {}).error;
  };
  EXPECT_EQ(wrong([](std::string& b) { b[16] = 1; }, true), LogError::kUnsupportedFormat);
  EXPECT_EQ(wrong([](std::string& b) { store_big(b.data() + 8, std::int32_t{-1}); }, true),
            LogError::kCorrupt);
  EXPECT_EQ(wrong([](std::string& b) { store_big(b.data() + 8, std::int32_t{1 << 30}); }, true),
            LogError::kCorrupt);
  EXPECT_EQ(wrong([](std::string& b) { b[60] ^= 1; }, false), LogError::kCorrupt);
  EXPECT_EQ(wrong([](std::string& b) { b[22] |= 5; }, true), LogError::kUnsupportedCodec);
  EXPECT_EQ(wrong([](std::string& b) { b[22] |= 32; }, true), LogError::kInvalidRecord);
  EXPECT_EQ(wrong([](std::string& b) { store_big(b.data() + 57, std::int32_t{0}); }, true),
            LogError::kInvalidRecord);
  EXPECT_EQ(wrong([](std::string& b) { store_big(b.data() + 23, std::int32_t{5}); }, true),
            LogError::kInvalidRecord);
  EXPECT_EQ(wrong([](std::string& b) { store_big(b.data() + 43, std::int64_t{5}); }, true),
            LogError::kInvalidRecord);
  EXPECT_EQ(wrong([](std::string& b) { b[61] ^= 2; }, true), LogError::kInvalidRecord);
}

TEST(RecordBatch, GivesItsRecordsBack) {
  const RecordHeader headers[] = {{"a", "1"}, {"b", std::nullopt}};
  std::string bytes(1000, '\0');
  BatchBuilder builder(bytes);
  ASSERT_TRUE(builder.add({.timestamp = 100, .key = std::nullopt, .value = "x", .headers = headers}));
  ASSERT_TRUE(builder.add({.timestamp = 90, .key = "", .value = std::nullopt, .headers = {}}));
  const std::span<char> batch = builder.finish({.base_offset = 7});
  const BatchCheck check = check_batch(batch, {});
  ASSERT_EQ(check.error, LogError::kNone);
  EXPECT_EQ(check.header.max_timestamp, 100);
  RecordReader reader(batch, check.header);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.record().offset, 7);
  EXPECT_EQ(reader.record().timestamp, 100);
  EXPECT_FALSE(reader.record().key);
  EXPECT_EQ(reader.record().value, "x");
  EXPECT_EQ(reader.record().headers, 2);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.record().timestamp, 90);
  EXPECT_EQ(reader.record().key, "");
  EXPECT_FALSE(reader.record().value);
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.malformed());
}

TEST(RecordBatch, SaysNoWhereThereIsNoRoom) {
  std::string bytes(100, '\0');
  BatchBuilder builder(bytes);
  EXPECT_FALSE(builder.add({.key = std::nullopt, .value = std::string_view(bytes), .headers = {}}));
  EXPECT_TRUE(builder.add({.key = std::nullopt, .value = "v", .headers = {}}));
  EXPECT_EQ(check_batch(builder.finish({}), {}).error, LogError::kNone);
}

TEST(RecordBatch, NoRandomChangePassesUnseen) {
  Random random(3);
  const std::string good = batch_of(20);
  for (int i = 0; i < 2000; ++i) {
    std::string batch = good;
    // Base offset and leader epoch are the log's own.
    std::size_t at = random.below(batch.size());
    if (at < 8 || (at >= 12 && at < 16)) continue;
    batch[at] ^= static_cast<char>(1 + random.below(255));
    ASSERT_NE(check_batch(batch, {}).error, LogError::kNone) << at;
  }
}

TEST(TopicConfig, EveryKeyTakesWhatItGives) {
  std::string_view before;
  for (const TopicKey& key : topic_keys()) {
    TopicConfig config;
    EXPECT_TRUE(key.is_default(config)) << key.name;
    EXPECT_EQ(key.set(config, key.get(config)), nullptr) << key.name;
    EXPECT_EQ(config, TopicConfig{}) << key.name;
    EXPECT_EQ(find_topic_key(key.name), &key);
    EXPECT_LT(before, key.name);
    before = key.name;
    EXPECT_NE(key.set(config, "no such value"), nullptr) << key.name;
    EXPECT_EQ(config, TopicConfig{}) << key.name;
  }
  EXPECT_EQ(find_topic_key("no.such.key"), nullptr);
}

TEST(TopicConfig, SaysWhatWouldBeRight) {
  TopicConfig config;
  const auto set = [&config](std::string_view key, std::string_view text) {
    const char* wrong = find_topic_key(key)->set(config, text);
    return std::string_view(wrong == nullptr ? "" : wrong);
  };
  EXPECT_EQ(set("cleanup.policy", "compact, delete"), "");
  EXPECT_TRUE(config.compact && config.delete_old);
  EXPECT_EQ(find_topic_key("cleanup.policy")->get(config), "compact,delete");
  EXPECT_EQ(set("cleanup.policy", "compact"), "");
  EXPECT_FALSE(config.delete_old);
  EXPECT_NE(set("cleanup.policy", ""), "");
  EXPECT_NE(set("compression.type", "gzip"), "");
  EXPECT_NE(set("retention.ms", "-2"), "");
  EXPECT_EQ(set("retention.ms", "-1"), "");
  EXPECT_NE(set("min.insync.replicas", "2"), "");
  EXPECT_EQ(set("remote.storage.enable", "False"), "");
  EXPECT_NE(set("remote.storage.enable", "true"), "");
  EXPECT_EQ(set("local.retention.ms", "-2"), "");
  EXPECT_NE(set("local.retention.bytes", "100"), "");
  EXPECT_NE(set("segment.bytes", "99999999999"), "");
  EXPECT_EQ(set("message.timestamp.type", "LogAppendTime"), "");
  EXPECT_TRUE(config.append_time);
}

}  // namespace
}  // namespace plimsoll
