// Table: text in aligned columns, for people at a terminal.
//
//   Table table({{"account"}, {"used", Align::kRight}});
//   table.row({"cache", "188 MiB"});
//   print(table.text());
//
//   account     used
//   cache    188 MiB
//
// Columns are as wide as their widest cell (counted in code points), two spaces apart; lines never end in
// spaces. A table whose headers are all empty prints none. Invariant: every row has a cell for every column.
//
// Thread-safety: one thread. Cost: keeps all cells until it is printed. Limits: cells of one line; wide and
// combining characters are counted as one column. Errors: a row with more cells than columns aborts; missing
// ones are empty. Ownership: copies all it is given.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace plimsoll {

enum class Align : bool { kLeft, kRight };

struct Column {
  std::string header;
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  Table& row(std::vector<std::string> cells);
  std::size_t rows() const { return rows_.size(); }
  // Every line begins with `indent` spaces.
  std::string text(std::size_t indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace plimsoll
