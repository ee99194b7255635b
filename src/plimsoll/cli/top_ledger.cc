#include "plimsoll/cli/top_ledger.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "plimsoll/base/text.h"
#include "plimsoll/server/status.h"

namespace plimsoll {
namespace {

constexpr std::array<std::string_view, 6> kFills = {"34", "36", "35", "32", "33", "31"};

std::optional<double> change(const TopState& state, const TopAccount& account) {
  return state.before ? change_of(account, *state.before, *state.now) : std::nullopt;
}

bool comes_before(const TopState& state, const TopEntry& a, const TopEntry& b) {
  // Who is held by the process and by no account is not one of them.
  const bool a_other = a.account->name == "other", b_other = b.account->name == "other";
  if (a_other != b_other) return b_other;
  if (state.order == TopOrder::kName) return a.account->name < b.account->name;
  if (state.order == TopOrder::kChange) {
    const double da = std::fabs(a.change.value_or(0)), db = std::fabs(b.change.value_or(0));
    if (da != db) return da > db;
  }
  if (a.account->used != b.account->used) return a.account->used > b.account->used;
  return a.account < b.account;  // as the server has them
}

// A letter of its name that no account before it has.
std::string letter_for(const std::string& name, std::string& taken) {
  char sign = '*';
  for (const char c : name + "abcdefghijklmnopqrstuvwxyz") {
    if (c > ' ' && taken.find(c) == std::string::npos) {
      sign = c;
      break;
    }
  }
  taken += sign;
  return std::string(1, sign);
}

// By the order of the server, so that an account keeps its sign while they change places.
std::vector<TopEntry> accounts_with_signs(const TopState& state, TopStyle style) {
  std::vector<TopEntry> top;
  for (const TopAccount& account : state.now->accounts) {
    if (account.parent.empty()) top.push_back({&account, change(state, account), {}, {}});
  }
  std::string taken;
  for (std::size_t i = 0; i < top.size(); ++i) {
    top[i].ink = kFills[i % kFills.size()];
    const bool drops = top[i].account->droppable;
    if (!style.colour)
      top[i].sign = letter_for(top[i].account->name, taken);
    else if (style.unicode)
      top[i].sign = drops ? "▒" : "█";
    else
      top[i].sign = drops ? ":" : "#";
  }
  return top;
}

struct LedgerColumn {
  std::string_view name;
  std::size_t width;
};
// In the order in which they are given up from the right.
constexpr std::array<LedgerColumn, 6> kColumns = {
    {{"used", 11}, {"share", 9}, {"change/s", 14}, {"maximum", 12}, {"guarantee", 12}, {"kind", 12}}};
using Cells = std::array<std::string, kColumns.size()>;

// How wide the names are, and how many columns stand behind them.
struct LedgerShape {
  std::size_t name_width = 12;
  std::size_t shown = 0;

  LedgerShape(const std::vector<TopEntry>& entries, std::size_t columns) {
    for (const TopEntry& entry : entries) name_width = std::max(name_width, entry.account->name.size() + 4);
    name_width = std::min({name_width, std::size_t{28}, columns});
    std::size_t width = name_width;
    while (shown < kColumns.size() && width + kColumns[shown].width <= columns)
      width += kColumns[shown++].width;
  }
  std::string finish(TopRow& line, const Cells& cells, std::string_view ink) const {
    std::size_t end = name_width;
    for (std::size_t i = 0; i < shown; ++i) {
      end += kColumns[i].width;
      line.to(end - std::min(cells[i].size(), kColumns[i].width)).add(cells[i], ink);
    }
    return line.take();
  }
};

Cells cells_of(const TopEntry& entry, Bytes line) {
  const TopAccount& account = *entry.account;
  std::string change = "-";
  if (entry.change && std::fabs(*entry.change) >= 1)
    change = (*entry.change < 0 ? "-" : "+") + rate_of_bytes(*entry.change);
  return {format_bytes(account.used),
          per_cent(ratio(account.used, line)),
          change,
          account.maximum ? format_bytes(*account.maximum) : "the line",
          account.guarantee.zero() ? "-" : format_bytes(account.guarantee),
          account.droppable ? "droppable" : "held"};
}

}  // namespace

std::vector<TopEntry> enter_accounts(const TopState& state, TopStyle style) {
  const auto before = [&state](const TopEntry& a, const TopEntry& b) { return comes_before(state, a, b); };
  std::vector<TopEntry> top = accounts_with_signs(state, style);
  std::sort(top.begin(), top.end(), before);
  std::vector<TopEntry> entries;
  for (const TopEntry& entry : top) {
    entries.push_back(entry);
    std::vector<TopEntry> parts;
    for (const TopAccount& account : state.now->accounts) {
      if (!account.parent.empty() && account.parent == entry.account->name)
        parts.push_back({&account, change(state, account), " ", {}});
    }
    std::sort(parts.begin(), parts.end(), before);
    entries.insert(entries.end(), parts.begin(), parts.end());
  }
  return entries;
}

std::vector<std::string> ledger_lines(const std::vector<TopEntry>& entries, std::size_t most, Bytes line,
                                      TopSize size, TopStyle style) {
  const LedgerShape shape(entries, size.columns);
  Cells heads;
  for (std::size_t i = 0; i < heads.size(); ++i) heads[i] = kColumns[i].name;
  TopRow title = TopRow(size, style).add("  account", top_ink::kBold);
  std::vector<std::string> lines = {shape.finish(title, heads, top_ink::kBold)};
  for (std::size_t i = 0; i < std::min(most, entries.size()); ++i) {
    const TopAccount& account = *entries[i].account;
    TopRow row(size, style);
    row.add(entries[i].sign, entries[i].ink).add(account.parent.empty() ? " " : "   ");
    row.add(std::string_view(account.name)
                .substr(0, shape.name_width - std::min<std::size_t>(shape.name_width, 4)));
    lines.push_back(shape.finish(row, cells_of(entries[i], line), {}));
  }
  return lines;
}

}  // namespace plimsoll
