#include "plimsoll/cli/http_client.h"

#include "plimsoll/wire/http_response.h"

namespace plimsoll {
namespace {

constexpr std::size_t kLongestPage = std::size_t{16} << 20;

}  // namespace

Result<HttpPage> http_fetch(const Endpoint& server, std::string_view path, MonotonicTime deadline,
                            int given_up) {
  Result<TcpStream> stream = TcpStream::connect(server, deadline, given_up);
  if (!stream) return tl::unexpected(stream.error());
  std::string request =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + server.text() + "\r\nConnection: close\r\n\r\n";
  if (Result<void> sent = stream->send(request, deadline); !sent) return tl::unexpected(sent.error());
  std::string text;
  HttpResponseDecoder decoder;
  auto status = HttpResponseDecoder::Status::kNeedMore;
  bool more = true;
  while (more && status == HttpResponseDecoder::Status::kNeedMore) {
    Result<bool> got = stream->receive(text, deadline);
    if (!got) return tl::unexpected(got.error());
    more = *got;
    status = decoder.next(text);
  }
  if (status != HttpResponseDecoder::Status::kResponse || decoder.response().chunked) {
    return fail(ErrorCode::kInvalid, "what answers there does not speak HTTP as Plimsoll does");
  }
  std::optional<std::uint64_t> length = decoder.response().content_length;
  HttpPage page{decoder.response().status, {}};
  page.body = text.substr(decoder.consumed());
  while (more && page.body.size() < length.value_or(kLongestPage)) {
    Result<bool> got = stream->receive(page.body, deadline);
    if (!got) return tl::unexpected(got.error());
    more = *got;
  }
  if (length && page.body.size() < *length) return fail(ErrorCode::kSystem, "the page was cut off");
  return page;
}

}  // namespace plimsoll
