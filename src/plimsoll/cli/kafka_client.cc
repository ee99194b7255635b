#include "plimsoll/cli/kafka_client.h"

namespace plimsoll {
namespace {

constexpr std::size_t kLongestAnswer = std::size_t{64} << 20;

std::size_t size_of_frame(std::string_view bytes) {
  std::size_t size = 0;
  for (char c : bytes.substr(0, 4)) size = size << 8 | static_cast<unsigned char>(c);
  return size;
}

}  // namespace

Result<KafkaClient> KafkaClient::connect(const Endpoint& server, MonotonicTime deadline) {
  Result<TcpStream> stream = TcpStream::connect(server, deadline);
  if (!stream) return tl::unexpected(stream.error());
  return KafkaClient(std::move(*stream));
}

Result<std::string_view> KafkaClient::receive(const kafka::Api& api, std::int16_t version,
                                              MonotonicTime deadline) {
  answer_.clear();
  while (answer_.size() < 4 || answer_.size() - 4 < size_of_frame(answer_)) {
    if (answer_.size() >= 4 && size_of_frame(answer_) > kLongestAnswer)
      return fail(ErrorCode::kInvalid, "what answers there does not speak Kafka's protocol");
    Result<bool> got = stream_.receive(answer_, deadline);
    if (!got) return tl::unexpected(got.error());
    if (!*got) return fail(ErrorCode::kSystem, "the connection was closed without an answer");
  }
  std::string_view frame = std::string_view(answer_).substr(4);
  Result<std::int32_t> id = kafka::decode_response_header(frame, api, version);
  if (!id || *id != asked_)
    return fail(ErrorCode::kInvalid, "what answers there does not speak Kafka's protocol");
  return frame;
}

}  // namespace plimsoll
