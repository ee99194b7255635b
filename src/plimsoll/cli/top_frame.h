// compose: what `plimsoll top` shows, as lines of text, from what is known and the size of the terminal.
//
// A pure function, so that every picture can be tested without a terminal. Narrow terminals lose columns of
// the ledger and parts of sentences, low ones rows, the least telling first; 40 columns and 10 rows still
// hold a line of everything. The hull is drawn with what cannot be dropped first, so that its end can be read
// against the watermarks.
//
// Invariant: no line is wider than the terminal, and there are not more lines than it has rows.
//
// Thread-safety: pure. Cost: some 50 us. Limits: one column a character. Errors: none. Ownership: values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/cli/top_look.h"

namespace plimsoll {

enum class TopOrder { kUsed, kChange, kName };

struct TopState {
  std::string where;  // the server's address
  std::optional<TopLook> now;
  std::optional<TopLook> before;
  // Why the last question was not answered; empty: it was.
  std::string fault;
  Duration age{};  // of `now`
  bool stale = false;
  bool paused = false;
  TopOrder order = TopOrder::kUsed;
};

struct TopSize {
  std::size_t columns = 80;
  std::size_t rows = 24;  // 0: as many as there is to say, and no line about keys
};

struct TopStyle {
  bool colour = false;
  bool unicode = false;  // shapes and blocks; else letters
};

std::vector<std::string> compose(const TopState& state, TopSize size, TopStyle style);

// The next order that the key for sorting leads to.
TopOrder after(TopOrder order);

}  // namespace plimsoll
