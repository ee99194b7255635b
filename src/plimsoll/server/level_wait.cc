#include "plimsoll/server/level_wait.h"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "plimsoll/server/loop.h"

namespace plimsoll {
namespace {

struct LevelSignal {
  explicit LevelSignal(asio::io_context& io) : timer(io) {}
  asio::steady_timer timer;
  bool raised = false;
};

}  // namespace

asio::awaitable<bool> wait_for_level(Loop& loop, const StartLevelWait& start, MonotonicTime deadline) {
  const auto signal = std::make_shared<LevelSignal>(loop.io);
  const auto wait = std::make_shared<LevelWait>([&io = loop.io, signal] {
    asio::post(io, [signal] {
      signal->raised = true;
      signal->timer.cancel();
    });
  });
  signal->timer.expires_at(deadline);
  start(wait);
  wait->finish();
  std::error_code ended;
  co_await signal->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  co_return signal->raised;
}

}  // namespace plimsoll
