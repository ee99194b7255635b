// ItemStore: puts items into a server over one connection, by Redis's protocol or memcached's, and sees that
// each was taken.
//
// Why: what an item costs is measured beside both, after the same items of the same sizes.
//
//   ItemStore store(server, StoreProtocol::kResp);
//   if (!store.put(0, 1000, 16, [](std::uint64_t) { return 100; })) ...
//
// Thread-safety: one thread. Cost: about a microsecond an item. Limits: keys of key_name("k", ...). Errors:
// false when one was refused or the connection ended; then the store is of no further use. Ownership: of its
// socket.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "plimsoll/cli/flood_server.h"
#include "plimsoll/cli/load_socket.h"
#include "plimsoll/cli/load_value.h"

namespace plimsoll {

enum class StoreProtocol : std::uint8_t { kResp, kMemcached };
using ItemSize = std::function<std::size_t(std::uint64_t item)>;

class ItemStore {
 public:
  ItemStore(const FloodServer& server, StoreProtocol protocol);

  // Items from, from + 1 ... to - 1, or what takes their place.
  bool put(std::uint64_t from, std::uint64_t to, std::size_t key_width, const ItemSize& size_of);

 private:
  void append(std::string& text, std::uint64_t item, std::size_t key_width, std::size_t size) const;
  bool exchange(const std::string& text, std::uint64_t requests, MonotonicTime deadline);

  const StoreProtocol protocol_;
  const ValueSource values_;
  LoadSocket socket_;
};

}  // namespace plimsoll
