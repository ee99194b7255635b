#include "plimsoll/cli/top_frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "plimsoll/base/text.h"
#include "plimsoll/governor/level.h"
#include "plimsoll/server/status.h"

namespace plimsoll {
namespace {

constexpr std::string_view kBold = "1", kDim = "2", kGood = "32", kWarn = "33", kBad = "31",
                           kAlarm = "1;7;31";
constexpr std::array<std::string_view, 6> kFills = {"34", "36", "35", "32", "33", "31"};

// One line, cut where the terminal ends.
class Row {
 public:
  Row(TopSize size, TopStyle style) : columns_(size.columns), style_(style) {}

  Row& add(std::string_view text, std::string_view ink = {}) {
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
  Row& to(std::size_t column) { return column > width_ ? add(std::string(column - width_, ' ')) : *this; }
  std::size_t left() const { return columns_ - width_; }
  std::string take() {
    while (text_.ends_with(' ')) text_.pop_back();
    return std::move(text_);
  }

 private:
  std::size_t columns_;
  TopStyle style_;
  std::string text_;
  std::size_t width_ = 0;
};

std::string_view ink_of(std::uint64_t level) { return level == 0 ? kGood : level < 3 ? kWarn : kBad; }

// As different in shape as in colour.
std::string_view shape_of(std::uint64_t level, TopStyle style) {
  static constexpr std::array<std::string_view, kLevels> kShapes = {"●", "◆", "▲", "■", "✖"};
  static constexpr std::array<std::string_view, kLevels> kPlain = {"(o)", "<+>", "/^\\", "[#]", "!X!"};
  const std::size_t at = std::min<std::uint64_t>(level, kLevels - 1);
  return style.unicode ? kShapes[at] : kPlain[at];
}

std::string rate_of_bytes(double per_second) {
  return format_bytes(Bytes(static_cast<std::uint64_t>(std::min(std::fabs(per_second), 1e18)))) + "/s";
}

std::string rate_of(double per_second) {
  return format_count(static_cast<std::uint64_t>(std::llround(std::min(per_second, 1e18))));
}

std::string time_of_day(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

// What a ledger row shows, and the sign by which its part of the hull is known.
struct Entry {
  const TopAccount* account;
  std::optional<double> change;
  std::string sign;
  std::string_view ink;
};

class Composer {
 public:
  Composer(const TopState& state, TopSize size, TopStyle style) : state_(state), size_(size), style_(style) {
    size_.columns = std::max<std::size_t>(size_.columns, 1);
  }

  std::vector<std::string> lines() {
    head();
    if (state_.now) {
      enter_accounts();
      hull();
      summary();
      rates();
      ledger_and_log();
    } else {
      push(row().add(state_.fault.empty() ? "no answer yet" : state_.fault));
      push(row().add("Asking again until it answers; q quits.", kDim));
    }
    if (size_.rows != 0) {
      lines_.resize(std::min(lines_.size(), size_.rows));
      foot();
    }
    return std::move(lines_);
  }

 private:
  Row row() const { return {size_, style_}; }
  void push(Row& line) { lines_.push_back(line.take()); }
  void push(Row&& line) { lines_.push_back(line.take()); }

  // Whether there is room for what is nice to have.
  bool roomy(std::size_t rows) const { return size_.rows == 0 || size_.rows >= rows; }

  // Parts side by side, three spaces apart; what finds no room in `most` lines is left away.
  void push_parts(const std::vector<std::string>& parts, std::size_t most) {
    std::vector<std::string> lines(1);
    for (const std::string& part : parts) {
      std::string& last = lines.back();
      if (last.empty()) {
        last = part;
      } else if (last.size() + 3 + part.size() <= size_.columns) {
        last += "   " + part;
      } else if (lines.size() < most) {
        lines.push_back(part);
      }
    }
    for (const std::string& line : lines) push(row().add(line));
  }

  void head() {
    Row line = row();
    if (state_.now) {
      const TopLook& now = *state_.now;
      line.add(shape_of(now.level_number, style_), ink_of(now.level_number)).add(" ");
      line.add(now.level, ink_of(now.level_number)).add("  ");
    } else {
      line.add("Plimsoll  ", kBold);
    }
    if (state_.stale) {
      const std::string since = state_.now ? " for " + whole_seconds(state_.age) : "";
      line.add("STALE: no answer" + since, kAlarm).add("  ");
    }
    if (state_.paused) line.add("PAUSED", kBold).add("  ");
    if (state_.now) {
      std::string share = per_cent(state_.now->undroppable) + " cannot be dropped";
      const std::string rest = " of " + format_bytes(state_.now->line);
      if (line.left() > share.size() + rest.size() + 24) share.insert(share.find(" cannot"), rest);
      if (line.left() >= share.size() + 2) line.add(share).add("  ");
      if (!state_.now->governed) line.add("GOVERNOR OFF", kAlarm).add("  ");
    }
    std::string up;
    if (state_.now) {
      const auto whole = static_cast<std::int64_t>(std::clamp(state_.now->uptime_s, 0.0, 1e9));
      up = "  up " + whole_seconds(std::chrono::seconds(whole));
    }
    if (line.left() >= state_.where.size() + up.size())
      line.add(state_.where).add(up, kDim);
    else if (line.left() >= state_.where.size())
      line.add(state_.where);
    push(line);
    if (state_.now && !state_.fault.empty() && roomy(12)) push(row().add(state_.fault, kWarn));
  }

  // "12 s", "3 min 20 s".
  static std::string whole_seconds(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return seconds.count() < 1 ? "0 s" : format_duration(seconds);
  }

  bool comes_before(const Entry& a, const Entry& b) const {
    // Who is held by the process and by no account is not one of them.
    const bool a_other = a.account->name == "other", b_other = b.account->name == "other";
    if (a_other != b_other) return b_other;
    if (state_.order == TopOrder::kName) return a.account->name < b.account->name;
    if (state_.order == TopOrder::kChange) {
      const double da = std::fabs(a.change.value_or(0)), db = std::fabs(b.change.value_or(0));
      if (da != db) return da > db;
    }
    if (a.account->used != b.account->used) return a.account->used > b.account->used;
    return a.account < b.account;  // as the server has them
  }

  void enter_accounts() {
    const TopLook& now = *state_.now;
    std::vector<Entry> top;
    for (const TopAccount& account : now.accounts) {
      if (account.parent.empty()) top.push_back({&account, change(account), {}, {}});
    }
    // Signs by the order of the server, so that an account keeps its own while they change places.
    std::string taken;
    for (std::size_t i = 0; i < top.size(); ++i) {
      top[i].ink = kFills[i % kFills.size()];
      if (style_.colour) {
        const bool drops = top[i].account->droppable;
        top[i].sign = style_.unicode ? (drops ? "▒" : "█") : (drops ? ":" : "#");
        continue;
      }
      char sign = '*';
      for (const char c : top[i].account->name + "abcdefghijklmnopqrstuvwxyz") {
        if (c > ' ' && taken.find(c) == std::string::npos) {
          sign = c;
          break;
        }
      }
      taken += sign;
      top[i].sign = std::string(1, sign);
    }
    auto before = [this](const Entry& a, const Entry& b) { return comes_before(a, b); };
    std::sort(top.begin(), top.end(), before);
    for (const Entry& entry : top) {
      entries_.push_back(entry);
      std::vector<Entry> parts;
      for (const TopAccount& account : now.accounts) {
        if (!account.parent.empty() && account.parent == entry.account->name)
          parts.push_back({&account, change(account), " ", {}});
      }
      std::sort(parts.begin(), parts.end(), before);
      entries_.insert(entries_.end(), parts.begin(), parts.end());
    }
  }

  std::optional<double> change(const TopAccount& account) const {
    return state_.before ? change_of(account, *state_.before, *state_.now) : std::nullopt;
  }

  void hull();
  void marks(double whole, std::size_t width);
  void summary();
  void rates();
  void ledger_and_log();
  void ledger(std::size_t most);
  void log(std::size_t most);
  void foot();

  const TopState& state_;
  TopSize size_;
  TopStyle style_;
  std::vector<Entry> entries_;  // as the ledger has them
  std::vector<std::string> lines_;
};

void Composer::hull() {
  const TopLook& now = *state_.now;
  const std::size_t width = size_.columns > 2 ? size_.columns - 2 : 1;
  const double whole = std::max({now.limit.as_double(), now.charged.as_double(), 1.0});
  std::vector<const Entry*> bands;
  for (const Entry& entry : entries_) {
    if (entry.account->parent.empty()) bands.push_back(&entry);
  }
  std::sort(bands.begin(), bands.end(), [](const Entry* a, const Entry* b) {
    if (a->account->droppable != b->account->droppable) return b->account->droppable;
    if (a->account->used != b->account->used) return a->account->used > b->account->used;
    return a->account < b->account;
  });
  Row line = row().add("[");
  double reached = 0;
  std::size_t drawn = 0;
  for (const Entry* band : bands) {
    reached += band->account->used.as_double();
    const double share = std::min(1.0, reached / whole);
    const auto end = static_cast<std::size_t>(std::llround(share * static_cast<double>(width)));
    std::string fill;
    for (; drawn < end; ++drawn) fill += band->sign;
    line.add(fill, band->ink);
  }
  const double line_share = std::min(1.0, now.line.as_double() / whole);
  const auto line_at = static_cast<std::size_t>(line_share * static_cast<double>(width - 1));
  if (line_at >= drawn) {
    line.to(1 + line_at).add("|", kBold);
  }
  line.to(1 + width).add("]");
  push(line);
  if (roomy(9)) marks(whole, width);
}

// Where the levels begin and the line is, below the bar. From the right: the line and the worst levels matter
// most where there is no room for all.
void Composer::marks(double whole, std::size_t width) {
  const TopLook& now = *state_.now;
  std::vector<std::pair<double, std::string>> wanted = {{1.0, style_.unicode ? "▲line" : "^line"}};
  const LevelOptions levels;
  for (std::size_t i = levels.watermarks.size(); i-- > 0;) {
    const auto number = static_cast<Level>(i + 1);
    wanted.emplace_back(levels.watermarks[i], (style_.unicode ? "▵" : "^") + std::string(name_of(number)));
  }
  // Each text stands at its place or ends the row; what would run into the one before keeps its mark alone.
  std::vector<std::string> cells(width + 1, " ");
  std::size_t free_to = width + 1;
  for (const auto& [share, text] : wanted) {
    const auto at = static_cast<std::size_t>(std::clamp(share * now.line.as_double() / whole, 0.0, 1.0) *
                                             static_cast<double>(width - 1));
    const std::size_t mark_bytes = style_.unicode ? 3 : 1;
    const std::string mark = text.substr(0, mark_bytes), name = text.substr(mark_bytes);
    if (at >= free_to) continue;
    cells[at] = mark;
    std::size_t begin = at + 1;
    if (begin + name.size() > free_to && share == 1.0 && at >= name.size()) begin = at - name.size();
    if (begin + name.size() <= free_to) {
      for (std::size_t i = 0; i < name.size(); ++i) cells[begin + i] = std::string(1, name[i]);
    }
    free_to = std::min(at, begin) > 0 ? std::min(at, begin) - 1 : 0;
  }
  std::string text = " ";
  for (const std::string& cell : cells) text += cell;
  text.erase(text.find_last_not_of(' ') + 1);
  push(row().add(text, kDim));
}

void Composer::summary() {
  const TopLook& now = *state_.now;
  std::vector<std::string> parts = {
      "used " + format_bytes(now.charged) + " of " + format_bytes(now.line), "free " + format_bytes(now.free),
      "droppable " + format_bytes(now.droppable), "limit " + format_bytes(now.limit)};
  if (now.response != "monitor" && !now.response.empty()) parts.push_back("response " + now.response);
  push_parts(parts, roomy(20) ? 2 : 1);
}

void Composer::rates() {
  const TopLook& now = *state_.now;
  const std::optional<TopRates> rates = state_.before ? rates_between(*state_.before, now) : std::nullopt;
  if (!rates) {
    push_parts({"rates come with the second look", "connections " + format_count(now.connections),
                "keys " + format_count(now.items)},
               1);
    return;
  }
  std::vector<std::string> parts = {
      "requests/s " + rate_of(rates->commands + rates->http_requests),
      "hits " + (rates->hit_ratio ? per_cent(*rates->hit_ratio) : std::string("-")),
      "in " + rate_of_bytes(rates->received), "out " + rate_of_bytes(rates->sent),
      "evicted/s " + rate_of(rates->evicted)};
  if (rates->refused > 0) parts.push_back("refused/s " + rate_of(rates->refused));
  if (now.has_log) {
    parts.push_back("log in " + rate_of_bytes(rates->appended));
    parts.push_back("log out " + rate_of_bytes(rates->fetched));
  }
  parts.push_back("connections " + format_count(now.connections));
  parts.push_back("keys " + format_count(now.items));
  push_parts(parts, roomy(16) ? 3 : 1);
}

void Composer::ledger_and_log() {
  if (size_.rows == 0) {
    lines_.emplace_back();
    ledger(entries_.size());
    lines_.emplace_back();
    log(state_.now->events.size());
    return;
  }
  const std::size_t used = lines_.size() + 1;  // and the line about keys
  std::size_t left = size_.rows > used ? size_.rows - used : 0;
  const bool spaced = left >= entries_.size() + 7;
  if (spaced) lines_.emplace_back(), --left;
  // The log has a third, and what the ledger leaves.
  const std::size_t events = std::max<std::size_t>(1, state_.now->events.size());
  std::size_t for_log = std::min(events, std::max<std::size_t>(left / 3, left > 3 ? 1 : 0));
  const std::size_t wanted = entries_.size() + 1;
  if (left > wanted + (spaced ? 1 : 0))
    for_log = std::max(for_log, std::min(events, left - wanted - (spaced ? 1 : 0)));
  const std::size_t gap = spaced && for_log > 0 ? 1 : 0;
  if (left > for_log + gap + 1) ledger(std::min(entries_.size(), left - for_log - gap - 1));
  if (gap != 0) lines_.emplace_back();
  log(for_log);
}

struct LedgerColumn {
  std::string_view name;
  std::size_t width;
};

void Composer::ledger(std::size_t most) {
  // In the order in which they are given up from the right.
  static constexpr std::array<LedgerColumn, 6> kColumns = {
      {{"used", 11}, {"share", 9}, {"change/s", 14}, {"maximum", 12}, {"guarantee", 12}, {"kind", 12}}};
  std::size_t name_width = 12;
  for (const Entry& entry : entries_) name_width = std::max(name_width, entry.account->name.size() + 4);
  name_width = std::min({name_width, std::size_t{28}, size_.columns});
  std::size_t shown = 0, width = name_width;
  while (shown < kColumns.size() && width + kColumns[shown].width <= size_.columns)
    width += kColumns[shown++].width;
  auto print = [&](Row& line, const std::array<std::string, 6>& cells, std::string_view ink) {
    std::size_t end = name_width;
    for (std::size_t i = 0; i < shown; ++i) {
      end += kColumns[i].width;
      line.to(end - std::min(cells[i].size(), kColumns[i].width)).add(cells[i], ink);
    }
    push(line);
  };
  std::array<std::string, 6> heads;
  for (std::size_t i = 0; i < heads.size(); ++i) heads[i] = kColumns[i].name;
  Row title = row().add("  account", kBold);
  print(title, heads, kBold);
  for (std::size_t i = 0; i < most; ++i) {
    const Entry& entry = entries_[i];
    const TopAccount& account = *entry.account;
    std::string change = "-";
    if (entry.change && std::fabs(*entry.change) >= 1)
      change = (*entry.change < 0 ? "-" : "+") + rate_of_bytes(*entry.change);
    Row line = row().add(entry.sign, entry.ink).add(account.parent.empty() ? " " : "   ");
    line.add(std::string_view(account.name).substr(0, name_width - std::min<std::size_t>(name_width, 4)));
    print(line,
          {format_bytes(account.used), per_cent(ratio(account.used, state_.now->line)), change,
           account.maximum ? format_bytes(*account.maximum) : "the line",
           account.guarantee.zero() ? "-" : format_bytes(account.guarantee),
           account.droppable ? "droppable" : "held"},
          {});
  }
}

void Composer::log(std::size_t most) {
  const std::vector<TopEvent>& events = state_.now->events;
  if (most == 0) return;
  if (events.empty()) push(row().add("the governor has said nothing yet", kDim));
  for (std::size_t i = events.size() - std::min(most, events.size()); i < events.size(); ++i) {
    push(row().add(time_of_day(events[i].wall_ms), kDim).add("  ").add(events[i].sentence));
  }
}

void Composer::foot() {
  if (size_.rows == 0) return;
  lines_.resize(size_.rows);
  static constexpr std::array<std::string_view, 3> kOrders = {"used", "change", "name"};
  const std::string order(kOrders[static_cast<std::size_t>(state_.order)]);
  Row line = row().add("q quit  space ", kDim).add(state_.paused ? "go on" : "pause", kDim);
  line.add("  s sort: " + order, kDim);
  if (line.left() > 20) line.add("   times are UTC", kDim);
  lines_.back() = line.take();
}

}  // namespace

TopOrder after(TopOrder order) {
  switch (order) {
    case TopOrder::kUsed:
      return TopOrder::kChange;
    case TopOrder::kChange:
      return TopOrder::kName;
    case TopOrder::kName:
      break;
  }
  return TopOrder::kUsed;
}

std::vector<std::string> compose(const TopState& state, TopSize size, TopStyle style) {
  return Composer(state, size, style).lines();
}

}  // namespace plimsoll
