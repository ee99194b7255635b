// Waiter: a place in the line's queue, for an event loop that must not block.
//
// A wait owns the action that ends it: the bytes wanted are part of what the governor reclaims, a release
// serves the queue, and the deadline ends it in any case. (A store whose write stall waited for a flush that
// nobody had scheduled waited for hours.) Served first come first served within an account, and nobody
// overtakes one the whole line is too full for.
//
//   struct MyWait : Waiter { void finished() noexcept override { loop.post(...); } };   // then look at
//   charge() line.enqueue(wait, account, 1_MiB, deadline, "body");
//
// Thread-safety: finished() is called on whichever thread released memory or noticed the deadline, with the
// queue locked: it must only post, and must not touch the line. Cost: a lock, and a scan of the queue.
// Limits: none. Errors: charge() is empty when the deadline passed. Ownership: the caller's; it must stay
// until finished() was called or LoadLine::cancel returned.
#pragma once

#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/budget/charge.h"

namespace plimsoll {

class Waiter {
 public:
  virtual ~Waiter() = default;
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
  bool queued_ = false;
  Charge charge_;
};

}  // namespace plimsoll
