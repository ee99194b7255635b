#include "plimsoll/report/table.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void append_line(std::string& out, const std::vector<std::string_view>& cells,
                 const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
                 std::size_t indent) {
  std::string line(indent, ' ');
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string padding(widths[i] - width_of(cells[i]), ' ');
    if (i > 0) line += "  ";
    if (columns[i].align == Align::kRight) line += padding;
    line += cells[i];
    if (columns[i].align == Align::kLeft) line += padding;
  }
  out += line.substr(0, line.find_last_not_of(' ') + 1);
  out += '\n';
}

}  // namespace

Table& Table::row(std::vector<std::string> cells) {
  PLIMSOLL_CHECK(cells.size() <= columns_.size(), "%zu cells in %zu columns", cells.size(), columns_.size());
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
  return *this;
}

std::string Table::text(std::size_t indent) const {
  std::vector<std::size_t> widths;
  std::vector<std::string_view> headers;
  bool any_header = false;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].header);
    for (const auto& cells : rows_) width = std::max(width, width_of(cells[i]));
    widths.push_back(width);
    headers.emplace_back(columns_[i].header);
    any_header = any_header || !columns_[i].header.empty();
  }
  std::string out;
  if (any_header) append_line(out, headers, columns_, widths, indent);
  for (const auto& cells : rows_) append_line(out, {cells.begin(), cells.end()}, columns_, widths, indent);
  return out;
}

}  // namespace plimsoll
