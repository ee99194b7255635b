// Charge: the right to hold so many bytes of an Account, as a move-only value.
//
// Why: a right that returns by itself cannot leak, and whoever holds the memory holds the charge (after
// DuckDB's buffer pool reservation). An empty Charge is a refusal. Invariant: the sum of all charges of an
// account is what the account uses.
//
//   Charge charge = account.charge(64_KiB);
//   if (!charge) return out_of_memory();       // refused: nothing was taken
//   ... hold the memory as long as `charge` lives ...
//
// Thread-safety: one thread at a time; may be moved to and released on any. Cost: 16 bytes; releasing is some
// atomic subtractions, one for each account up the tree. Limits: none. Errors: none; shrinking by more than
// size() aborts. Ownership: refers to its account, which must outlive it.
#pragma once

#include <utility>

#include "plimsoll/base/bytes.h"

namespace plimsoll {

class Account;

class [[nodiscard]] Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept
      : account_(std::exchange(other.account_, nullptr)), bytes_(std::exchange(other.bytes_, Bytes())) {}
  Charge& operator=(Charge&& other) noexcept {
    if (this != &other) {
      release();
      account_ = std::exchange(other.account_, nullptr);
      bytes_ = std::exchange(other.bytes_, Bytes());
    }
    return *this;
  }
  ~Charge() { release(); }

  explicit operator bool() const { return account_ != nullptr; }
  Bytes size() const { return bytes_; }
  Account* account() const { return account_; }

  // Takes `more` on top; false (and unchanged) when refused. REQUIRES: not empty.
  [[nodiscard]] bool grow(Bytes more) noexcept;
  // Gives `less` back. REQUIRES: less <= size().
  void shrink(Bytes less) noexcept;
  // Cuts `part` off into a charge of its own. REQUIRES: part <= size().
  Charge split(Bytes part) noexcept;
  // Adds `other`, which is of the same account or empty, to this one.
  void merge(Charge other) noexcept;
  // Moves the charge to another account; false (and unchanged) when that one's maximum refuses it.
  [[nodiscard]] bool transfer(Account& to) noexcept;
  void release() noexcept;

  // As two plain words, for a face in another language: disown() forgets the right without giving it back,
  // and adopt() takes it over. REQUIRES: each that was disowned is adopted once.
  Bytes disown() noexcept {
    account_ = nullptr;
    return std::exchange(bytes_, Bytes());
  }
  static Charge adopt(Account& account, Bytes bytes) noexcept { return {&account, bytes}; }

 private:
  friend class Account;
  friend class LoadLine;
  Charge(Account* account, Bytes bytes) : account_(account), bytes_(bytes) {}

  Account* account_ = nullptr;
  Bytes bytes_;
};

}  // namespace plimsoll
