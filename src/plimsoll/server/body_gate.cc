#include "plimsoll/server/body_gate.h"

#include <algorithm>

namespace plimsoll {

bool BodyGate::fits(Bytes size) const { return !enforce_ || admitted_.plus_clamped(size) <= maximum_; }

bool BodyGate::could_admit(Bytes size) const {
  MutexLock lock(mutex_);
  return !enforce_ || size <= maximum_;
}

bool BodyGate::enter(Ticket& ticket, Bytes size) {
  MutexLock lock(mutex_);
  ticket.size_ = size;
  if (queue_.empty() && fits(size)) {
    admitted_ += size;
    return true;
  }
  queue_.push_back(&ticket);
  return false;
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

void BodyGate::let_in() {
  while (!queue_.empty() && fits(queue_.front()->size_)) {
    Ticket* first = queue_.front();
    queue_.pop_front();
    admitted_ += first->size_;
    first->admitted();
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
