// Whatever the bytes are, text.h answers with a value inside its promises or with an error, and never aborts.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "plimsoll/base/check.h"
#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

void parse_sizes(std::string_view text) {
  Result<Bytes> size = parse_bytes(text);
  if (size) {
    std::string printed = format_bytes(*size);
    PLIMSOLL_CHECK(printed.size() <= 9, "%s", printed.c_str());
    PLIMSOLL_CHECK(parse_bytes(std::to_string(size->count())) == *size);
  }
  constexpr Bytes kWhole = 1_GiB;
  Result<Bytes> share = parse_bytes_or_share(text, kWhole);
  if (share && !size) PLIMSOLL_CHECK(*share <= kWhole);
}

void parse_numbers(std::string_view text) {
  std::optional<std::uint64_t> number = parse_uint64(text);
  std::optional<std::int64_t> signed_number = parse_int64(text);
  if (number && *number <= Bytes::kMax) {
    PLIMSOLL_CHECK(signed_number && static_cast<std::uint64_t>(*signed_number) == *number);
    PLIMSOLL_CHECK(parse_bytes(text).has_value());
  }
}

void cut(std::string_view text) {
  PLIMSOLL_CHECK(trim(trim(text)) == trim(text));
  std::string_view rest = text;
  std::string_view head = take_until(rest, ',');
  PLIMSOLL_CHECK(head.find(',') == std::string_view::npos);
  PLIMSOLL_CHECK(head.size() + rest.size() + (head.size() < text.size() ? 1 : 0) == text.size());
  constexpr std::array<std::string_view, 3> kWords = {"line", "bind", "resp-port"};
  std::string_view word = nearest(text.substr(0, 64), kWords);
  PLIMSOLL_CHECK(word.empty() || word == kWords[0] || word == kWords[1] || word == kWords[2]);
}

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  plimsoll::parse_sizes(text);
  plimsoll::parse_numbers(text);
  plimsoll::cut(text);
  return 0;
}
