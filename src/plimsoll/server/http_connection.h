// HttpConnection: one HTTP client of the status pages and metrics.
//
// Thread-safety: its loop. Cost: about 1 KiB at rest, 16 KiB while a request comes, its answer while it is
// sent. Limits: heads of 16 KiB, no bodies; a request must come whole within ten seconds, a connection may
// rest for a minute. Errors: HTTP's. Ownership: itself, through its coroutine.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "plimsoll/server/loop.h"

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
  asio::awaitable<bool> send(std::string_view text);

  Loop& loop_;
  asio::ip::tcp::socket socket_;
  MonotonicTime deadline_;
  bool resting_ = true;
  bool closed_ = false;
};

}  // namespace plimsoll
