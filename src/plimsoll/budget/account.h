// Account: a named share of the line, in a tree.
//
// An account states what it is guaranteed, what it may reach and what kind of memory it holds; it knows what
// it uses. Guarantees that are not used are lent to droppable accounts, and called back from them by the
// governor; accounts that cannot be dropped never borrow, and are not kept out by what was lent. A child's
// use is part of its parent's.
//
// Invariant: used() == the sum of its charges and its children's; granted only while used() <= maximum() for
// it and every account above it, and, at the root, while the line holds.
//
// Thread-safety: all methods from any thread. Cost: a charge is two to four atomic additions (about 25 ns),
// so charge by slab, by segment or through a Lease, never by object. Limits: none on depth; a few dozen
// accounts are expected, of 1.2 KiB each; a guarantee counts as far as the guarantees above it cover it.
// Errors: an empty Charge is a refusal (near the bound possibly because of another's attempt that was refused
// too); an account that ends while in use aborts. Ownership: by its LoadLine.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/result.h"
#include "plimsoll/budget/charge.h"
#include "plimsoll/budget/tally.h"

namespace plimsoll {

class LoadLine;
class Waiter;

// What it takes to get the memory of an account back.
enum class AccountKind : std::uint8_t {
  kDroppable,  // at once, by forgetting: caches
  kFlushable,  // after writing it somewhere
  kWaitable,   // by itself, when requests under way end
  kPinned,     // not while the process lives as it does
};
std::string_view name_of(AccountKind kind);

struct AccountOptions {
  std::string name;  // [a-z0-9_]+; becomes a label of the metrics
  AccountKind kind = AccountKind::kPinned;
  Bytes guarantee{};
  Bytes maximum = Bytes::max();
};

class Account {
 public:
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // Granted in full, or empty. Refused while a Waiter of this account is ahead in the queue.
  Charge charge(Bytes bytes) noexcept;
  // Waits up to `deadline` (of the system's clock) for `bytes`, first come first served. For threads that may
  // block; event loops enqueue a Waiter. Errors: kTimedOut; kOutOfRange when it could never hold that much.
  Result<Charge> charge_before(Bytes bytes, MonotonicTime deadline);
  // For memory that is already held (measured, not asked for): always granted, even above the line.
  Charge charge_held(Bytes bytes) noexcept;

  // Pinned bytes of a droppable account cannot be dropped while they are: a value that is being sent. Counted
  // for other kinds too, where it changes nothing.
  void pin(Bytes bytes) noexcept;
  void unpin(Bytes bytes) noexcept;

  const std::string& name() const { return name_; }
  AccountKind kind() const { return kind_.load(std::memory_order_relaxed); }
  Account* parent() const { return parent_; }
  LoadLine& line() const { return line_; }

  Bytes used() const { return Bytes::clamped(used_.load(std::memory_order_relaxed)); }
  Bytes pinned() const { return Bytes::clamped(pinned_.load(std::memory_order_relaxed)); }
  Bytes peak() const { return Bytes::clamped(peak_.load(std::memory_order_relaxed)); }
  // All that was ever charged to it or below it, and all that was given back. What moves between accounts
  // counts in both, as charged here and released there. They fit together but for charges under way.
  std::uint64_t charged_total() const { return charged_total_.total(); }
  std::uint64_t released_total() const {
    const std::uint64_t charged = charged_total();
    return charged - std::min(charged, used().count());
  }
  Bytes guarantee() const { return Bytes::clamped(guarantee_.load(std::memory_order_relaxed)); }
  Bytes maximum() const { return Bytes::clamped(maximum_.load(std::memory_order_relaxed)); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  // What could be dropped at once: zero unless kDroppable; never below the guarantee, never what is pinned.
  Bytes droppable() const;

  // Lowered below used(), nothing more is granted, and the governor calls back what is above.
  void set_maximum(Bytes maximum) noexcept;
  void set_guarantee(Bytes guarantee) noexcept;
  // A cache that is told not to evict holds memory that cannot be dropped. REQUIRES: no accounts are below
  // it, if it becomes droppable.
  void set_kind(AccountKind kind) noexcept;

 private:
  friend class LoadLine;
  friend class Charge;
  Account(LoadLine& line, Account* parent, AccountOptions options);

  LoadLine& line_;
  Account* const parent_;  // null at the root
  const std::string name_;
  std::atomic<AccountKind> kind_;

  // Signed, because an addition that is refused is visible to others until it is undone.
  std::atomic<std::int64_t> used_{0};
  std::atomic<std::int64_t> guarantee_;
  std::atomic<std::int64_t> maximum_;
  std::atomic<std::int64_t> pinned_{0};
  std::atomic<std::int64_t> peak_{0};
  std::atomic<std::uint64_t> refused_{0};
  Tally charged_total_;
  std::atomic<std::uint32_t> waiting_{0};
  // The queue of its waiters, under the line's lock for them.
  Waiter* first_waiter_ = nullptr;
  Waiter* last_waiter_ = nullptr;
  std::uint64_t waiting_bytes_ = 0;
  bool stuck_ = false;  // while serving: its first waiter did not fit
  // Siblings, newest first; links are written before they are published and never change after.
  std::atomic<Account*> first_child_{nullptr};
  Account* next_sibling_ = nullptr;
  Account* next_droppable_ = nullptr;  // the same, of those that are or were droppable
  bool listed_droppable_ = false;      // under the line's lock for the tree
};

}  // namespace plimsoll
