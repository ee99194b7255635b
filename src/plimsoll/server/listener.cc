#include "plimsoll/server/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace plimsoll {
namespace {

// The kernel doubles it. 60 readers that do not read hold 15 MiB at a line of 256 MiB, not 240.
int socket_buffer(Bytes line) { return static_cast<int>(std::clamp(line / 2048, 16_KiB, 256_KiB).count()); }

// Where there is memory for it a producer's next batch arrives while the one before is written: a quarter
// less CPU a byte than with a quarter of the buffer, as both sides wake less. A thousand full ones are an
// eighth of the line.
int batch_buffer(Bytes line) {
  return std::max(socket_buffer(line), static_cast<int>(std::min(line / 16384, 1_MiB).count()));
}

// Over loopback a segment is 64 KiB: where that fills the buffer there is one on its way at a time, and
// whoever receives it acknowledges it 40 ms later. Eight fit into twice the buffer, which is what the kernel
// makes of it.
void set_segment_size(int socket, int buffer) {
  const int size = std::max(buffer / 4, 1460);
  static_cast<void>(::setsockopt(socket, IPPROTO_TCP, TCP_MAXSEG, &size, sizeof size));  // slower without
}

}  // namespace

Listener::Listener(Node& node, std::vector<std::unique_ptr<Loop>>& loops, RequestKind kind,
                   Lease Loop::* state, Starter starter)
    : node_(node),
      loops_(loops),
      kind_(kind),
      state_(state),
      starter_(std::move(starter)),
      acceptor_(loops.front()->io),
      pause_(loops.front()->io) {}

std::string Listener::open(const std::string& address, std::uint16_t port, Receives receives) {
  std::error_code error;
  const asio::ip::address ip = asio::ip::make_address(address, error);
  const std::string where = address + ":" + std::to_string(port);
  if (error) return "cannot listen on " + where + ": not an address; write 127.0.0.1, ::1 or 0.0.0.0";
  const asio::ip::tcp::endpoint endpoint(ip, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  const int sent = socket_buffer(node_.line.line());
  const int received = receives == Receives::kBatches ? batch_buffer(node_.line.line()) : sent;
  if (!error) acceptor_.set_option(asio::socket_base::send_buffer_size(sent), error);
  if (!error) acceptor_.set_option(asio::socket_base::receive_buffer_size(received), error);
  if (!error) set_segment_size(acceptor_.native_handle(), sent);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(1024, error);
  if (error == asio::error::address_in_use) {
    return "cannot listen on " + where + ": another program does; stop it or choose another port";
  }
  if (error) return "cannot listen on " + where + ": " + error.message();
  port_ = acceptor_.local_endpoint(error).port();
  return {};
}

void Listener::start() { asio::co_spawn(loops_.front()->io, accept_all(), asio::detached); }

void Listener::stop() {
  std::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

Loop& Listener::emptiest() {
  return **std::min_element(loops_.begin(), loops_.end(),
                            [](const auto& a, const auto& b) { return a->size() < b->size(); });
}

asio::awaitable<void> Listener::accept_all() {
  while (acceptor_.is_open()) {
    Loop& loop = emptiest();
    asio::ip::tcp::socket socket(loop.io);
    std::error_code error;
    co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      hand_over(loop, std::move(socket));
    } else if (acceptor_.is_open()) {
      // Out of descriptors, or of memory in the kernel: the connection stays in the queue, and waiting is all
      // there is.
      if (node_.traffic.accept_paused.fetch_add(1, std::memory_order_relaxed) % 100 == 0) {
        node_.log.warning("accepting stopped for a moment: %s", error.message().c_str());
      }
      pause_.expires_after(std::chrono::milliseconds(100));
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
  }
}

bool Listener::take_state(Loop& loop) {
  Lease& lease = loop.*state_;
  return lease.take(Loop::kConnection) ||
         (node_.cache.make_room_for(lease.account(), Loop::kConnection) && lease.take(Loop::kConnection));
}

void Listener::hand_over(Loop& loop, asio::ip::tcp::socket socket) {
  node_.traffic.accepted.fetch_add(1, std::memory_order_relaxed);
  std::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  asio::post(loop.io, [this, &loop, taken = std::move(socket)]() mutable {
    const bool admitted = node_.board.look(kind_).verdict != Admission::Verdict::kReject;
    if (!admitted || !take_state(loop)) {
      node_.traffic.connections_refused.fetch_add(1, std::memory_order_relaxed);
      return;  // and the socket is closed
    }
    starter_(loop, std::move(taken));
  });
}

}  // namespace plimsoll
