#include "plimsoll/server/name_lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>

#include <cstring>
#include <memory>
#include <utility>

namespace plimsoll {
namespace {

NameLookup::Addresses ask(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> kept(found, &::freeaddrinfo);
  NameLookup::Addresses addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    SocketAddress address{.storage = {}, .size = at->ai_addrlen};
    if (at->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

NameLookup::Addresses NameLookup::ask_system(const std::string& host, std::uint16_t port) {
  // This thread's resolver asks once and waits two seconds: who wants the address asks again anyway. Anew
  // each time, as settings that a program has changed are not read again when the file is.
  ::res_init();
  _res.retrans = 2;
  _res.retry = 1;
  return ask(host, port, 0);
}

NameLookup::NameLookup(std::string host, std::uint16_t port, Ask ask_with)
    : host_(std::move(host)),
      port_(port),
      ask_(std::move(ask_with)),
      known_(ask(host_, port_, AI_NUMERICHOST)),
      wanted_(known_.empty()) {
  if (!known_.empty()) return;
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "plimsoll-names");
}

NameLookup::~NameLookup() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wanted_or_stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void NameLookup::want() {
  if (!thread_.joinable() || asking_) return;  // what is out answers this too
  wanted_ = true;
  wanted_or_stopping_.notify_all();
}

void NameLookup::doubt() {
  MutexLock lock(mutex_);
  want();
}

NameLookup::Addresses NameLookup::addresses(MonotonicTime deadline) {
  MutexLock lock(mutex_);
  if (known_.empty() || std::chrono::steady_clock::now() - found_ > kFresh) want();
  // Until the next answer, whatever it is: who asks is told that nobody knows the name before his deadline.
  const std::uint64_t before = answers_;
  while (known_.empty() && answers_ == before && !stopping_ && std::chrono::steady_clock::now() < deadline)
    answered_.wait_until(mutex_, deadline);
  return known_;
}

void NameLookup::run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!wanted_ && !stopping_) wanted_or_stopping_.wait(mutex_);
      if (stopping_) return;
      wanted_ = false;
      asking_ = true;
    }
    Addresses found = ask_(host_, port_);
    {
      MutexLock lock(mutex_);
      asking_ = false;
      ++answers_;
      if (!found.empty()) {
        known_ = std::move(found);
        found_ = std::chrono::steady_clock::now();
      }
    }
    answered_.notify_all();
  }
}

}  // namespace plimsoll
