#include "peer_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace plimsoll {

PeerSocket::~PeerSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool PeerSocket::connect(std::uint16_t port) {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  begin_ = end_ = 0;
  out_.clear();
  int on = 1;
  timeval patience{.tv_sec = 60, .tv_usec = 0};
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

bool PeerSocket::flush() {
  std::string_view rest = out_;
  while (!rest.empty()) {
    ssize_t sent = ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  out_.clear();
  return true;
}

bool PeerSocket::more() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == in_.size()) {
    if (begin_ == 0) in_.resize(2 * in_.size());
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  for (;;) {
    ssize_t got = ::recv(descriptor_, in_.data() + end_, in_.size() - end_, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    end_ += static_cast<std::size_t>(got);
    return true;
  }
}

bool PeerSocket::need(std::size_t size) {
  while (have().size() < size) {
    if (!more()) return false;
  }
  return true;
}

std::optional<std::string_view> PeerSocket::bytes(std::size_t size) {
  if (!need(size)) return std::nullopt;
  std::string_view found = have().substr(0, size);
  take(size);
  return found;
}

std::optional<std::string_view> PeerSocket::line() {
  for (std::size_t searched = 0;;) {
    std::string_view all = have();
    std::size_t end = all.find('\n', searched);
    if (end != std::string_view::npos) {
      take(end + 1);
      return all.substr(0, end > 0 && all[end - 1] == '\r' ? end - 1 : end);
    }
    searched = all.size();
    if (!more()) return std::nullopt;
  }
}

}  // namespace plimsoll
