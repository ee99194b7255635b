// NameLookup: the addresses of a host's name, looked up on a thread of its own.
//
// Why a thread: the system's resolver blocks for as long as it likes (with glibc's defaults ten seconds for
// each server of names that is silent), and cannot be told when it is waited for no longer. So whoever needs
// the addresses gets those that are known, and waits for the first ones only until his own deadline. They are
// looked up again when they are old, or when nobody answers at them. Invariant: what was found once is kept
// until something else is found.
//
// Thread-safety: all methods from any thread. Cost: a lock and a copy of some hundred bytes; a thread, unless
// the name is an address already. Limits: its end waits for a question that is out: about two seconds for
// each server of names that is silent. Errors: no address. Ownership: owns its thread.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

class NameLookup {
 public:
  using Addresses = std::vector<SocketAddress>;
  // Blocks; empty: not found.
  using Ask = std::function<Addresses(const std::string& host, std::uint16_t port)>;
  static constexpr std::chrono::seconds kFresh{60};

  static Addresses ask_system(const std::string& host, std::uint16_t port);

  NameLookup(std::string host, std::uint16_t port, Ask ask = &ask_system);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // Those known; while there are none, those that are found before `deadline`, or none.
  Addresses addresses(MonotonicTime deadline);
  // Nobody answers at them: they are looked up again, meanwhile.
  void doubt();

 private:
  void run();
  void want() PLIMSOLL_REQUIRES(mutex_);

  const std::string host_;
  const std::uint16_t port_;
  const Ask ask_;
  Mutex mutex_;
  CondVar wanted_or_stopping_;
  CondVar answered_;
  Addresses known_ PLIMSOLL_GUARDED_BY(mutex_);
  MonotonicTime found_ PLIMSOLL_GUARDED_BY(mutex_){};      // when they were
  std::uint64_t answers_ PLIMSOLL_GUARDED_BY(mutex_) = 0;  // also empty ones
  bool wanted_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool asking_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool stopping_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // none: it is no name
};

}  // namespace plimsoll
