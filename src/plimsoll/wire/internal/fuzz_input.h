// A fuzzer's bytes, read as small numbers from their front and as text from what is left.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace plimsoll::detail {

class FuzzInput {
 public:
  explicit FuzzInput(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // The next byte, or 0 when there is none.
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }
  std::string_view rest() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  std::span<const std::uint8_t> bytes_;
};

// Calls `feed` with `text` in pieces of sizes that `seed` makes: 0 gives it whole, 1 a byte at a time.
template <typename Feed>
void feed_in_pieces(std::string_view text, std::uint8_t seed, Feed feed) {
  if (seed == 0) return feed(text);
  std::uint32_t state = seed;
  while (!text.empty()) {
    state = state * 1664525 + 1013904223;
    const std::size_t size = seed == 1 ? 1 : 1 + (state >> 16) % (std::size_t{seed} * 2);
    feed(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
  }
}

}  // namespace plimsoll::detail
