// MemoryWait and GateWait: a coroutine's wait for memory, or for its turn at the body gate.
//
//   Charge charge = co_await wait_for_memory(loop, account, 64_KiB, deadline, "body");
//
// Thread-safety: the coroutine's loop; whoever grants only posts to it. Cost: a timer and an allocation a
// wait. Limits: none. Errors: an empty charge or false when the deadline passed or the connection was closed.
// Ownership: in the coroutine's frame, with a shared part for what is posted.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/server/body_gate.h"

namespace plimsoll {

class Loop;

asio::awaitable<Charge> wait_for_memory(Loop& loop, Account& account, Bytes bytes, MonotonicTime deadline,
                                        const char* cause);

// A place at the gate, given back when it ends.
class GatePass final : public BodyGate::Ticket {
 public:
  explicit GatePass(Loop& loop);
  ~GatePass() override;

  asio::awaitable<bool> enter(Bytes size, MonotonicTime deadline);
  [[nodiscard]] bool extend(Bytes size);  // REQUIRES: entered
  void leave();
  void admitted() noexcept override;

 private:
  struct Signal;
  Loop& loop_;
  std::shared_ptr<Signal> signal_;
  bool entered_ = false;
};

}  // namespace plimsoll
