// Our codecs against frames that Apache Kafka's own encoder wrote (tools/kafka_frames), one request and one
// response for every key and version; and against the same frames cut, and with one bit turned.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/wire/internal/kafka_fuzz.h"
#include "plimsoll/wire/internal/kafka_messages.h"

namespace plimsoll::kafka {
namespace {

constexpr std::int32_t kCorrelationId = 0x01020304;
constexpr std::string_view kClientId = "client";

std::filesystem::path frames_folder() {
  return std::string(PLIMSOLL_SOURCE_DIR) + "/src/plimsoll/wire/corpus/kafka_frames";
}

struct Frame {
  std::string name;
  std::string bytes;
  const Api* api = nullptr;
  std::int16_t version = 0;
  bool request = false;
  bool nulls = false;
  bool tags = false;
};

std::string name_of(const Api& api, std::int16_t version, std::string_view kind) {
  std::ostringstream name;
  name << static_cast<int>(api.key) << "_" << version << "_" << kind << ".bin";
  return name.str();
}

// False when there is no such file.
bool read_frame(Frame& frame) {
  std::ifstream file(frames_folder() / frame.name, std::ios::binary);
  if (!file) return false;
  frame.bytes = {std::istreambuf_iterator<char>(file), {}};
  return true;
}

// All that are there; each request and response must be, the variants are where a version has such fields.
std::vector<Frame> all_frames() {
  std::vector<Frame> frames;
  for (const Api& api : served_apis()) {
    for (std::int16_t version = api.advertised_oldest; version <= api.newest; ++version) {
      for (const std::string kind : {"request", "response"}) {
        for (const std::string variant : {"", "_nulls", "_tags"}) {
          Frame frame{.name = name_of(api, version, kind + variant), .api = &api, .version = version};
          frame.request = kind == "request";
          frame.nulls = variant == "_nulls";
          frame.tags = variant == "_tags";
          if (read_frame(frame)) {
            frames.push_back(frame);
          } else {
            EXPECT_FALSE(variant.empty() || (frame.tags && api.flexible(version))) << frame.name;
          }
        }
      }
    }
  }
  return frames;
}

// Walks a message as KafkaFrames.java did when it filled one, and expects the same values.
class Expect {
 public:
  Expect(std::int16_t version, bool nulls) : version_(version), nulls_(nulls) {}

  template <class T>
  void operator()(T& field, Versions versions = {}) {
    if (!versions.have(version_)) return;
    ++fields_;
    check(field, versions);
  }
  int fields() const { return fields_; }

 private:
  std::string text() const { return "s" + std::to_string(fields_); }
  bool is_null(Versions versions, bool kind_allows) const {
    return nulls_ && versions.allow_null(version_, kind_allows);
  }

  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  void check(T field, Versions) {
    const auto value = static_cast<std::int64_t>(field);
    if constexpr (std::is_same_v<T, bool>) {
      EXPECT_EQ(field, fields_ % 2 == 1);
    } else if constexpr (sizeof(T) == 1) {
      EXPECT_EQ(value, fields_ % 100 + 1);
    } else {
      EXPECT_EQ(value, (sizeof(T) == 2 ? 1000 : sizeof(T) == 4 ? 100'000 : 1'000'000'000'000) + fields_);
    }
  }
  void check(String field, Versions) { EXPECT_EQ(field, text()); }
  void check(const NullableString& field, Versions versions) {
    EXPECT_EQ(field, is_null(versions, true) ? NullableString() : NullableString(text()));
  }
  void check(const Records& field, Versions versions) {
    EXPECT_EQ(field.null, is_null(versions, true));
    EXPECT_EQ(field.bytes, field.null ? "" : "records " + std::to_string(fields_));
  }
  void check(const Uuid& field, Versions) {
    Uuid expected;
    expected.bytes[7] = static_cast<char>(fields_);
    expected.bytes[15] = static_cast<char>(fields_ + 1);
    EXPECT_EQ(field, expected);
  }
  template <class T>
  void check(const Array<T>& field, Versions versions) {
    EXPECT_EQ(field.null(), is_null(versions, false));
    EXPECT_EQ(field.size(), field.null() ? 0u : 2u);
    for (T element : field) {
      if constexpr (Described<T>) {
        element.describe(*this);
      } else {
        ++fields_;
        check(element, {});
      }
    }
  }

  std::int16_t version_;
  bool nulls_;
  int fields_ = 0;
};

template <class M>
void check_message(const Frame& frame, std::string_view body) {
  const Result<M> message = decode<M>(body, frame.version);
  ASSERT_TRUE(message) << message.error().what;
  M fields = *message;
  Expect expect(frame.version, frame.nulls);
  fields.describe(expect);

  std::string again;
  StringSink sink(again);
  if (frame.request) {
    ASSERT_TRUE(encode_request_frame(sink, *message, frame.version, kCorrelationId, kClientId));
  } else {
    ASSERT_TRUE(encode_response_frame(sink, *message, frame.version, kCorrelationId));
  }
  const std::size_t size = again.size() - 4;
  EXPECT_EQ(again.substr(0, 4), std::string({0, 0, static_cast<char>(size >> 8), static_cast<char>(size)}));
  if (frame.tags) return;  // of those none is written
  EXPECT_EQ(again.substr(4), frame.bytes);
}

TEST(KafkaFrames, AreReadAndWrittenAsApachesEncoderDoes) {
  const std::vector<Frame> frames = all_frames();
  EXPECT_EQ(frames.size(), 304u);
  for (const Frame& frame : frames) {
    SCOPED_TRACE(frame.name);
    std::string_view rest = frame.bytes;
    if (frame.request) {
      const Result<RequestHeader> header = decode_header(rest);
      ASSERT_TRUE(header);
      EXPECT_EQ(header->key, static_cast<std::int16_t>(frame.api->key));
      EXPECT_EQ(header->version, frame.version);
      EXPECT_EQ(header->correlation_id, kCorrelationId);
      EXPECT_EQ(header->client_id, kClientId);
    } else {
      EXPECT_EQ(decode_response_header(rest, *frame.api, frame.version), kCorrelationId);
    }
    EXPECT_TRUE(detail::with_message(frame.api->key, frame.request,
                                     [&]<class M>(std::type_identity<M>) { check_message<M>(frame, rest); }));
  }
}

// In memory of exactly its size, so that the address sanitizer sees a read beyond it.
bool decodes(const Frame& frame, std::string_view bytes) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  std::string_view body(copy.data(), copy.size());
  if (frame.request) return detail::try_request(body);
  if (!decode_response_header(body, *frame.api, frame.version)) return false;
  bool decoded = false;
  detail::with_message(frame.api->key, false, [&]<class M>(std::type_identity<M>) {
    decoded = detail::try_body<M>(body, frame.version);
  });
  return decoded;
}

TEST(KafkaFrames, AreRefusedWhereverTheyAreCut) {
  for (const Frame& frame : all_frames()) {
    EXPECT_TRUE(decodes(frame, frame.bytes)) << frame.name;
    for (std::size_t size = 0; size < frame.bytes.size(); ++size) {
      EXPECT_FALSE(decodes(frame, std::string_view(frame.bytes).substr(0, size)))
          << frame.name << " " << size;
    }
    EXPECT_FALSE(decodes(frame, frame.bytes + '\0')) << frame.name;
  }
}

TEST(KafkaFrames, DoNoHarmWithABitTurned) {
  constexpr std::size_t kStep = kBrief ? 7 : 1;  // of the eight bits of a byte each in turn
  std::size_t refused = 0;
  for (const Frame& frame : all_frames()) {
    std::string bytes = frame.bytes;
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += kStep) {
      char& byte = bytes[bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      refused += decodes(frame, bytes) ? 0 : 1;
      byte = static_cast<char>(byte ^ (1 << bit % 8));
    }
  }
  EXPECT_GT(refused, 10'000u / kStep);  // most bits are of values, the others of lengths
}

TEST(KafkaFrames, CodesAreNamedAndTriedAgainAsApaches) {
  std::ifstream file(frames_folder() / "codes.txt");
  int code = 0;
  std::string name;
  std::string again;
  int rows = 0;
  while (file >> code >> name >> again) {
    EXPECT_EQ(name_of(static_cast<Code>(code)), name);
    EXPECT_EQ(retriable(static_cast<Code>(code)), again == "true") << name;
    ++rows;
  }
  EXPECT_EQ(rows, 110);
}

}  // namespace
}  // namespace plimsoll::kafka
