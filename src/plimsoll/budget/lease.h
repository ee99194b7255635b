// Lease: a thread's float of an account, from which small charges are taken without an atomic operation.
//
// An event loop charges hundreds of small things a millisecond. The lease charges its account in chunks,
// hands parts out by plain subtraction and returns what it has too much of. Invariant: outstanding() + idle()
// == what the account was charged; idle() <= 2 chunks after every give().
//
//   if (!lease.take(2_KiB)) return refuse();
//   ...
//   lease.give(2_KiB);
//
// Thread-safety: one thread. Cost: about a nanosecond; an Account charge once a chunk. Limits: none. Errors:
// take() says no; giving more than was taken aborts. Ownership: refers to the account, which must outlive it.
#pragma once

#include "plimsoll/budget/account.h"

namespace plimsoll {

class Lease {
 public:
  explicit Lease(Account& account, Bytes chunk = 64_KiB) : account_(account), chunk_(chunk) {}
  ~Lease() {
    PLIMSOLL_CHECK(outstanding_.zero(), "%llu bytes still out",
                   static_cast<unsigned long long>(outstanding_.count()));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  [[nodiscard]] bool take(Bytes bytes) noexcept {
    if (bytes > idle_ && !refill(bytes)) return false;
    idle_ -= bytes;
    outstanding_ += bytes;
    return true;
  }
  // For memory that is already held: cannot be refused.
  void take_held(Bytes bytes) noexcept;
  void give(Bytes bytes) noexcept;

  Account& account() const { return account_; }
  Bytes outstanding() const { return outstanding_; }
  Bytes idle() const { return idle_; }

 private:
  bool refill(Bytes bytes) noexcept;

  Account& account_;
  const Bytes chunk_;
  Charge charge_;  // == outstanding_ + idle_
  Bytes outstanding_;
  Bytes idle_;
};

}  // namespace plimsoll
