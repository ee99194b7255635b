// LevelRecord: how a value is written to a level below memory, so that what comes back is known to be it.
//
//   version (1) | zeros (3) | key's length (4) | when it ends, Unix ms or -1 (8) | checksum (8) | key | value
//
// Numbers are little-endian; the checksum (XXH3) is of the bytes behind it, with the number before it as its
// seed. The key is in it because a level may know it by a hash, and because a disk can give back a
// neighbour's block whole.
//
// Thread-safety: values. Cost: a copy and 0.1 ns a byte. Limits: keys and values of 32 bits. Errors: nothing
// when the bytes are not a record of that key. Ownership: a decoded value is a view.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll {

struct LevelRecord {
  static constexpr std::size_t kHeader = 24;

  std::string_view value;
  std::int64_t expires_at_ms = -1;

  static std::string encode(std::string_view key, std::string_view value, std::int64_t expires_at_ms);
  static std::optional<LevelRecord> decode(std::string_view key, std::string_view bytes);
};

}  // namespace plimsoll
