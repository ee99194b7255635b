#include "plimsoll/server/client.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>

namespace plimsoll {
namespace {

std::string words(const asio::ip::tcp::endpoint& endpoint) {
  std::string address = endpoint.address().to_string();
  if (endpoint.address().is_v6()) address = "[" + address + "]";
  return address + ":" + std::to_string(endpoint.port());
}

}  // namespace

Client::Client(Loop& loop, asio::ip::tcp::socket socket, Traffic::Counter& connections)
    : loop_(loop),
      node_(loop.node),
      socket_(std::move(socket)),
      fd_(socket_.native_handle()),
      output_(fd_, loop.write_buffer, loop.node.output_buffers, loop.node.output, loop.node.cache),
      kept_(loop.state_allocator<char>()),
      connections_(connections) {
  connections_.fetch_add(1, std::memory_order_relaxed);
}

Client::~Client() {
  if (!socket_charge_.zero()) loop_.sockets.give(socket_charge_);
  loop_.connections.give(Loop::kConnection);
  connections_.fetch_sub(1, std::memory_order_relaxed);
}

std::string Client::peer() const {
  std::error_code gone;
  return words(socket_.remote_endpoint(gone));
}

std::string Client::local() const {
  std::error_code gone;
  return words(socket_.local_endpoint(gone));
}

asio::awaitable<bool> Client::wait_readable() {
  if (closed_ || failed()) co_return false;
  std::error_code error;
  co_await socket_.async_wait(asio::ip::tcp::socket::wait_read,
                              asio::redirect_error(asio::use_awaitable, error));
  co_return !error && !closed_;
}

asio::awaitable<void> Client::rest_until(MonotonicTime deadline) {
  if (!timer_) timer_ = std::make_unique<asio::steady_timer>(loop_.io);
  timer_->expires_at(deadline);
  std::error_code ended;
  co_await timer_->async_wait(asio::redirect_error(asio::use_awaitable, ended));
}

void Client::rouse() {
  if (timer_) timer_->cancel();
}

bool Client::receive(char* to, std::size_t room, std::size_t& received) {
  received = 0;
  const ssize_t got = ::recv(fd_, to, room, MSG_DONTWAIT);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  received = static_cast<std::size_t>(got);
  received_ += received;
  node_.traffic.bytes_received.fetch_add(received, std::memory_order_relaxed);
  return true;
}

void Client::flush() {
  if (output_.held_back()) return;
  output_.flush();
  const std::uint64_t sent = output_.sent() - std::exchange(counted_sent_, output_.sent());
  const std::uint64_t from_files =
      output_.sent_from_files() - std::exchange(counted_from_files_, output_.sent_from_files());
  node_.traffic.bytes_sent.fetch_add(sent, std::memory_order_relaxed);
  if (from_files > 0) node_.traffic.bytes_sent_from_files.fetch_add(from_files, std::memory_order_relaxed);
  if (output_.pending() == 0) return;
  charge_socket();
  pump();
}

// Sends what is pending whenever the socket takes more, while the coroutine waits for requests or for this.
void Client::pump() {
  if (std::exchange(pumping_, true)) return;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const std::error_code& error) {
                       self->pumping_ = false;
                       if (error || self->closed_) return;
                       self->flush();
                       self->show();
                       self->rouse();
                     });
}

bool Client::may_keep(std::size_t size) {
  if (size <= kept_.capacity() || !node_.line.enforcing()) return true;
  Lease& lease = loop_.connections;
  const Bytes bytes(size);
  if (lease.take(bytes) || (node_.cache.make_room_for(lease.account(), bytes) && lease.take(bytes))) {
    lease.give(bytes);  // the allocator takes it at once
    return true;
  }
  close_with("sent a part of a request, for which there is no memory", size, Duration{});
  return false;
}

void Client::charge_socket() {
  int unsent = 0, unread = 0;
  if (::ioctl(fd_, SIOCOUTQ, &unsent) != 0 || ::ioctl(fd_, SIOCINQ, &unread) != 0) return;
  const Bytes now = Bytes(static_cast<std::uint64_t>(std::max(unsent, 0) + std::max(unread, 0)));
  if (now > socket_charge_) loop_.sockets.take_held(now - socket_charge_);
  if (now < socket_charge_) loop_.sockets.give(socket_charge_ - now);
  socket_charge_ = now;
}

void Client::tick(MonotonicTime now) {
  const bool sent = output_.sent() != std::exchange(seen_sent_, output_.sent());
  const bool received = received_ != std::exchange(seen_received_, received_);
  if (sent || received || !socket_charge_.zero()) charge_socket();
  watch_reader(now, sent);
  watch_arrival(now);
}

void Client::watch_reader(MonotonicTime now, bool sent) {
  if (output_.pending() == 0 || sent) stalled_since_ = MonotonicTime{};
  if (output_.pending() > 0 && !sent && stalled_since_ == MonotonicTime{}) stalled_since_ = now;
  if (stalled_since_ == MonotonicTime{} || !node_.line.enforcing()) return;
  const Duration stalled = now - stalled_since_;
  const bool over_share = output_.held() >= node_.plan().reader_share.count();
  if (over_share && stalled >= std::chrono::seconds(1) && node_.pressed()) {
    node_.traffic.readers_closed.fetch_add(1, std::memory_order_relaxed);
    close_with("does not read its replies while memory is short", output_.held(), stalled);
  }
}

void Client::watch_arrival(MonotonicTime now) {
  if (arrival_ == nullptr || now - arrival_->since <= std::chrono::seconds(1)) return;
  const double seconds = std::chrono::duration<double>(now - arrival_->since).count();
  const bool slow = static_cast<double>(arrival_->have) < 65536.0 * seconds;
  if (slow && node_.line.enforcing() && (node_.pressed() || node_.gate.waiting() > 0)) {
    node_.traffic.bodies_closed.fetch_add(1, std::memory_order_relaxed);
    close_with("sends a body at less than 64 KiB/s while memory is short", arrival_->have,
               now - arrival_->since);
  }
}

void Client::close_with(const char* cause, std::size_t held, Duration since) {
  const std::string who = peer();
  node_.events.add({.kind = EventKind::kConnectionClosed,
                    .bytes = Bytes(held),
                    .duration = since,
                    .subject = "client " + who,
                    .cause = cause});
  node_.log.warning("closed %s: it %s; it held %zu bytes", who.c_str(), cause, held);
  close();
}

void Client::close() {
  if (std::exchange(closed_, true)) return;
  rouse();
  std::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace plimsoll
