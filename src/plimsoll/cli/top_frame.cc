#include "plimsoll/cli/top_frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iterator>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/top_hull.h"
#include "plimsoll/cli/top_ledger.h"
#include "plimsoll/cli/top_row.h"
#include "plimsoll/governor/level.h"
#include "plimsoll/server/status.h"

namespace plimsoll {
namespace {

using namespace top_ink;

std::string_view ink_of(std::uint64_t level) { return level == 0 ? kGood : level < 3 ? kWarn : kBad; }

// As different in shape as in colour.
std::string_view shape_of(std::uint64_t level, TopStyle style) {
  static constexpr std::array<std::string_view, kLevels> kShapes = {"●", "◆", "▲", "■", "✖"};
  static constexpr std::array<std::string_view, kLevels> kPlain = {"(o)", "<+>", "/^\\", "[#]", "!X!"};
  const std::size_t at = std::min<std::uint64_t>(level, kLevels - 1);
  return style.unicode ? kShapes[at] : kPlain[at];
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

class Composer {
 public:
  Composer(const TopState& state, TopSize size, TopStyle style) : state_(state), size_(size), style_(style) {
    size_.columns = std::max<std::size_t>(size_.columns, 1);
  }

  std::vector<std::string> lines() {
    head();
    if (state_.now) {
      entries_ = enter_accounts(state_, style_);
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
  TopRow row() const { return {size_, style_}; }
  void push(TopRow& line) { lines_.push_back(line.take()); }
  void push(TopRow&& line) { lines_.push_back(line.take()); }

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
    TopRow line = row();
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

  void summary();
  void rates();
  void ledger_and_log();
  void hull();
  void ledger(std::size_t most);
  void log(std::size_t most);
  void foot();

  const TopState& state_;
  TopSize size_;
  TopStyle style_;
  std::vector<TopEntry> entries_;  // as the ledger has them
  std::vector<std::string> lines_;
};

void Composer::hull() {
  lines_.push_back(hull_line(*state_.now, entries_, size_, style_));
  if (roomy(9)) lines_.push_back(hull_marks(*state_.now, size_, style_));
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

void Composer::ledger(std::size_t most) {
  std::vector<std::string> lines = ledger_lines(entries_, most, state_.now->line, size_, style_);
  std::move(lines.begin(), lines.end(), std::back_inserter(lines_));
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
  TopRow line = row().add("q quit  space ", kDim).add(state_.paused ? "go on" : "pause", kDim);
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
