#include "plimsoll/cli/top_hull.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "plimsoll/governor/level.h"

namespace plimsoll {
namespace {

std::size_t width_of(TopSize size) { return size.columns > 2 ? size.columns - 2 : 1; }

double whole_of(const TopLook& now) {
  return std::max({now.limit.as_double(), now.charged.as_double(), 1.0});
}

}  // namespace

std::string hull_line(const TopLook& now, const std::vector<TopEntry>& entries, TopSize size,
                      TopStyle style) {
  const std::size_t width = width_of(size);
  const double whole = whole_of(now);
  std::vector<const TopEntry*> bands;
  for (const TopEntry& entry : entries) {
    if (entry.account->parent.empty()) bands.push_back(&entry);
  }
  std::sort(bands.begin(), bands.end(), [](const TopEntry* a, const TopEntry* b) {
    if (a->account->droppable != b->account->droppable) return b->account->droppable;
    if (a->account->used != b->account->used) return a->account->used > b->account->used;
    return a->account < b->account;
  });
  TopRow line = TopRow(size, style).add("[");
  double reached = 0;
  std::size_t drawn = 0;
  for (const TopEntry* band : bands) {
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
    line.to(1 + line_at).add("|", top_ink::kBold);
  }
  line.to(1 + width).add("]");
  return line.take();
}

std::string hull_marks(const TopLook& now, TopSize size, TopStyle style) {
  const std::size_t width = width_of(size);
  const double whole = whole_of(now);
  std::vector<std::pair<double, std::string>> wanted = {{1.0, style.unicode ? "▲line" : "^line"}};
  const LevelOptions levels;
  for (std::size_t i = levels.watermarks.size(); i-- > 0;) {
    const auto number = static_cast<Level>(i + 1);
    wanted.emplace_back(levels.watermarks[i], (style.unicode ? "▵" : "^") + std::string(name_of(number)));
  }
  // Each text stands at its place or ends the row; what would run into the one before keeps its mark alone.
  std::vector<std::string> cells(width + 1, " ");
  std::size_t free_to = width + 1;
  for (const auto& [share, text] : wanted) {
    const auto at = static_cast<std::size_t>(std::clamp(share * now.line.as_double() / whole, 0.0, 1.0) *
                                             static_cast<double>(width - 1));
    const std::size_t mark_bytes = style.unicode ? 3 : 1;
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
  return TopRow(size, style).add(text, top_ink::kDim).take();
}

}  // namespace plimsoll
