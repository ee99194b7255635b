// Waiter: a place in the line's queue, for an event loop that must not block.
//
// A wait owns the action that ends it: the bytes wanted are part of what the governor reclaims, a release
// serves the queue, and the deadline ends it in any case. (A store whose write stall waited for a flush that
// nobody had scheduled waited for hours.) Served first come first served within an account. One for whom the
// whole line is too full is overtaken by no later waiter, except within a guarantee, and droppable accounts
// keep away from what it waits for; a charge() of another account may still be granted meanwhile.
//
//   struct MyWait : Waiter { void finished() noexcept override { loop.post(...); } };
//   line.enqueue(wait, account, 1_MiB, deadline, "body");    // once finished: wait.take_charge()
//
// Thread-safety: finished() is called on whichever thread released memory or noticed the deadline, with the
// queue locked: it must only post, and must not touch the line. Cost: a lock; serving looks at the first
// waiter of each account, ending those whose deadline passed at all of them. Limits: none. Errors:
// take_charge() is empty when the deadline passed, or when the account could never hold that much (at once).
// Ownership: the caller's; it must stay until finished() was called or LoadLine::cancel returned.
#pragma once

#include <cstdint>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/check.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/budget/charge.h"

namespace plimsoll {

class Waiter {
 public:
  Waiter() = default;
  virtual ~Waiter() { PLIMSOLL_CHECK(!queued_, "a waiter ended while it waits"); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  virtual void finished() noexcept = 0;

  // After finished(): what was granted, or empty.
  Charge take_charge() { return std::move(charge_); }

 private:
  friend class LoadLine;
  Account* account_ = nullptr;
  Bytes bytes_;
  MonotonicTime since_;
  MonotonicTime deadline_;
  std::string_view cause_;
  std::uint64_t number_ = 0;  // in order of arrival
  bool queued_ = false;
  Waiter* before_ = nullptr;  // in the same account's queue
  Waiter* after_ = nullptr;
  Charge charge_;
};

}  // namespace plimsoll
