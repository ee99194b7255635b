// KafkaClient: asks one broker one thing after the other, for a command that runs and ends.
//
//   Result<KafkaClient> broker = KafkaClient::connect(server, deadline);
//   auto answer = broker->ask<kafka::MetadataResponse>(request, 9, deadline);
//
// Thread-safety: one thread. Cost: a connection; the last answer. Limits: answers of 64 MiB. Errors: kSystem,
// kTimedOut, kInvalid (what answers there does not speak Kafka's protocol). Ownership: an answer's views are
// good until the next is asked for.
#pragma once

#include <string>

#include "plimsoll/cli/tcp_stream.h"
#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll {

class KafkaClient {
 public:
  static Result<KafkaClient> connect(const Endpoint& server, MonotonicTime deadline);

  template <typename Response, typename Request>
  Result<Response> ask(const Request& request, std::int16_t version, MonotonicTime deadline) {
    std::string frame;
    StringSink sink(frame);
    if (!kafka::encode_request_frame(sink, request, version, ++asked_, "plimsoll"))
      return fail(ErrorCode::kOutOfRange, "the request is too large");
    if (Result<void> sent = stream_.send(frame, deadline); !sent) return tl::unexpected(sent.error());
    Result<std::string_view> body = receive(kafka::api_of<Request>(), version, deadline);
    if (!body) return tl::unexpected(body.error());
    return kafka::decode<Response>(*body, version);
  }

 private:
  explicit KafkaClient(TcpStream stream) : stream_(std::move(stream)) {}
  Result<std::string_view> receive(const kafka::Api& api, std::int16_t version, MonotonicTime deadline);

  TcpStream stream_;
  std::string answer_;
  std::int32_t asked_ = 0;
};

}  // namespace plimsoll
