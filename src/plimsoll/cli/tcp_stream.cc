#include "plimsoll/cli/tcp_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

Result<FileDescriptor> start_connecting(const Endpoint& server) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, server.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(server.port);
    size = sizeof *v4;
  } else if (inet_pton(AF_INET6, server.address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(server.port);
    size = sizeof *v6;
  } else {
    return fail(ErrorCode::kInvalid, "not an address");
  }
  FileDescriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) return fail(ErrorCode::kSystem, "no socket", errno);
  int connected = ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&storage), size);
  if (connected != 0 && errno != EINPROGRESS) return fail(ErrorCode::kSystem, "cannot connect", errno);
  return socket;
}

}  // namespace

Result<void> TcpStream::wait_for(short events, MonotonicTime deadline) const {
  for (;;) {
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    // poll() passes over a descriptor below zero.
    std::array<pollfd, 2> wanted = {{{socket_.number(), events, 0}, {given_up_, POLLIN, 0}}};
    int ready =
        ::poll(wanted.data(), wanted.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0 && wanted[1].revents != 0)
      return fail(ErrorCode::kTimedOut, "nobody waits for the answer any more");
    if (ready > 0) return {};
    if (ready == 0) return fail(ErrorCode::kTimedOut, "no answer in time");
    if (errno != EINTR) return fail(ErrorCode::kSystem, "cannot wait", errno);
  }
}

Result<TcpStream> TcpStream::connect(const Endpoint& server, MonotonicTime deadline, int given_up) {
  Result<FileDescriptor> socket = start_connecting(server);
  if (!socket) return tl::unexpected(socket.error());
  TcpStream stream(std::move(*socket), given_up);
  if (Result<void> ready = stream.wait_for(POLLOUT, deadline); !ready) return tl::unexpected(ready.error());
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(stream.socket_.number(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(ErrorCode::kSystem, "cannot connect", error);
  return stream;
}

Result<void> TcpStream::send(std::string_view bytes, MonotonicTime deadline) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (Result<void> ready = wait_for(POLLOUT, deadline); !ready) return ready;
    } else if (errno != EINTR) {
      return fail(ErrorCode::kSystem, "cannot send", errno);
    }
  }
  return {};
}

Result<bool> TcpStream::receive(std::string& text, MonotonicTime deadline) {
  std::array<char, 16384> buffer;
  for (;;) {
    if (Result<void> ready = wait_for(POLLIN, deadline); !ready) return tl::unexpected(ready.error());
    ssize_t got = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
    if (got >= 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
      return got > 0;
    }
    if (errno != EAGAIN && errno != EINTR) return fail(ErrorCode::kSystem, "the connection was lost", errno);
  }
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  Endpoint endpoint{"127.0.0.1", 0};
  std::size_t colon = text.rfind(':');
  std::string_view address = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (!address.empty() && address != "localhost") endpoint.address = address;
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  bool known = inet_pton(AF_INET, endpoint.address.c_str(), binary.data()) == 1 ||
               inet_pton(AF_INET6, endpoint.address.c_str(), binary.data()) == 1;
  std::optional<std::uint64_t> number = parse_uint64(port);
  if (!known || !number || *number == 0 || *number > 65535) {
    return fail(ErrorCode::kInvalid, "write an address and a port, as in 127.0.0.1:9644 or [::1]:9644");
  }
  endpoint.port = static_cast<std::uint16_t>(*number);
  return endpoint;
}

std::string Endpoint::text() const {
  bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace plimsoll
