#include "plimsoll/wire/kafka_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plimsoll/wire/kafka_configs.h"
#include "plimsoll/wire/kafka_fetch.h"
#include "plimsoll/wire/kafka_metadata.h"
#include "plimsoll/wire/kafka_produce.h"
#include "plimsoll/wire/kafka_topics.h"

namespace plimsoll::kafka {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;
using namespace std::string_view_literals;

template <class M>
std::string encoded(const M& message, std::int16_t version) {
  std::string bytes;
  StringSink sink(bytes);
  EXPECT_TRUE(encode(sink, message, version));
  EXPECT_EQ(encoded_size(message, version), bytes.size());
  return bytes;
}

template <class M>
std::string refusal(std::string_view body, std::int16_t version) {
  const Result<M> message = decode<M>(body, version);
  return message ? "" : message.error().what;
}

TEST(KafkaCodec, WritesApiVersionsByteForByte) {
  const ApiVersionsResponse::ApiVersion keys[] = {{18, 0, 3}};
  ApiVersionsResponse response;
  response.error_code = Code::kUnsupportedVersion;
  response.api_keys = Array<ApiVersionsResponse::ApiVersion>::of(keys);
  response.throttle_time_ms = 7;
  EXPECT_EQ(encoded(response, 0), "\0\x23\0\0\0\1\0\x12\0\0\0\3"s);
  EXPECT_EQ(encoded(response, 1), "\0\x23\0\0\0\1\0\x12\0\0\0\3\0\0\0\7"s);
  EXPECT_EQ(encoded(response, 3), "\0\x23\2\0\x12\0\0\0\3\0\0\0\0\7\0"s);
}

TEST(KafkaCodec, ReadsARequestAndItsHeader) {
  std::string_view frame = "\0\3\0\4\0\0\0\x2a\0\2me\0\0\0\1\0\1t\0"sv;
  const Result<RequestHeader> header = decode_header(frame);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->key, 3);
  EXPECT_EQ(header->version, 4);
  EXPECT_EQ(header->correlation_id, 42);
  EXPECT_EQ(header->client_id, "me");
  const Result<MetadataRequest> request = decode<MetadataRequest>(frame, header->version);
  ASSERT_TRUE(request);
  ASSERT_EQ(request->topics.size(), 1u);
  EXPECT_EQ(request->topics.begin()->name, "t");
  EXPECT_FALSE(request->allow_auto_topic_creation);
  EXPECT_FALSE(request->include_topic_authorized_operations);
}

TEST(KafkaCodec, TakesTagsOfAFlexibleHeaderOnly) {
  std::string_view flexible = "\0\x12\0\3\0\0\0\1\xff\xff\1\5\2xybody"sv;
  const Result<RequestHeader> header = decode_header(flexible);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->client_id, std::nullopt);
  EXPECT_EQ(flexible, "body");
  std::string_view plain =
      "\0\x12\0\2\0\0\0\1\xff\xff"
      "body"sv;
  ASSERT_TRUE(decode_header(plain));
  EXPECT_EQ(plain, "body");
  std::string_view too_new =
      "\0\x12\0\4\0\0\0\1\xff\xff"
      "body"sv;  // answered with an error, whatever follows
  ASSERT_TRUE(decode_header(too_new));
  EXPECT_EQ(too_new, "body");
  std::string_view unknown =
      "\x03\xe8\0\3\0\0\0\1\xff\xff"
      "body"sv;
  ASSERT_TRUE(decode_header(unknown));
  EXPECT_EQ(unknown, "body");
}

TEST(KafkaCodec, RefusesAHeaderThatIsCut) {
  const std::string_view whole = "\0\x12\0\3\0\0\0\1\0\2me\1\5\2xy"sv;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::string_view frame = whole.substr(0, size);
    EXPECT_FALSE(decode_header(frame)) << size;
    EXPECT_EQ(frame.size(), size);
  }
  std::string_view response = "\0\0\0\1"sv;
  EXPECT_FALSE(decode_response_header(response, *find_api(1), 12));
  EXPECT_TRUE(decode_response_header(response, *find_api(18), 3));
}

TEST(KafkaCodec, KnowsItsVersionsAndNoOthers) {
  EXPECT_THAT(refusal<FetchRequest>("", 3), HasSubstr("version is not known"));
  EXPECT_THAT(refusal<FetchRequest>("", 13), HasSubstr("version is not known"));
  EXPECT_THAT(refusal<MetadataRequest>("", -1), HasSubstr("version is not known"));
  std::string bytes;
  StringSink sink(bytes);
  EXPECT_FALSE(encode(sink, MetadataRequest{}, 10));
  EXPECT_EQ(bytes, "");
  EXPECT_TRUE(decode<ProduceRequest>("\0\1\0\0\0\0\0\0\0\0"sv, 0));  // to be answered with an error
}

TEST(KafkaCodec, AllowsNullsWhereTheVersionDoes) {
  EXPECT_THAT(refusal<MetadataRequest>("\xff\xff\xff\xff"sv, 0), HasSubstr("null"));
  const Result<MetadataRequest> all = decode<MetadataRequest>("\xff\xff\xff\xff"sv, 1);
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->topics.null());
  EXPECT_TRUE(all->topics.empty());
  EXPECT_THAT(refusal<MetadataRequest>("\0\0\0\1\xff\xff"sv, 1), HasSubstr("null"));
  // A flexible null is a length of 0.
  EXPECT_THAT(refusal<ApiVersionsRequest>("\0\1\0"sv, 3), HasSubstr("null"));
  EXPECT_TRUE(decode<ApiVersionsRequest>("\1\1\0"sv, 3));
  EXPECT_THAT(refusal<DeleteTopicsResponse>("\0\0\0\0\2\0\0\0\0\0\0\0"sv, 5), HasSubstr("null"));
}

TEST(KafkaCodec, RefusesLengthsThatLie) {
  EXPECT_THAT(refusal<MetadataRequest>("\xff\xff\xff\xfe"sv, 1), HasSubstr("negative"));
  EXPECT_THAT(refusal<MetadataRequest>("\0\0\0\1\xff\xfe"sv, 1), HasSubstr("negative"));
  EXPECT_THAT(refusal<MetadataRequest>("\0\0\0\1\0\5name"sv, 1), HasSubstr("ends within"));
  EXPECT_THAT(refusal<MetadataRequest>("\0\0\0\1\0\1nx"sv, 1), HasSubstr("after its end"));
  EXPECT_THAT(refusal<MetadataRequest>("\0\0\0"sv, 1), HasSubstr("ends within"));
  EXPECT_THAT(refusal<MetadataRequest>("\x80\x80\x80\x80\x10"sv, 9), HasSubstr("varint"));
  EXPECT_THAT(refusal<MetadataRequest>("\x80\x80\x80\x80\x80\1"sv, 9), HasSubstr("varint"));
  const std::string long_name(40'000, 'n');
  EXPECT_THAT(refusal<ApiVersionsRequest>("\xc1\xb8\2" + long_name + "\1\0", 3), HasSubstr("32767"));
}

TEST(KafkaCodec, RefusesACountThatCannotFitBeforeItLooksAtAny) {
  EXPECT_THAT(refusal<MetadataRequest>("\x7f\xff\xff\xff"sv, 1), HasSubstr("more elements"));
  EXPECT_THAT(refusal<MetadataRequest>("\0\0\0\2\0\0\0"sv, 1), HasSubstr("more elements"));
  EXPECT_THAT(refusal<MetadataRequest>("\xff\xff\xff\xff\x0f"sv, 9), HasSubstr("more elements"));
  EXPECT_TRUE(decode<MetadataRequest>("\0\0\0\2\0\0\0\0"sv, 1));
}

TEST(KafkaCodec, SkipsTaggedFieldsWithinTheirBounds) {
  EXPECT_TRUE(decode<ApiVersionsRequest>("\1\1\2\0\1x\x64\0"sv, 3));
  EXPECT_THAT(refusal<ApiVersionsRequest>("\1\1\1\0\2x"sv, 3), HasSubstr("ends within"));
  EXPECT_THAT(refusal<ApiVersionsRequest>("\1\1\xff\xff\xff\xff\x0f"sv, 3), HasSubstr("ends within"));
  EXPECT_THAT(refusal<ApiVersionsRequest>("\1\1"sv, 3), HasSubstr("ends within"));
}

TEST(KafkaCodec, LeavesFieldsThatAVersionLacksAtTheirDefaults) {
  FetchRequest request;
  request.max_bytes = 9;
  request.session_epoch = 5;
  request.rack_id = "r";
  const std::string body = encoded(request, 4);
  const Result<FetchRequest> back = decode<FetchRequest>(body, 4);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->max_bytes, 9);
  EXPECT_EQ(back->session_epoch, -1);
  EXPECT_EQ(back->rack_id, "");
}

TEST(KafkaCodec, WritesGeneratedArraysWithinGeneratedArrays) {
  using Topic = MetadataResponse::Topic;
  using Partition = MetadataResponse::Partition;
  const std::vector<std::string> names = {"a", "bc", "def"};
  static constexpr std::int32_t kNodes[] = {1, 2};
  MetadataResponse response;
  response.topics = Array<Topic>::generated(
      names.size(), &names, [](const void* context, std::uint64_t, std::size_t index) {
        Topic topic;
        topic.name = (*static_cast<const std::vector<std::string>*>(context))[index];
        topic.partitions = Array<Partition>::generated(
            index + 1, context,
            [](const void*, std::uint64_t topic_index, std::size_t partition_index) {
              Partition partition;
              partition.partition_index = static_cast<std::int32_t>(100 * topic_index + partition_index);
              partition.replica_nodes = Array<std::int32_t>::of(kNodes);
              return partition;
            },
            index);
        return topic;
      });
  for (std::int16_t version = 0; version <= 9; ++version) {
    const std::string body = encoded(response, version);
    const Result<MetadataResponse> back = decode<MetadataResponse>(body, version);
    ASSERT_TRUE(back) << version;
    std::string seen;
    back->topics.for_each([&](const Topic& topic) {
      seen += std::string(topic.name) + ":";
      for (const Partition& partition : topic.partitions) {
        seen += std::to_string(partition.partition_index) + ",";
        for (const std::int32_t node : partition.replica_nodes) seen += std::to_string(node);
        seen += partition.isr_nodes.empty() ? " " : "?";
      }
    });
    EXPECT_EQ(seen, "a:0,12 bc:100,12 101,12 def:200,12 201,12 202,12 ") << version;
    EXPECT_EQ(encoded(*back, version), body);
  }
}

TEST(KafkaCodec, CarriesAnArrayReadInOneVersionIntoAnother) {
  const std::string old_body = encoded(*decode<MetadataRequest>("\0\0\0\2\0\1a\0\2bc"sv, 0), 9);
  const Result<MetadataRequest> back = decode<MetadataRequest>(old_body, 9);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->topics.size(), 2u);
  EXPECT_EQ((++back->topics.begin())->name, "bc");
}

// Remembers the order of what it is given.
class FileSink {
 public:
  char* reserve(std::size_t size) {
    piece_.resize(size);
    return refuse_after-- == 0 ? nullptr : piece_.data();
  }
  void commit(std::size_t size) { written += piece_.substr(0, size); }
  bool splice(std::uint32_t tag, std::uint64_t size) {
    written += "<" + std::to_string(tag) + ":" + std::to_string(size) + ">";
    return !refuse_splice;
  }

  std::string written;
  int refuse_after = -1;
  bool refuse_splice = false;

 private:
  std::string piece_;
};

FetchResponse fetched(const FetchResponse::Topic& topic) {
  FetchResponse response;
  response.responses = Array<FetchResponse::Topic>::of({&topic, 1});
  return response;
}

TEST(KafkaCodec, SplicesRecordsThatAreElsewhere) {
  FetchResponse::Partition partitions[2];
  partitions[0].records = {.elsewhere = 1'000'000, .tag = 3};
  partitions[1].records = {.bytes = "mem"};
  FetchResponse::Topic topic{"t", Array<FetchResponse::Partition>::of(partitions)};
  FileSink sink;
  ASSERT_TRUE(encode(sink, fetched(topic), 4));
  EXPECT_THAT(sink.written, HasSubstr("\x00\x0f\x42\x40<3:1000000>\0\0\0\0"s));
  EXPECT_THAT(sink.written, testing::EndsWith("\0\0\0\3mem"s));
  EXPECT_EQ(encoded_size(fetched(topic), 4), sink.written.size() - "<3:1000000>"sv.size() + 1'000'000);
  sink.refuse_splice = true;
  EXPECT_FALSE(encode(sink, fetched(topic), 4));
  std::string bytes;
  StringSink plain(bytes);  // has no such thing
  EXPECT_FALSE(encode(plain, fetched(topic), 4));
}

TEST(KafkaCodec, SaysSoWhenTheSinkRefuses) {
  const std::string records(1000, 'r');
  FetchResponse::Partition partition;
  partition.records.bytes = records;
  FetchResponse::Topic topic{"t", Array<FetchResponse::Partition>::of({&partition, 1})};
  const std::string whole = encoded(fetched(topic), 12);
  EXPECT_TRUE(decode<FetchResponse>(whole, 12));
  for (std::size_t size = 0; size <= whole.size(); size += 7) {
    std::vector<char> memory(size);
    SpanSink sink(memory);
    EXPECT_FALSE(encode(sink, fetched(topic), 12)) << size;
  }
  for (int refusal = 0; refusal < 3; ++refusal) {
    FileSink sink;
    sink.refuse_after = refusal;
    EXPECT_FALSE(encode(sink, fetched(topic), 12)) << refusal;
  }
}

TEST(KafkaCodec, RefusesToWriteWhatAVersionCannotHold) {
  std::string bytes;
  StringSink sink(bytes);
  const std::string long_name(32768, 'n');
  ApiVersionsRequest names;
  names.client_software_name = long_name;
  EXPECT_FALSE(encode(sink, names, 3));
  names.client_software_name = std::string_view(long_name).substr(1);
  EXPECT_TRUE(encode(sink, names, 3));
  MetadataRequest all;
  all.topics = Array<MetadataRequest::Topic>::none();
  EXPECT_FALSE(encode(sink, all, 0));
  EXPECT_TRUE(encode(sink, all, 1));
  DeleteTopicsResponse::Topic by_id;
  DeleteTopicsResponse deleted;
  deleted.responses = Array<DeleteTopicsResponse::Topic>::of({&by_id, 1});
  EXPECT_FALSE(encode(sink, deleted, 5));
  EXPECT_TRUE(encode(sink, deleted, 6));
}

TEST(KafkaCodec, FramesRequestsAndResponsesWithTheirSize) {
  for (const std::int16_t version : {std::int16_t{0}, std::int16_t{9}}) {
    std::string bytes;
    StringSink sink(bytes);
    ASSERT_TRUE(encode_request_frame(sink, MetadataRequest{}, version, 77, "me"));
    std::string_view frame = std::string_view(bytes).substr(4);
    EXPECT_EQ(bytes.substr(0, 4), ("\0\0\0"s + static_cast<char>(frame.size())));
    const Result<RequestHeader> header = decode_header(frame);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->client_id, "me");
    EXPECT_TRUE(decode<MetadataRequest>(frame, version));

    bytes.clear();
    StringSink answer(bytes);
    ASSERT_TRUE(encode_response_frame(answer, MetadataResponse{}, version, 77));
    frame = std::string_view(bytes).substr(4);
    EXPECT_EQ(bytes.substr(0, 4), ("\0\0\0"s + static_cast<char>(frame.size())));
    EXPECT_EQ(*decode_response_header(frame, *find_api(3), version), 77);
    EXPECT_TRUE(decode<MetadataResponse>(frame, version));
  }
}

TEST(KafkaCodec, RefusesAFrameThatItsSizeCannotSay) {
  FetchResponse::Partition partitions[2];
  for (FetchResponse::Partition& partition : partitions) {
    partition.records.elsewhere = std::uint64_t{1} << 30;
  }
  FetchResponse::Topic topic{"t", Array<FetchResponse::Partition>::of(partitions)};
  FileSink sink;
  EXPECT_FALSE(encode_response_frame(sink, fetched(topic), 4, 1));
  EXPECT_EQ(sink.written, "");
}

TEST(KafkaCodec, LetsBytesBehindARequestPassOnlyWhereItIsToldTo) {
  std::string bytes;
  StringSink sink(bytes);
  ASSERT_TRUE(encode(sink, MetadataRequest{}, 9));
  bytes += '\0';
  EXPECT_FALSE(decode<MetadataRequest>(bytes, 9));
  EXPECT_TRUE(decode<MetadataRequest>(bytes, 9, Rest::kIgnored));
  EXPECT_FALSE(decode<MetadataRequest>(bytes.substr(0, 2), 9, Rest::kIgnored))
      << "cut short is still cut short";
}

}  // namespace
}  // namespace plimsoll::kafka
