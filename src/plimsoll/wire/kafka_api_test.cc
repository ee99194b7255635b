#include "plimsoll/wire/kafka_api.h"

#include <gtest/gtest.h>

namespace plimsoll::kafka {
namespace {

TEST(KafkaApi, FindsEachServedRequestByItsKeyAndNoOther) {
  std::size_t found = 0;
  for (int key = -200; key < 200; ++key) {
    const Api* api = find_api(static_cast<std::int16_t>(key));
    if (api == nullptr) continue;
    EXPECT_EQ(static_cast<int>(api->key), key);
    ++found;
  }
  EXPECT_EQ(found, served_apis().size());
  EXPECT_EQ(find_api(11), nullptr);  // groups come later
  EXPECT_EQ(find_api(32767), nullptr);
  EXPECT_EQ(find_api(-32768), nullptr);
}

TEST(KafkaApi, AdvertisesInTheOrderOfKeysWithSoundBounds) {
  int before = -1;
  for (const Api& api : served_apis()) {
    EXPECT_GT(static_cast<int>(api.key), before) << api.name;
    before = static_cast<int>(api.key);
    EXPECT_LE(api.advertised_oldest, api.oldest) << api.name;
    EXPECT_LE(api.oldest, api.newest) << api.name;
    EXPECT_GE(api.flexible_from, 0) << api.name;
  }
}

TEST(KafkaApi, ReadsMoreVersionsOfProduceThanItServes) {
  const Api& produce = *find_api(0);
  EXPECT_EQ(produce.advertised_oldest, 0);
  EXPECT_TRUE(produce.describes(0));
  EXPECT_FALSE(produce.serves(2));
  EXPECT_TRUE(produce.serves(3));
  EXPECT_TRUE(produce.serves(9));
  EXPECT_FALSE(produce.serves(10));
  EXPECT_FALSE(produce.describes(10));
  EXPECT_FALSE(produce.describes(-1));
}

TEST(KafkaApi, GivesApiVersionsAPlainResponseHeaderInEveryVersion) {
  for (const Api& api : served_apis()) {
    for (std::int16_t version = api.oldest; version <= api.newest; ++version) {
      EXPECT_EQ(api.flexible_response_header(version), api.flexible(version) && api.name != "ApiVersions")
          << api.name << " " << version;
    }
  }
}

TEST(KafkaApi, NamesCodesAsKafkaDoes) {
  EXPECT_EQ(name_of(Code::kUnknownServerError), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(name_of(Code::kNone), "NONE");
  EXPECT_EQ(name_of(Code::kUnsupportedVersion), "UNSUPPORTED_VERSION");
  EXPECT_EQ(name_of(Code::kInvalidTopic), "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(static_cast<int>(Code::kInvalidRecord), 87);
  EXPECT_EQ(name_of(Code::kInvalidRecord), "INVALID_RECORD");
  EXPECT_EQ(name_of(static_cast<Code>(-2)), "UNKNOWN");
  EXPECT_EQ(name_of(static_cast<Code>(32767)), "UNKNOWN");
  EXPECT_EQ(name_of(static_cast<Code>(-32768)), "UNKNOWN");
}

TEST(KafkaApi, KnowsWhatClientsTryAgain) {
  EXPECT_TRUE(retriable(Code::kLeaderNotAvailable));
  EXPECT_TRUE(retriable(Code::kKafkaStorageError));
  EXPECT_FALSE(retriable(Code::kNone));
  EXPECT_FALSE(retriable(Code::kMessageTooLarge));
  EXPECT_FALSE(retriable(static_cast<Code>(1000)));
}

}  // namespace
}  // namespace plimsoll::kafka
