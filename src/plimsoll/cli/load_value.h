// ValueSource: the bytes that belong to a key, so that every answer of a server can be checked.
//
// value = f(key, version): a view into one fixed pattern of random bytes, at a place that the key and the
// version choose. Nothing is generated or copied for a write, and a read is checked as it arrives, piece by
// piece, against memory that is already there; a flood of 1 MiB values costs the client next to nothing. A
// writer that overwrites uses several versions, so that a value torn between two of them is told from either.
//
//   ValueSource values;
//   send_set(key_name("k:", 17, 16), values.value(17, 0, 1024));
//
// Invariant: the same key, version and size give the same bytes in every process. Two keys share a value with
// a chance of about one in a million.
//
// Thread-safety: immutable after construction. Cost: 4 MiB, made in a few milliseconds; a value is a view.
// Limits: values to kLargest. Errors: none; a larger size aborts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll {

class ValueSource {
 public:
  static constexpr std::size_t kPattern = std::size_t{4} << 20;
  static constexpr std::size_t kLargest = kPattern / 2;

  ValueSource();
  // Lives as long as the source. REQUIRES: size <= kLargest.
  std::string_view value(std::uint64_t key, std::uint32_t version, std::size_t size) const;

 private:
  std::string pattern_;
};

// The prefix and the decimal number, filled with zeros to `width` characters in all.
void append_key_name(std::string& out, std::string_view prefix, std::uint64_t key, std::size_t width);
std::string key_name(std::string_view prefix, std::uint64_t key, std::size_t width);

}  // namespace plimsoll
