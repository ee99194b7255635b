// BodyGate: lets large request bodies in, first come first served, as long as their full sizes fit together.
//
// A body is admitted against its full size before its first byte is read, and charged only as it arrives.
// Because the sum of what was admitted is bounded, every admitted body can be finished; without that, bodies
// that each hold half of what they need would wait for one another. Invariant: admitted() <= maximum, and
// whoever waits was refused in order of arrival.
//
// Thread-safety: any thread; Ticket::admitted is called on the thread that made room, with the gate locked:
// it must only post. Cost: a lock. Limits: none. Errors: a body above the maximum is never admitted: ask
// could_admit() first. Ownership: a Ticket belongs to its body and must outlive its wait.
#pragma once

#include <deque>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {

class BodyGate {
 public:
  class Ticket {
   public:
    virtual ~Ticket() = default;
    virtual void admitted() noexcept = 0;

   private:
    friend class BodyGate;
    Bytes size_;
  };

  explicit BodyGate(Bytes maximum, bool enforce) : enforce_(enforce), maximum_(maximum) {}

  bool could_admit(Bytes size) const;
  // True: admitted now. False: `ticket` waits, and admitted() will be called unless leave() comes first.
  bool enter(Ticket& ticket, Bytes size);
  // As much more for one that is in, now or not at all: whoever is in must never wait for others who are.
  [[nodiscard]] bool extend(Ticket& ticket, Bytes size);
  // Gives back what was admitted, or the place in the queue. REQUIRES: entered, and not left yet.
  void leave(Ticket& ticket);

  void set_maximum(Bytes maximum);
  Bytes admitted() const;
  std::size_t waiting() const;

 private:
  void let_in() PLIMSOLL_REQUIRES(mutex_);
  bool fits(Bytes size) const PLIMSOLL_REQUIRES(mutex_);
  bool is_too_large(const Ticket& ticket) const PLIMSOLL_REQUIRES(mutex_);
  bool nobody_is_ahead() const PLIMSOLL_REQUIRES(mutex_);

  const bool enforce_;
  mutable Mutex mutex_;
  Bytes maximum_ PLIMSOLL_GUARDED_BY(mutex_);
  Bytes admitted_ PLIMSOLL_GUARDED_BY(mutex_);
  std::deque<Ticket*> queue_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
