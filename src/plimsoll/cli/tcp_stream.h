// TcpStream, Endpoint: a connection of a command that runs, asks one server and ends: it waits, up to a
// deadline.
//
// Thread-safety: one thread. Cost: a socket. Limits: numeric addresses. Errors: kSystem (nobody listens
// there: errno), kTimedOut, kInvalid (not an address). Ownership: of its socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

struct Endpoint {
  std::string address;  // numeric, v4 or v6
  std::uint16_t port = 0;

  // "127.0.0.1:9644", "[::1]:9644", ":9644", "9644"; the address is 127.0.0.1 where none is named.
  static Result<Endpoint> parse(std::string_view text);
  std::string text() const;
};

class TcpStream {
 public:
  static Result<TcpStream> connect(const Endpoint& server, MonotonicTime deadline);

  Result<void> send(std::string_view bytes, MonotonicTime deadline);
  // Appends what there is; false at the end of the stream.
  Result<bool> receive(std::string& text, MonotonicTime deadline);

 private:
  explicit TcpStream(FileDescriptor socket) : socket_(std::move(socket)) {}

  FileDescriptor socket_;
};

}  // namespace plimsoll
