// HttpConnection: one HTTP client of the status pages and metrics.
//
// Thread-safety: its loop. Cost: about 1 KiB at rest, 16 KiB while a request comes, its answer while it is
// sent; who listens to events, some 20 KiB once a second. Limits: heads of 16 KiB, no bodies; a request must
// come whole within ten seconds, its answer be read within a minute, and a connection may rest for a minute.
// Errors: HTTP's. Ownership: itself, through its coroutine.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "plimsoll/server/loop.h"
#include "plimsoll/server/pages.h"

namespace plimsoll {

class HttpConnection final : public LoopMember {
 public:
  HttpConnection(Loop& loop, asio::ip::tcp::socket socket);
  ~HttpConnection() override;

  static void start(std::shared_ptr<HttpConnection> connection);

  void tick(MonotonicTime now) override;
  void drain() override;
  void close() override;

 private:
  asio::awaitable<void> serve();
  asio::awaitable<bool> read_more(std::string& input);
  asio::awaitable<bool> send(const Page& page, bool keep_alive, bool head_only);
  asio::awaitable<void> send_events(bool head_only);
  asio::awaitable<bool> send(std::string_view text);

  Loop& loop_;
  asio::ip::tcp::socket socket_;
  MonotonicTime deadline_;
  asio::steady_timer* beat_ = nullptr;  // while events are sent
  bool resting_ = true;
  bool answering_ = false;  // what was asked whole
  bool draining_ = false;
  bool closed_ = false;
};

}  // namespace plimsoll
