// Whatever a level gives back is a record of the key or nothing; a record that was changed anywhere is
// nothing.
#include <string>

#include "plimsoll/base/check.h"
#include "plimsoll/cache/internal/level_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using plimsoll::LevelRecord;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (std::string_view key : {std::string_view("key"), std::string_view()}) {
    if (const auto record = LevelRecord::decode(key, bytes)) {
      PLIMSOLL_CHECK(LevelRecord::encode(key, record->value, record->expires_at_ms) == bytes);
    }
  }
  const std::string_view key = bytes.substr(0, size / 3);
  const std::string_view value = bytes.substr(size / 3);
  std::string written = LevelRecord::encode(key, value, static_cast<std::int64_t>(size));
  PLIMSOLL_CHECK(LevelRecord::decode(key, written)->value == value);
  if (size == 0) return 0;
  written[data[0] % written.size()] ^= static_cast<char>(1 + data[size - 1] % 255);
  PLIMSOLL_CHECK(!LevelRecord::decode(key, written), "a damaged record was taken");
  return 0;
}
