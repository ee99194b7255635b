// TopRow: one line of what `plimsoll top` shows, cut where the terminal ends, and its inks.
//
// Thread-safety: one thread. Cost: a string. Limits: one column a character of UTF-8. Errors: none.
// Ownership: a value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "plimsoll/cli/top_frame.h"

namespace plimsoll {

// Of ECMA-48's SGR.
namespace top_ink {
inline constexpr std::string_view kBold = "1", kDim = "2", kGood = "32", kWarn = "33", kBad = "31",
                                  kAlarm = "1;7;31";
}  // namespace top_ink

class TopRow {
 public:
  TopRow(TopSize size, TopStyle style) : columns_(size.columns), style_(style) {}

  TopRow& add(std::string_view text, std::string_view ink = {});
  // Blanks up to that column; none if it is passed.
  TopRow& to(std::size_t column) { return column > width_ ? add(std::string(column - width_, ' ')) : *this; }
  std::size_t left() const { return columns_ - width_; }
  // Without blanks at its end.
  std::string take();

 private:
  std::size_t columns_;
  TopStyle style_;
  std::string text_;
  std::size_t width_ = 0;
};

// "1.50 MiB/s", of either sign.
std::string rate_of_bytes(double per_second);

}  // namespace plimsoll
