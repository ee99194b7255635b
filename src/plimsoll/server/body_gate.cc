#include "plimsoll/server/body_gate.h"

#include <algorithm>

namespace plimsoll {

bool BodyGate::fits(Bytes size) const { return !enforce_ || admitted_.plus_clamped(size) <= maximum_; }

bool BodyGate::is_too_large(const Ticket& ticket) const { return enforce_ && ticket.size_ > maximum_; }

bool BodyGate::nobody_is_ahead() const {
  for (const Ticket* ticket : queue_) {
    if (!is_too_large(*ticket)) return false;
  }
  return true;
}

bool BodyGate::could_admit(Bytes size) const {
  MutexLock lock(mutex_);
  return !enforce_ || size <= maximum_;
}

bool BodyGate::enter(Ticket& ticket, Bytes size) {
  MutexLock lock(mutex_);
  ticket.size_ = size;
  if (nobody_is_ahead() && fits(size)) {
    admitted_ += size;
    return true;
  }
  queue_.push_back(&ticket);
  return false;
}

bool BodyGate::extend(Ticket& ticket, Bytes size) {
  MutexLock lock(mutex_);
  if (!fits(size)) return false;
  ticket.size_ += size;
  admitted_ += size;
  return true;
}

void BodyGate::leave(Ticket& ticket) {
  MutexLock lock(mutex_);
  auto place = std::find(queue_.begin(), queue_.end(), &ticket);
  if (place != queue_.end()) {
    queue_.erase(place);
  } else {
    admitted_ -= ticket.size_;
  }
  let_in();
}

// In order; but whoever came before the maximum fell below its size holds nobody up until its wait ends.
void BodyGate::let_in() {
  for (auto next = queue_.begin(); next != queue_.end();) {
    Ticket* ticket = *next;
    if (is_too_large(*ticket)) {
      ++next;
      continue;
    }
    if (!fits(ticket->size_)) return;
    next = queue_.erase(next);
    admitted_ += ticket->size_;
    ticket->admitted();
  }
}

void BodyGate::set_maximum(Bytes maximum) {
  MutexLock lock(mutex_);
  maximum_ = maximum;
  let_in();
}

Bytes BodyGate::admitted() const {
  MutexLock lock(mutex_);
  return admitted_;
}

std::size_t BodyGate::waiting() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

}  // namespace plimsoll
