// StuckLookup: a resolver for tests that answers when it is told to, and not before.
//
// Thread-safety: all methods from any thread. Cost: a lock. Limits: IPv4. Errors: none. Ownership: it must
// outlive whoever asks, who ends only when all his questions are answered.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include <deque>
#include <string>

#include "plimsoll/base/mutex.h"
#include "plimsoll/server/name_lookup.h"

namespace plimsoll {

class StuckLookup {
 public:
  // Each question waits for one answer().
  NameLookup::Ask ask() {
    return [this](const std::string&, std::uint16_t port) { return wait(port); };
  }
  // An address, or empty: nobody knows the name.
  void answer(std::string address) {
    MutexLock lock(mutex_);
    answers_.push_back(std::move(address));
    changed_.notify_all();
  }
  int asked() {
    MutexLock lock(mutex_);
    return asked_;
  }

 private:
  NameLookup::Addresses wait(std::uint16_t port) {
    MutexLock lock(mutex_);
    ++asked_;
    while (answers_.empty()) changed_.wait(mutex_);
    const std::string address = answers_.front();
    answers_.pop_front();
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) != 1) return {};
    SocketAddress found{.storage = {}, .size = sizeof v4};
    reinterpret_cast<sockaddr_in&>(found.storage) = v4;
    return {found};
  }

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> answers_ PLIMSOLL_GUARDED_BY(mutex_);
  int asked_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plimsoll
