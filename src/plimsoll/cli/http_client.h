// http_fetch: asks a server for one page and waits for all of it: for a command that runs and ends.
//
// Thread-safety: any thread. Cost: a connection a page. Limits: 16 MiB of page; HTTP/1.1 with a length, or
// until the connection's end; numeric addresses. Errors: kSystem (nobody listens there: errno), kTimedOut,
// kInvalid (not HTTP, or not an address). Any status is an answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

struct Endpoint {
  std::string address;  // numeric, v4 or v6
  std::uint16_t port = 0;

  // "127.0.0.1:9644", "[::1]:9644", ":9644", "9644"; the address is 127.0.0.1 where none is named.
  static Result<Endpoint> parse(std::string_view text);
  std::string text() const;
};

struct HttpPage {
  int status = 0;
  std::string body;
};

Result<HttpPage> http_fetch(const Endpoint& server, std::string_view path, MonotonicTime deadline);

}  // namespace plimsoll
