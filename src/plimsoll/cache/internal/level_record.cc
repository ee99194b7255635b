#include "plimsoll/cache/internal/level_record.h"

#include <bit>
#include <cstring>

#include "plimsoll/base/hash.h"

namespace plimsoll {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they lie in memory");

constexpr std::uint32_t kVersion = 1;

struct Header {
  std::uint32_t version;
  std::uint32_t key_size;
  std::int64_t expires_at_ms;
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == LevelRecord::kHeader);

std::uint64_t checksum_of(const Header& header, std::string_view rest) {
  const auto seed =
      static_cast<std::uint64_t>(header.expires_at_ms) ^ (std::uint64_t{header.key_size} << 32 | kVersion);
  return hash64(rest, seed);
}

}  // namespace

std::string LevelRecord::encode(std::string_view key, std::string_view value, std::int64_t expires_at_ms) {
  std::string bytes(kHeader, '\0');
  bytes.reserve(kHeader + key.size() + value.size());
  bytes.append(key).append(value);
  Header header{kVersion, static_cast<std::uint32_t>(key.size()), expires_at_ms, 0};
  header.checksum = checksum_of(header, std::string_view(bytes).substr(kHeader));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::optional<LevelRecord> LevelRecord::decode(std::string_view key, std::string_view bytes) {
  if (bytes.size() < kHeader + key.size()) return std::nullopt;
  Header header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::string_view rest = bytes.substr(kHeader);
  if (header.version != kVersion || header.key_size != key.size() || rest.substr(0, key.size()) != key ||
      header.checksum != checksum_of(header, rest)) {
    return std::nullopt;
  }
  return LevelRecord{rest.substr(key.size()), header.expires_at_ms};
}

}  // namespace plimsoll
