// Any bytes as a request or a response: what decodes can be walked and written again, and means the same
// then, in its own version and in every other that can say it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/byte_sink.h"
#include "plimsoll/wire/internal/fuzz_input.h"
#include "plimsoll/wire/internal/kafka_messages.h"

namespace plimsoll::kafka::detail {

// Looks at every byte that a message refers to, so that a sanitizer sees one that is not there.
class Toucher {
 public:
  template <class T>
  void operator()(T& field, Versions = {}) {
    touch(field);
  }
  std::uint64_t sum() const { return sum_; }

 private:
  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  void touch(T field) {
    sum_ += static_cast<std::uint64_t>(field);
  }
  void touch(std::string_view text) {
    for (const char byte : text) sum_ = sum_ * 31 + static_cast<unsigned char>(byte);
  }
  void touch(NullableString text) { touch(text.value_or("null")); }
  void touch(const Records& records) { touch(records.bytes); }
  void touch(const Uuid& uuid) { touch(std::string_view(uuid.bytes.data(), uuid.bytes.size())); }
  template <Described T>
  void touch(T& value) {
    value.describe(*this);
  }
  template <class T>
  void touch(Array<T>& array) {
    std::size_t elements = 0;
    for (T element : array) {
      touch(element);
      ++elements;
    }
    PLIMSOLL_CHECK(elements == array.size());
    sum_ += array.null() ? 1 : 0;
  }

  std::uint64_t sum_ = 0;
};

template <class M>
std::uint64_t touched(M message) {
  Toucher toucher;
  message.describe(toucher);
  return toucher.sum();
}

// Whether `body` is one. What is written of it may be shorter than what was read: unknown tagged fields are
// gone, and varints are as short as can be.
template <class M>
bool try_body(std::string_view body, std::int16_t version) {
  const Result<M> message = decode<M>(body, version);
  if (!message) return false;
  std::string once;
  StringSink sink(once);
  PLIMSOLL_CHECK(encode(sink, *message, version));
  PLIMSOLL_CHECK(once.size() == encoded_size(*message, version) && once.size() <= body.size());
  const Result<M> back = decode<M>(once, version);
  PLIMSOLL_CHECK(back.has_value());
  PLIMSOLL_CHECK(touched(*message) == touched(*back));
  std::string twice;
  StringSink again(twice);
  PLIMSOLL_CHECK(encode(again, *back, version));
  PLIMSOLL_CHECK(once == twice);
  const Api& api = api_of<M>();
  for (std::int16_t other = api.advertised_oldest; other <= api.newest; ++other) {
    std::string translated;
    StringSink to(translated);
    if (encode(to, *message, other)) PLIMSOLL_CHECK(decode<M>(translated, other).has_value());
  }
  return true;
}

// A frame without its size. Whether it is a request that can be decoded.
inline bool try_request(std::string_view frame) {
  const Result<RequestHeader> header = decode_header(frame);
  if (!header) return false;
  bool decoded = false;
  with_message(static_cast<ApiKey>(header->key), true,
               [&]<class M>(std::type_identity<M>) { decoded = try_body<M>(frame, header->version); });
  return decoded;
}

inline void fuzz_kafka_request(std::span<const std::uint8_t> bytes) {
  try_request({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// The key, the version and the body.
inline void fuzz_kafka_response(std::span<const std::uint8_t> bytes) {
  plimsoll::detail::FuzzInput input(bytes);
  const auto key = static_cast<ApiKey>(input.byte());
  const std::int16_t version = input.byte();
  with_message(key, false, [&]<class M>(std::type_identity<M>) { try_body<M>(input.rest(), version); });
}

}  // namespace plimsoll::kafka::detail
