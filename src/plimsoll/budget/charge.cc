#include "plimsoll/budget/charge.h"

#include "plimsoll/budget/account.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {

bool Charge::grow(Bytes more) noexcept {
  PLIMSOLL_CHECK(account_ != nullptr, "an empty charge cannot grow");
  Charge added = account_->charge(more);
  if (!added) return false;
  merge(std::move(added));
  return true;
}

void Charge::shrink(Bytes less) noexcept { split(less).release(); }

Charge Charge::split(Bytes part) noexcept {
  PLIMSOLL_CHECK(part <= bytes_, "%llu of %llu bytes", static_cast<unsigned long long>(part.count()),
                 static_cast<unsigned long long>(bytes_.count()));
  bytes_ -= part;
  return Charge(account_, part);
}

void Charge::merge(Charge other) noexcept {
  if (!other) return;
  if (!account_) {
    *this = std::move(other);
    return;
  }
  PLIMSOLL_CHECK(other.account_ == account_, "%s and %s", account_->name().c_str(),
                 other.account_->name().c_str());
  bytes_ += other.bytes_;
  other.account_ = nullptr;
  other.bytes_ = Bytes();
}

bool Charge::transfer(Account& to) noexcept {
  if (!account_ || account_ == &to) return true;
  LoadLine& line = to.line();
  PLIMSOLL_CHECK(&line == &account_->line(), "accounts of two lines");
  // The total does not change, so only the new account's own bounds are asked.
  if (!line.move(*account_, to, bytes_.signed_count())) return false;
  account_ = &to;
  return true;
}

void Charge::release() noexcept {
  if (!account_) return;
  account_->line().give(*account_, bytes_.signed_count());
  account_ = nullptr;
  bytes_ = Bytes();
}

}  // namespace plimsoll
