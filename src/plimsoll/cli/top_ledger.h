// The ledger of `plimsoll top`: the accounts in their order, each with the sign by which its part of the hull
// is known, and a table of them that gives up columns where the terminal is narrow.
//
// Thread-safety: pure. Cost: some 20 us. Limits: none. Errors: none. Ownership: an entry points into the look
// that it was made of.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/cli/top_frame.h"
#include "plimsoll/cli/top_row.h"

namespace plimsoll {

struct TopEntry {
  const TopAccount* account;
  std::optional<double> change;  // bytes a second
  std::string sign;
  std::string_view ink;
};

// Parts behind the account that they are parts of. REQUIRES: state.now.
std::vector<TopEntry> enter_accounts(const TopState& state, TopStyle style);

// A title, and the first `most` of them.
std::vector<std::string> ledger_lines(const std::vector<TopEntry>& entries, std::size_t most, Bytes line,
                                      TopSize size, TopStyle style);

}  // namespace plimsoll
