// TcpStream, Endpoint: a connection of a command that runs, asks one server and ends: it waits, up to a
// deadline, or until nobody wants the answer any more.
//
// Thread-safety: one thread. Cost: a socket. Limits: numeric addresses. Errors: kSystem (nobody listens
// there: errno), kTimedOut, kInvalid (not an address). Ownership: of its socket; what tells that it was given
// up is the caller's.
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
  // `given_up`: a descriptor that can be read once nobody wants the answer any more: from then on every wait
  // ends at once, as at its deadline.
  static Result<TcpStream> connect(const Endpoint& server, MonotonicTime deadline, int given_up = -1);

  Result<void> send(std::string_view bytes, MonotonicTime deadline);
  // Appends what there is; false at the end of the stream.
  Result<bool> receive(std::string& text, MonotonicTime deadline);

 private:
  TcpStream(FileDescriptor socket, int given_up) : socket_(std::move(socket)), given_up_(given_up) {}
  Result<void> wait_for(short events, MonotonicTime deadline) const;

  FileDescriptor socket_;
  int given_up_;
};

}  // namespace plimsoll
