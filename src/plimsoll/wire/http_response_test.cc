#include "plimsoll/wire/http_response.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace plimsoll {
namespace {

using Status = HttpResponseDecoder::Status;

std::string head_of(const HttpHead& head) {
  std::string text;
  StringSink sink(text);
  EXPECT_TRUE(write_http_head(sink, head));
  return text;
}

TEST(HttpHead, SaysHowTheBodyEnds) {
  EXPECT_EQ(
      head_of({.content_type = "text/plain", .content_length = 5}),
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(head_of({.content_type = "text/plain", .chunked = true}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: "
            "keep-alive\r\n\r\n");
  EXPECT_EQ(head_of({}), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") << "only a close ends this one";
  EXPECT_EQ(head_of({.status = 204}), "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(head_of({.status = 404, .content_length = 0, .keep_alive = false}),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(HttpHead, CarriesFurtherFieldsEachOnOneLine) {
  const HttpField extra[] = {{"Allow", "GET, HEAD"}, {"X", "a\r\nEvil: b"}};
  EXPECT_EQ(
      head_of({.status = 405, .content_length = 0, .extra = extra}),
      "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: keep-alive\r\nAllow: GET, HEAD\r\n"
      "X: a  Evil: b\r\n\r\n");
}

TEST(HttpHead, FitsItsBoundAtItsLongest) {
  const HttpHead head{.status = 431, .content_length = ~std::uint64_t{0}, .keep_alive = true};
  EXPECT_LE(head_of(head).size(), detail::http_head_bound(head));
  char memory[10];
  SpanSink sink(memory);
  EXPECT_FALSE(write_http_head(sink, head));
  EXPECT_FALSE(write_http_chunk_begin(sink, 3));
  EXPECT_TRUE(sink.written().empty());
}

TEST(HttpChunk, SaysItsSizeInHexadecimal) {
  std::string text;
  StringSink sink(text);
  EXPECT_TRUE(write_http_chunk_begin(sink, 26) && write_bytes(sink, "abcdefghijklmnopqrstuvwxyz") &&
              write_http_chunk_end(sink) && write_http_last_chunk(sink));
  EXPECT_EQ(text, "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n");
  text.clear();
  StringSink longest(text);
  EXPECT_TRUE(write_http_chunk_begin(longest, ~std::size_t{0}));
  EXPECT_EQ(text, "ffffffffffffffff\r\n");
}

TEST(HttpResponse, IsReadByteByByteAndWhole) {
  const std::string in =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\nX: y\r\n\r\nbody";
  const std::size_t head = in.size() - 4;
  HttpResponseDecoder decoder;
  for (std::size_t size = 0; size < head; ++size)
    ASSERT_EQ(decoder.next(in.substr(0, size)), Status::kNeedMore);
  ASSERT_EQ(decoder.next(in), Status::kResponse);
  EXPECT_EQ(decoder.consumed(), head);
  EXPECT_EQ(decoder.response().status, 503);
  EXPECT_EQ(decoder.response().reason, "Service Unavailable");
  EXPECT_EQ(decoder.response().content_length, 4u);
  EXPECT_FALSE(decoder.response().chunked);
  EXPECT_FALSE(decoder.response().keep_alive);
  EXPECT_EQ(decoder.response().fields.find("x"), "y");

  const std::string next = "HTTP/1.0 200\r\n\r\n";
  ASSERT_EQ(decoder.next(next), Status::kResponse);
  EXPECT_EQ(decoder.response().status, 200);
  EXPECT_EQ(decoder.response().reason, "");
  EXPECT_EQ(decoder.response().fields.size(), 0u);
  EXPECT_FALSE(decoder.response().keep_alive);
  EXPECT_FALSE(decoder.response().content_length);
}

TEST(HttpResponse, ReadsWhatThisCodecWrites) {
  HttpResponseDecoder decoder;
  const std::string chunked = head_of({.content_type = "text/event-stream", .chunked = true});
  ASSERT_EQ(decoder.next(chunked), Status::kResponse);
  EXPECT_TRUE(decoder.response().chunked);
  EXPECT_TRUE(decoder.response().keep_alive);
  const std::string plain = head_of({.content_type = "text/plain", .content_length = 12});
  ASSERT_EQ(decoder.next(plain), Status::kResponse);
  EXPECT_EQ(decoder.response().content_length, 12u);
  EXPECT_EQ(decoder.response().fields.find("content-type"), "text/plain");
}

TEST(HttpResponse, LetsChunksGoBeforeALength) {
  HttpResponseDecoder decoder;
  ASSERT_EQ(decoder.next("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Status::kResponse);
  EXPECT_TRUE(decoder.response().chunked);
  EXPECT_FALSE(decoder.response().content_length);
}

TEST(HttpResponse, IsRefusedWhenMalformed) {
  for (std::string_view head :
       {"HTTP/2.0 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 0200 OK", "HTTP/1.1 999 X", "HTTP/1.1 abc OK",
        "200 OK", "+OK", "HTTP/1.1 200 OK\r\nno colon", "HTTP/1.1 200 OK\r\nContent-Length: x",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2"}) {
    HttpResponseDecoder decoder;
    EXPECT_EQ(decoder.next(std::string(head) + "\r\n\r\n"), Status::kError) << head;
    EXPECT_EQ(decoder.next("HTTP/1.1 200 OK\r\n\r\n"), Status::kError) << "an error is final";
  }
  HttpResponseDecoder decoder;
  EXPECT_EQ(decoder.next("HTTP/1.1 200 OK\r\nX: " + std::string(kMaxHttpHead, 'x')), Status::kError);
}

}  // namespace
}  // namespace plimsoll
