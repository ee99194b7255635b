#include "plimsoll/server/memory_wait.h"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "plimsoll/server/loop.h"

namespace plimsoll {

// Lives as long as anybody may still post to it.
struct GatePass::Signal {
  explicit Signal(asio::io_context& io) : timer(io) {}
  asio::steady_timer timer;
  bool raised = false;
};

namespace {

template <typename Signal>
asio::awaitable<void> wait_on(std::shared_ptr<Signal> signal, MonotonicTime deadline) {
  std::error_code ended;
  signal->timer.expires_at(deadline);
  if (!signal->raised) co_await signal->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
}

template <typename Signal>
void raise(asio::io_context& io, const std::shared_ptr<Signal>& signal) {
  asio::post(io, [signal] {
    signal->raised = true;
    signal->timer.cancel();
  });
}

struct MemorySignal {
  explicit MemorySignal(asio::io_context& io) : timer(io) {}
  asio::steady_timer timer;
  bool raised = false;
};

struct LoopWaiter final : Waiter {
  LoopWaiter(Loop& l, std::shared_ptr<MemorySignal> s) : loop(l), signal(std::move(s)) {}
  void finished() noexcept override { raise(loop.io, signal); }
  Loop& loop;
  std::shared_ptr<MemorySignal> signal;
};

}  // namespace

asio::awaitable<Charge> wait_for_memory(Loop& loop, Account& account, Bytes bytes, MonotonicTime deadline,
                                        const char* cause) {
  auto signal = std::make_shared<MemorySignal>(loop.io);
  LoopWaiter waiter(loop, signal);
  loop.node.line.enqueue(waiter, account, bytes, deadline, cause);
  co_await wait_on(signal, deadline);
  loop.node.line.cancel(waiter);
  co_return waiter.take_charge();
}

GatePass::GatePass(Loop& loop) : loop_(loop) {}
GatePass::~GatePass() { leave(); }

void GatePass::leave() {
  if (std::exchange(entered_, false)) loop_.node.gate.leave(*this);
}

bool GatePass::extend(Bytes size) { return loop_.node.gate.extend(*this, size); }

void GatePass::admitted() noexcept { raise(loop_.io, signal_); }

asio::awaitable<bool> GatePass::enter(Bytes size, MonotonicTime deadline) {
  signal_ = std::make_shared<Signal>(loop_.io);
  entered_ = true;
  if (loop_.node.gate.enter(*this, size)) co_return true;
  co_await wait_on(signal_, deadline);
  if (!signal_->raised) leave();
  co_return signal_->raised;
}

}  // namespace plimsoll
