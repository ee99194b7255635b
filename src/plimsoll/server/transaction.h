// Transaction: what a client has said between MULTI and EXEC, and the keys it watches.
//
// Requests are kept as they came, each in one piece of the heap, large values in the pages they came in. What
// is kept is charged before it is, piece by piece, and bounded by a share of the server's plan: a client that
// says more is refused, and with it the whole transaction, as Redis does for lack of memory.
// Invariant: charged() covers what is kept, but for the pages of large values, which their receiver charged.
//
// Thread-safety: the connection's loop, or whoever is alone. Cost: about 150 bytes a request beyond its
// arguments, and 200 a watched key beyond its own. Limits: `maximum` bytes. Errors: false when refused.
// Ownership: its session's; the charges' account must outlive it.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/budget/account.h"
#include "plimsoll/cache/byte_cache.h"

namespace plimsoll {

class Transaction {
 public:
  class Request {
   public:
    // Takes the arguments' bytes by copy, and the bodies.
    Request(std::span<const std::string_view> args, std::span<ExtentRef> bodies);
    // What it will take.
    static Bytes size(std::span<const std::string_view> args, std::span<const ExtentRef> bodies);

    void arguments(std::vector<std::string_view>& args) const;  // which live as long as the request
    std::span<ExtentRef> bodies() { return bodies_; }

   private:
    std::vector<std::uint32_t> sizes_;
    std::vector<ExtentRef> bodies_;
    std::string bytes_;  // of all arguments that have no body, one after the other
  };
  struct Watched {
    std::string key;
    unsigned database;
    bool existed;
  };
  static constexpr Bytes kWatched = Bytes(200);  // that one takes, beyond its key

  // After MULTI: requests are queued.
  bool begun() const { return begun_; }
  void begin() { begun_ = true; }
  // An error on the way in: EXEC will refuse.
  bool failed() const { return failed_; }
  void fail() { failed_ = true; }

  void hold(Charge charge) { charge_.merge(std::move(charge)); }
  Bytes charged() const { return charge_.size(); }
  void add(std::span<const std::string_view> args, std::span<ExtentRef> bodies);
  std::list<Request>& requests() { return requests_; }
  std::size_t count() const { return requests_.size(); }
  bool holds_bodies() const { return bodies_ > 0; }

  // A watched key has changed.
  bool touched() const { return touched_ || watcher_.told(); }
  void touch() { touched_ = true; }
  KeyWatcher& watcher() { return watcher_; }
  std::vector<Watched>& watched() { return watched_; }
  const std::vector<Watched>& watched() const { return watched_; }

 private:
  bool begun_ = false;
  bool failed_ = false;
  bool touched_ = false;
  std::size_t bodies_ = 0;
  std::list<Request> requests_;
  std::vector<Watched> watched_;
  KeyWatcher watcher_;
  Charge charge_;
};

}  // namespace plimsoll
