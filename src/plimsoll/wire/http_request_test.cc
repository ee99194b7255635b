#include "plimsoll/wire/http_request.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

using Status = HttpRequestDecoder::Status;

// "GET /path?query keep" for a request, the status for an error. Each call sees bytes of its own.
std::vector<std::string> decode(std::string_view bytes, std::size_t piece) {
  std::vector<std::string> events;
  auto decoder = std::make_unique<HttpRequestDecoder>();
  std::string pending;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    pending += bytes.substr(at, piece);
    while (true) {
      const std::string in = pending;
      const Status status = decoder->next(in);
      if (status == Status::kError) {
        events.push_back(std::to_string(decoder->error_status()));
        return events;
      }
      if (status == Status::kNeedMore) break;
      const HttpRequest& request = decoder->request();
      std::string event = request.method == HttpMethod::kGet ? "GET " : "HEAD ";
      event += std::string(request.path) + "?" + std::string(request.query);
      events.push_back(event + (request.keep_alive ? " keep" : " close"));
      pending.erase(0, decoder->consumed());
    }
  }
  return events;
}

void expect_event(std::string_view bytes, const std::string& event) {
  for (std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    EXPECT_EQ(decode(bytes, piece), std::vector<std::string>{event}) << bytes << " by " << piece;
  }
}

// A request with one more field line.
std::string with(std::string_view line) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(line) + "\r\n\r\n";
}

TEST(HttpRequest, IsReadWithItsTargetAndFields) {
  HttpRequestDecoder decoder;
  const std::string in =
      "GET /a/b?c=d&e HTTP/1.1\r\nHost: localhost:9644\r\nAccept:\t text/plain \r\nEmpty:\r\n\r\nrest";
  ASSERT_EQ(decoder.next(in), Status::kRequest);
  const HttpRequest& request = decoder.request();
  EXPECT_EQ(request.target, "/a/b?c=d&e");
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.query, "c=d&e");
  EXPECT_EQ(request.version, 11);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_EQ(request.fields.size(), 3u);
  EXPECT_EQ(request.fields.find("host"), "localhost:9644");
  EXPECT_EQ(request.fields.find("accept"), "text/plain");
  EXPECT_EQ(request.fields.find("empty"), "");
  EXPECT_EQ(in.substr(decoder.consumed()), "rest");
}

TEST(HttpRequest, IsAcceptedInEveryAllowedForm) {
  expect_event("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /? keep");
  expect_event("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /x? keep");
  expect_event("GET / HTTP/1.1\nHost: a\n\n", "GET /? keep");
  expect_event("\r\n\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /? keep");
  expect_event("GET / HTTP/1.0\r\n\r\n", "GET /? close");
  expect_event("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET /? keep");
  expect_event("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "GET /? keep");
  expect_event("GET http://a:1/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x?y keep");
  expect_event("GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /? keep");
  expect_event("GET http://a?y=/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?y=/ keep");
  expect_event("GET /?a?b HTTP/1.1\r\nHost:\r\n\r\n", "GET /?a?b keep");
  expect_event(with("Connection: close"), "GET /? close");
  expect_event(with("connection: te, CLOSE"), "GET /? close");
  expect_event(with("Content-Length: 0"), "GET /? keep");
  expect_event(with("X: caf\xc3\xa9\ttab"), "GET /? keep");
}

TEST(HttpRequest, IsRefusedWhenMalformed) {
  for (std::string_view line : {"GET",
                                "GET /",
                                "GET  / HTTP/1.1",
                                "GET / HTTP/1.1 ",
                                " GET / HTTP/1.1",
                                "GET / http/1.1",
                                "GET / HTTP/11",
                                "GET / HTTP/1.x",
                                "GET / HTTP/x.1",
                                "GET / HTTP/1,1",
                                "GET x HTTP/1.1",
                                "GET * HTTP/1.1",
                                "GET ?a HTTP/1.1",
                                "GET /a\x01 HTTP/1.1",
                                "GET /\xff HTTP/1.1",
                                "GET /#a HTTP/1.1",
                                "G(T / HTTP/1.1",
                                "GET\t/ HTTP/1.1",
                                "*1\r\n$4\r\nPING",
                                "\x16\x03\x01"}) {
    expect_event(std::string(line) + "\r\nHost: a\r\n\r\n", "400");
  }
  for (std::string_view line : {"a", ": b", "a : b", " a: b", "\tfolded", "a\x01: b", "a: b\rc", "a: \x7f",
                                "Host: b", "Content-Length: 1", "Content-Length: x", "Content-Length: -1",
                                "Content-Length:", "Content-Length: 0\r\nContent-Length: 1"}) {
    expect_event(with(line), "400");
  }
  expect_event(with(std::string_view("a: \0", 4)), "400");
  expect_event("GET / HTTP/1.1\r\n\r\n", "400");
}

TEST(HttpRequest, IsRefusedWithTheStatusThatSaysWhy) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}) {
    expect_event(method + std::string(" / HTTP/1.1\r\nHost: a\r\n\r\n"), "405");
  }
  expect_event("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "405");
  expect_event("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501");
  expect_event("get / HTTP/1.1\r\nHost: a\r\n\r\n", "501");
  expect_event(with("Transfer-Encoding: chunked"), "501");
  expect_event("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505");
  expect_event("GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505");
}

TEST(HttpRequest, IsLimitedInItsLine) {
  const std::string longest(kMaxHttpLine - std::string_view("GET / HTTP/1.1\r\n").size(), 'x');
  expect_event("GET /" + longest + " HTTP/1.1\r\nHost: a\r\n\r\n", "GET /" + longest + "? keep");
  expect_event("GET /x" + longest + " HTTP/1.1\r\nHost: a\r\n\r\n", "414");
  expect_event("GET /" + std::string(kMaxHttpLine, 'x'), "414");
}

TEST(HttpRequest, IsLimitedInItsHead) {
  const std::string begin = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const std::string most(kMaxHttpHead - begin.size() - 4, 'x');
  expect_event(begin + most + "\r\n\r\n", "GET /? keep");
  expect_event(begin + most + "x\r\n\r\n", "431");
  expect_event(begin + most + std::string(100, 'x'), "431");
  std::string fields;
  for (std::size_t i = 1; i < kMaxHttpFields; ++i) fields += "a: b\r\n";
  expect_event("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n", "GET /? keep");
  expect_event("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "a: b\r\n\r\n", "431");
}

TEST(HttpRequest, IsSaidToBeUnderWayOnceItsFirstByteIsThere) {
  HttpRequestDecoder decoder;
  EXPECT_TRUE(decoder.between_requests());
  EXPECT_EQ(decoder.next(""), Status::kNeedMore);
  EXPECT_EQ(decoder.next("\r"), Status::kNeedMore);
  EXPECT_EQ(decoder.next("\r\n"), Status::kNeedMore);
  EXPECT_TRUE(decoder.between_requests());
  EXPECT_EQ(decoder.next("\r\nG"), Status::kNeedMore);
  EXPECT_FALSE(decoder.between_requests());
  EXPECT_EQ(decoder.next("\r\nGET / HTTP/1.0\r\n\r\n"), Status::kRequest);
  EXPECT_EQ(decoder.next(""), Status::kNeedMore);
  EXPECT_TRUE(decoder.between_requests());
}

TEST(HttpRequest, ErrorsAreFinal) {
  HttpRequestDecoder decoder;
  EXPECT_EQ(decoder.next("BREW / HTTP/1.0\r\n\r\n"), Status::kError);
  EXPECT_EQ(decoder.next("GET / HTTP/1.0\r\n\r\n"), Status::kError);
  EXPECT_EQ(decoder.error_status(), 501);
}

TEST(HttpRequest, PipelinesAreReadTheSameHoweverTheyAreCut) {
  Random random(21);
  for (int round = 0; round < 500; ++round) {
    std::string bytes;
    for (std::uint64_t requests = 1 + random.below(4); requests > 0; --requests) {
      const std::string end = random.below(2) == 0 ? "\r\n" : "\n";
      if (random.below(4) == 0) bytes += end;
      bytes += "GET /" + std::string(random.below(20), 'p') + " HTTP/1." +
               (random.below(2) == 0 ? "0" : "1") + end;
      bytes += "Host: h" + end;
      for (std::uint64_t fields = random.below(4); fields > 0; --fields) {
        bytes += "F: " + std::string(random.below(20), 'v') + end;
      }
      bytes += end;
    }
    if (random.below(2) == 0) bytes[random.below(bytes.size())] = " \r\n:/1"[random.below(6)];
    ASSERT_EQ(decode(bytes, 1 + random.below(30)), decode(bytes, bytes.size())) << bytes;
  }
}

}  // namespace
}  // namespace plimsoll
