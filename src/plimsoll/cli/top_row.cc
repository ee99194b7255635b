#include "plimsoll/cli/top_row.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "plimsoll/base/text.h"

namespace plimsoll {

TopRow& TopRow::add(std::string_view text, std::string_view ink) {
  std::string kept;
  std::size_t more = 0;
  for (const char c : text) {
    // A byte that continues a character takes no column.
    const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (begins && width_ + more == columns_) break;
    more += begins;
    kept += c;
  }
  width_ += more;
  const bool inked = style_.colour && !ink.empty() && !kept.empty();
  text_ += inked ? "\x1b[" + std::string(ink) + "m" + kept + "\x1b[0m" : kept;
  return *this;
}

std::string TopRow::take() {
  while (text_.ends_with(' ')) text_.pop_back();
  return std::move(text_);
}

std::string rate_of_bytes(double per_second) {
  return format_bytes(Bytes(static_cast<std::uint64_t>(std::min(std::fabs(per_second), 1e18)))) + "/s";
}

}  // namespace plimsoll
