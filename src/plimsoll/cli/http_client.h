// http_fetch: asks a server for one page and waits for all of it: for a command that runs and ends.
//
// Thread-safety: any thread. Cost: a connection a page. Limits: 16 MiB of page; HTTP/1.1 with a length, or
// until the connection's end; numeric addresses. Errors: kSystem (nobody listens there: errno), kTimedOut,
// kInvalid (not HTTP, or not an address). Any status is an answer.
#pragma once

#include <string>
#include <string_view>

#include "plimsoll/cli/tcp_stream.h"

namespace plimsoll {

struct HttpPage {
  int status = 0;
  std::string body;
};

// `given_up`: as TcpStream::connect() has it.
Result<HttpPage> http_fetch(const Endpoint& server, std::string_view path, MonotonicTime deadline,
                            int given_up = -1);

}  // namespace plimsoll
