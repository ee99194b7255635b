// Any bytes: the same requests and responses however they are cut, every view within the bytes given.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/http_request.h"
#include "plimsoll/wire/http_response.h"
#include "plimsoll/wire/internal/fuzz_input.h"

namespace plimsoll::detail {

inline void check_within(std::string_view part, std::string_view whole) {
  if (part.empty()) return;
  PLIMSOLL_CHECK(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

inline std::string describe_http(const HttpFields& fields, std::string_view in) {
  std::string text;
  for (const HttpField& field : fields) {
    check_within(field.name, in);
    check_within(field.value, in);
    text += std::string(field.name) + '=' + std::string(field.value) + ';';
  }
  return text;
}

inline std::string describe_http(const HttpRequestDecoder& decoder, std::string_view in) {
  const HttpRequest& request = decoder.request();
  for (std::string_view part : {request.target, request.query}) check_within(part, in);
  PLIMSOLL_CHECK(request.path.front() == '/');
  for (std::string_view rest = request.query; !rest.empty();) {
    char to[64];
    const HttpParameter parameter = take_query_parameter(rest);
    percent_decode(parameter.name, to);
    percent_decode(parameter.value, to, PlusSign::kBlank);
  }
  return std::string(request.path) + '?' + std::string(request.query) +
         (request.keep_alive ? " keep " : " close ") + describe_http(request.fields, in);
}

inline std::string describe_http(const HttpResponseDecoder& decoder, std::string_view in) {
  const HttpResponse& response = decoder.response();
  check_within(response.reason, in);
  return std::to_string(response.status) + ' ' + std::string(response.reason) +
         (response.keep_alive ? " keep " : " close ") + std::to_string(response.content_length.value_or(0)) +
         (response.chunked ? " chunked " : " ") + describe_http(response.fields, in);
}

// What a decoder makes of `text`; each call is given an allocation of its own.
template <typename Decoder>
std::vector<std::string> http_events(std::string_view text, std::uint8_t cut) {
  std::vector<std::string> events;
  auto decoder = std::make_unique<Decoder>();
  std::string pending;
  bool failed = false;
  feed_in_pieces(text, cut, [&](std::string_view piece) {
    pending += piece;
    while (!failed) {
      const std::vector<char> copy(pending.begin(), pending.end());
      const std::string_view in(copy.data(), copy.size());
      const auto status = decoder->next(in);
      if (status == Decoder::Status::kNeedMore) return;
      failed = status == Decoder::Status::kError;
      PLIMSOLL_CHECK(failed == (decoder->consumed() == 0) && decoder->consumed() <= in.size());
      events.push_back(failed ? "error" : describe_http(*decoder, in.substr(0, decoder->consumed())));
      pending.erase(0, decoder->consumed());
    }
  });
  if constexpr (std::is_same_v<Decoder, HttpRequestDecoder>) {
    if (failed) events.back() += std::to_string(decoder->error_status());
  }
  return events;
}

inline void fuzz_http(std::span<const std::uint8_t> bytes) {
  FuzzInput input(bytes);
  const std::uint8_t cut = input.byte();
  PLIMSOLL_CHECK(http_events<HttpRequestDecoder>(input.rest(), 0) ==
                 http_events<HttpRequestDecoder>(input.rest(), cut));
  PLIMSOLL_CHECK(http_events<HttpResponseDecoder>(input.rest(), 0) ==
                 http_events<HttpResponseDecoder>(input.rest(), cut));
}

}  // namespace plimsoll::detail
