// The hull of `plimsoll top`: a bar of what the accounts hold up to the limit, the line across it, and the
// marks of the levels below.
//
// What cannot be dropped comes first, so that its end can be read against the marks.
//
// Thread-safety: pure. Cost: some 10 us. Limits: none. Errors: none. Ownership: values.
#pragma once

#include <string>
#include <vector>

#include "plimsoll/cli/top_ledger.h"

namespace plimsoll {

std::string hull_line(const TopLook& now, const std::vector<TopEntry>& entries, TopSize size, TopStyle style);
// Where the levels begin and the line is. From the right: the line and the worst levels matter most where
// there is no room for all.
std::string hull_marks(const TopLook& now, TopSize size, TopStyle style);

}  // namespace plimsoll
