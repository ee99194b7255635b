#include "plimsoll/cli/load_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace plimsoll {

namespace {
constexpr const char* kLost = "the connection was lost";
}

void LoadSocket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

Result<LoadSocket> LoadSocket::connect(const std::string& host, std::uint16_t port, int receive_buffer) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    return fail(ErrorCode::kInvalid, "the host is not a numeric IPv4 address");
  }
  LoadSocket made(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.open()) return fail(ErrorCode::kSystem, "no socket", errno);
  int on = 1;
  ::setsockopt(made.descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    ::setsockopt(made.descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (::connect(made.descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    return fail(ErrorCode::kSystem, "cannot connect", errno);
  }
  return made;
}

Result<LoadSocket> LoadSocket::connect_before(const std::string& host, std::uint16_t port,
                                              MonotonicTime deadline, int receive_buffer) {
  auto made = connect(host, port, receive_buffer);
  if (!made) return made;
  if (made->wait(POLLOUT, deadline) == 0) return fail(ErrorCode::kTimedOut, "cannot connect in time");
  if (int error = made->connect_error(); error != 0) {
    return fail(ErrorCode::kSystem, "cannot connect", error);
  }
  return made;
}

int LoadSocket::connect_error() const {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

short LoadSocket::wait(short events, MonotonicTime deadline) const {
  using std::chrono::milliseconds;
  for (;;) {
    auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{descriptor_, events, 0};
    int ready = ::poll(&entry, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready > 0) return entry.revents;
    if (ready == 0 || errno != EINTR) return 0;
  }
}

ssize_t LoadSocket::receive(char* buffer, std::size_t size) const {
  ssize_t got;
  do {
    got = ::recv(descriptor_, buffer, size, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  return got;
}

Result<std::size_t> LoadSocket::send_some(std::string_view bytes) const {
  for (;;) {
    ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    if (errno != EINTR) return fail(ErrorCode::kSystem, kLost, errno);
  }
}

Result<void> LoadSocket::send_all(std::string_view bytes, MonotonicTime deadline) const {
  while (!bytes.empty()) {
    auto sent = send_some(bytes);
    if (!sent) return tl::unexpected(sent.error());
    bytes.remove_prefix(*sent);
    if (*sent == 0 && wait(POLLOUT, deadline) == 0)
      return fail(ErrorCode::kTimedOut, "the server does not read");
  }
  return {};
}

void pin_thread_to_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace plimsoll
