// decode, encode and encoded_size: Kafka's messages over bytes, and the headers around them.
//
// A frame is its size (four bytes), a header and a body. A server decodes the header, looks the key up and
// decodes the body as that request; the answer's header carries the same correlation id. The messages are in
// kafka_produce.h, kafka_fetch.h, kafka_metadata.h, kafka_topics.h and kafka_configs.h.
//
//   std::string_view frame = ...;                       // without its size
//   Result<RequestHeader> header = decode_header(frame);
//   if (!header) return close();
//   const Api* api = find_api(header->key);
//   Result<FetchRequest> request = decode<FetchRequest>(frame, header->version);
//   ...
//   encode_response_frame(sink, response, header->version, header->correlation_id);
//
// The same templates encode requests and decode responses, for clients.
//
// Invariant: what decode() accepts is whole: every array can be walked, nothing is left over.
//
// Thread-safety: pure functions. Cost: one pass over the body, 1-3 ns a field; no allocation. Limits: the
// versions of kafka_api.h; frames to 2^31-1 bytes. Errors: kInvalid (malformed), kUnsupported (that version
// is not known); encode() is false as kafka_encoder.h says, and for a version that is not known. Ownership:
// what is decoded points into the body.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "plimsoll/base/result.h"
#include "plimsoll/wire/byte_sink.h"
#include "plimsoll/wire/kafka_api.h"
#include "plimsoll/wire/kafka_array.h"
#include "plimsoll/wire/kafka_encoder.h"
#include "plimsoll/wire/kafka_reader.h"
#include "plimsoll/wire/kafka_types.h"

namespace plimsoll::kafka {

// A struct with the key of its request.
template <class M>
concept Message = Described<M> && find_api(static_cast<std::int16_t>(M::kKey)) != nullptr;

template <Message M>
constexpr const Api& api_of() {
  return *find_api(static_cast<std::int16_t>(M::kKey));
}

// What every request begins with.
struct RequestHeader {
  std::int16_t key = 0;
  std::int16_t version = 0;
  std::int32_t correlation_id = 0;
  NullableString client_id;

  template <class F>
  void describe(F& f) {
    f(key);
    f(version);
    f(correlation_id);
    f(client_id);
  }
};

// Takes the header off the front of `frame`. The key may be any, and so may the version: of those that are
// not known nobody can tell where the body begins, and nobody needs to.
Result<RequestHeader> decode_header(std::string_view& frame);
// Takes a response's header off the front of `frame`; its correlation id.
Result<std::int32_t> decode_response_header(std::string_view& frame, const Api& api, std::int16_t version);

// What may stand behind a message. Brokers read what they know and no more, as Kafka's does: some clients
// leave a byte behind it (librdkafka's Metadata of version 9 for all topics).
enum class Rest : bool { kRefused, kIgnored };

// `body`, as that version has it.
template <Message M>
Result<M> decode(std::string_view body, std::int16_t version, Rest rest = Rest::kRefused) {
  constexpr const Api& kApi = api_of<M>();
  if (!kApi.describes(version)) return fail(ErrorCode::kUnsupported, "this version is not known");
  Reader reader(body, version, kApi.flexible(version));
  M message;
  reader.structure(message);
  const char* wrong = rest == Rest::kRefused ? reader.finish() : reader.fault();
  if (wrong != nullptr) return fail(ErrorCode::kInvalid, wrong);
  return message;
}

// How many bytes encode() writes, those that it splices in included. REQUIRES: a version that is known.
template <Message M>
std::uint64_t encoded_size(const M& message, std::int16_t version) {
  ByteCount count;
  Encoder encoder(count, version, api_of<M>().flexible(version));
  encoder.structure(message);
  return count.size;
}

template <Message M, ByteSink Sink>
bool encode(Sink& sink, const M& message, std::int16_t version) {
  if (!api_of<M>().describes(version)) return false;
  Output output(sink);
  Encoder encoder(output, version, api_of<M>().flexible(version));
  encoder.structure(message);
  output.flush();
  return encoder.ok() && output.ok();
}

constexpr std::size_t response_header_size(const Api& api, std::int16_t version) {
  return api.flexible_response_header(version) ? 5 : 4;
}

template <ByteSink Sink>
bool encode_response_header(Sink& sink, const Api& api, std::int16_t version, std::int32_t correlation_id) {
  Output output(sink);
  output.integer(static_cast<std::uint32_t>(correlation_id));
  if (api.flexible_response_header(version)) output.integer(std::uint8_t{0});
  output.flush();
  return output.ok();
}

namespace detail {

template <ByteSink Sink>
bool encode_frame_size(Sink& sink, std::uint64_t size) {
  if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) return false;
  Output output(sink);
  output.integer(static_cast<std::uint32_t>(size));
  output.flush();
  return output.ok();
}

}  // namespace detail

// The size, the header and the response.
template <Message M, ByteSink Sink>
bool encode_response_frame(Sink& sink, const M& response, std::int16_t version, std::int32_t correlation_id) {
  const Api& api = api_of<M>();
  return detail::encode_frame_size(sink,
                                   response_header_size(api, version) + encoded_size(response, version)) &&
         encode_response_header(sink, api, version, correlation_id) && encode(sink, response, version);
}

// The size, the header and the request; for clients.
template <Message M, ByteSink Sink>
bool encode_request_frame(Sink& sink, const M& request, std::int16_t version, std::int32_t correlation_id,
                          NullableString client_id) {
  const Api& api = api_of<M>();
  const RequestHeader header{static_cast<std::int16_t>(api.key), version, correlation_id, client_id};
  // The client id is a plain string even before tagged fields.
  const auto write_header = [&](auto& to) {
    Encoder encoder(to, 0, false);
    encoder.structure(header);
    if (api.flexible(version)) encoder.no_tags();
    return encoder.ok();
  };
  ByteCount count;
  write_header(count);
  if (!detail::encode_frame_size(sink, count.size + encoded_size(request, version))) return false;
  Output output(sink);
  const bool whole = write_header(output);
  output.flush();
  return whole && output.ok() && encode(sink, request, version);
}

}  // namespace plimsoll::kafka
