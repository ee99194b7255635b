#include "plimsoll/cli/load_value.h"

#include <charconv>
#include <cstring>

#include "plimsoll/base/check.h"
#include "plimsoll/base/random.h"

namespace plimsoll {

ValueSource::ValueSource() {
  pattern_.resize(kPattern);
  Random random(0x706c696d736f6c6c);  // fixed: another process must get the same bytes
  for (std::size_t at = 0; at < kPattern; at += sizeof(std::uint64_t)) {
    std::uint64_t word = random();
    std::memcpy(pattern_.data() + at, &word, sizeof word);
  }
}

std::string_view ValueSource::value(std::uint64_t key, std::uint32_t version, std::size_t size) const {
  PLIMSOLL_CHECK(size <= kLargest, "%zu bytes", size);
  std::uint64_t state = key * 0x9e3779b97f4a7c15 + version;
  std::uint64_t place = Random::split_mix(state) % (kPattern - kLargest);
  return std::string_view(pattern_).substr(place, size);
}

void append_key_name(std::string& out, std::string_view prefix, std::uint64_t key, std::size_t width) {
  char digits[20];
  auto length = static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, key).ptr - digits);
  out += prefix;
  if (prefix.size() + length < width) out.append(width - prefix.size() - length, '0');
  out.append(digits, length);
}

std::string key_name(std::string_view prefix, std::uint64_t key, std::size_t width) {
  std::string out;
  append_key_name(out, prefix, key, width);
  return out;
}

}  // namespace plimsoll
