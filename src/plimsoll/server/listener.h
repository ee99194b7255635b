// Listener: accepts connections on one address and hands each to the loop with the fewest.
//
// Out of file descriptors it pauses instead of spinning; without memory for a connection's state it closes
// the new one at once. Sizes of socket buffers are set here, on the listening socket, so that every
// connection inherits them before its first byte: the kernel would let each grow to several MiB.
//
// Thread-safety: its loop. Cost: none at rest. Limits: none. Errors: open() says why an address cannot be
// listened on. Ownership: refers to the loops.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/server/loop.h"

namespace plimsoll {

class Listener {
 public:
  // Called on the chosen loop's thread, with the state of the connection charged.
  using Starter = std::function<void(Loop&, asio::ip::tcp::socket)>;

  // `kind`: what a connection is admitted as; `state`: what its state is charged to.
  Listener(Node& node, std::vector<std::unique_ptr<Loop>>& loops, RequestKind kind, Lease Loop::* state,
           Starter starter);

  enum class Receives { kRequests, kBatches };  // decides how much the kernel keeps of what is not read yet
  // Empty, or what is wrong in words.
  std::string open(const std::string& address, std::uint16_t port, Receives receives = Receives::kRequests);
  std::uint16_t port() const { return port_; }
  void start();  // accepts from now on
  void stop();   // on the first loop's thread

 private:
  asio::awaitable<void> accept_all();
  Loop& emptiest();
  bool take_state(Loop& loop);
  void hand_over(Loop& loop, asio::ip::tcp::socket socket);

  Node& node_;
  std::vector<std::unique_ptr<Loop>>& loops_;
  const RequestKind kind_;
  Lease Loop::* const state_;
  const Starter starter_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::uint16_t port_ = 0;
};

}  // namespace plimsoll
