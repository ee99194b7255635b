// RemoteLevel: a Redis or memcached server as the level below memory.
//
// For those who have one already and outgrow one machine's memory. Keys are hashed into a namespace that is
// drawn anew at each start, so that nothing is ever read that another life, or another server, has written;
// what an earlier life left ends by itself within a day. A connection a thread that calls; every call ends
// within `call_time`, looking up the host's name included, and a call that fails closes its connection.
// Invariant: what is not known to have been done is failed, so that the LowerLevel draws a new namespace.
//
// Thread-safety: all methods from any thread. Cost: a round trip a batch. Limits: values to 1 MiB, which is
// memcached's own; its end may wait for a name that is being looked up (server/name_lookup.h). Errors:
// kFailed with words(). Ownership: owns its connections.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/level.h"
#include "plimsoll/server/name_lookup.h"

namespace plimsoll {

struct RemoteAddress {
  enum class Kind : std::uint8_t { kRedis, kMemcached };
  Kind kind = Kind::kRedis;
  std::string host;
  std::uint16_t port = 0;
  std::string password;

  // "redis://[:PASSWORD@]HOST[:PORT]", "memcached://HOST[:PORT]".
  static std::optional<RemoteAddress> parse(std::string_view text);
};

class RemoteLevel final : public CacheLevel {
 public:
  explicit RemoteLevel(RemoteAddress address,
                       std::chrono::milliseconds call_time = std::chrono::milliseconds(500),
                       NameLookup::Ask ask = &NameLookup::ask_system);
  ~RemoteLevel() override;

  std::vector<std::uint32_t> generations() override;
  Outcome begin(std::uint32_t generation) override;
  Outcome drop_before(std::uint32_t generation) override;
  Outcome write(std::span<const Write> writes) override;
  Outcome read(std::uint32_t generation, std::string_view key, std::string& value) override;
  Outcome each_key(std::uint32_t, std::string_view, const std::function<bool(std::string_view)>&) override {
    return Outcome::kDone;
  }
  void distrust() override {}  // who comes next draws another namespace
  Outcome restart() override;
  Figures figures() override { return {}; }
  std::string words() override;

 private:
  class Connection;
  static constexpr std::size_t kConnections = 8;

  // One that is free, connected; null when the server does not answer, and words() says it.
  std::unique_ptr<Connection> take();
  std::unique_ptr<Connection> connect();
  void give(std::unique_ptr<Connection> connection);
  Outcome failed(std::string words);
  Outcome silent() { return failed(address_.host + " does not answer"); }
  std::string name_of(std::uint32_t generation, std::string_view key);
  bool knows(std::uint32_t generation);

  const RemoteAddress address_;
  const std::chrono::milliseconds call_time_;
  NameLookup names_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> free_ PLIMSOLL_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> generations_ PLIMSOLL_GUARDED_BY(mutex_);
  std::string namespace_ PLIMSOLL_GUARDED_BY(mutex_);
  std::string words_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
