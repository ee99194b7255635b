// Client: one client's connection, whatever it speaks: its socket, what it is owed, and when it is closed.
//
// At rest it holds its state and nothing else: it waits until the socket can be read, and then borrows the
// loop's buffers. What the kernel holds for it is charged; a client that does not read what it is owed, or
// that sends a body at a trickle, is closed when memory is short, with a logged reason.
//
// Invariant: what is kept across a wait is charged.
//
// Thread-safety: its loop. Cost: some hundred bytes. Limits: none. Errors: close_with() tells the log and the
// events why. Ownership: itself, through its coroutine.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "plimsoll/server/loop.h"
#include "plimsoll/server/output.h"

namespace plimsoll {

class Client : public LoopMember, public std::enable_shared_from_this<Client> {
 public:
  ~Client() override;

  void tick(MonotonicTime now) override;
  void close() override;

 protected:
  using KeptBytes = std::basic_string<char, std::char_traits<char>, Loop::StateAllocator<char>>;
  // A body on its way in, for the tick.
  struct Arrival {
    std::size_t have = 0;
    MonotonicTime since{};
  };

  // `connections`: where it is counted. Whoever derives adds itself to the loop when it is whole, and removes
  // itself first of all: others may look at it in between.
  Client(Loop& loop, asio::ip::tcp::socket socket, Traffic::Counter& connections);

  // Until there is something to read; false when the connection is at its end.
  asio::awaitable<bool> wait_readable();
  // Until the deadline, or rouse().
  asio::awaitable<void> rest_until(MonotonicTime deadline);
  void rouse();
  // What was received, none when there is nothing now; false at the connection's end.
  bool receive(char* to, std::size_t room, std::size_t& received);
  // Sends what the socket takes, and the rest when it takes more.
  void flush();
  // Called after more was sent.
  virtual void show() {}

  // Whether so much of a request that is not whole can be kept across a wait: what the allocator of kept_
  // takes cannot be refused any more. False: closed, with the reason.
  bool may_keep(std::size_t size);
  void charge_socket();
  void close_with(const char* cause, std::size_t held, Duration since);
  std::string peer() const;   // "127.0.0.1:5000"
  std::string local() const;  // where the client reached us
  bool failed() const { return output_.failure() != Output::Failure::kNone; }

  Loop& loop_;
  Node& node_;
  asio::ip::tcp::socket socket_;
  const int fd_;
  Output output_;
  KeptBytes kept_;  // of a request that is not whole
  const Arrival* arrival_ = nullptr;
  std::uint64_t received_ = 0;
  bool draining_ = false;
  bool closed_ = false;

 private:
  void pump();
  void watch_reader(MonotonicTime now, bool sent);
  void watch_arrival(MonotonicTime now);

  Traffic::Counter& connections_;
  Bytes socket_charge_;
  std::uint64_t counted_sent_ = 0;  // as the traffic's counters have it
  std::uint64_t counted_from_files_ = 0;
  std::uint64_t seen_sent_ = 0;  // of output_.sent(), at the last tick
  std::uint64_t seen_received_ = 0;
  MonotonicTime stalled_since_{};              // no byte was taken since; zero: nothing waits
  std::unique_ptr<asio::steady_timer> timer_;  // made when first rested
  bool pumping_ = false;
};

}  // namespace plimsoll
