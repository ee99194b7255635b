#include "harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace plimsoll {

double quantile_of(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  double place = share * static_cast<double>(values.size() - 1);
  auto below = static_cast<std::size_t>(place);
  std::size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], place - static_cast<double>(below));
}

double median(std::vector<double> values) { return quantile_of(std::move(values), 0.5); }

namespace {

BenchAgainst against(std::string name, const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / theirs[i]);
  return {std::move(name), median(theirs), median(ratios), quantile_of(ratios, 0.25),
          quantile_of(ratios, 0.75)};
}

std::string number(double value) {
  char text[32];
  double size = std::abs(value);
  int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string number(const std::optional<double>& value) { return value ? number(*value) : "-"; }

std::string json_number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *value);
  return text;
}

}  // namespace

const BenchAgainst* PairedResult::best() const {
  const BenchAgainst* found = nullptr;
  for (const BenchAgainst& peer : peers) {
    if (peer.name != kFloor && (found == nullptr || peer.value < found->value)) found = &peer;
  }
  return found;
}

PairedResult paired_result(const std::vector<double>& ours, const std::vector<double>& again,
                           const std::vector<std::string>& names,
                           const std::vector<std::vector<double>>& peers) {
  PairedResult result;
  result.ours = median(ours);
  result.again = against("ours again", ours, again);
  for (std::size_t i = 0; i < peers.size(); ++i) result.peers.push_back(against(names[i], ours, peers[i]));
  return result;
}

std::vector<PairedResult> PairedRounds::run_many(
    const std::function<std::vector<double>()>& ours, const std::vector<std::string>& names,
    const std::vector<std::function<std::vector<double>()>>& peers) const {
  std::vector<std::function<std::vector<double>()>> all{ours};
  all.insert(all.end(), peers.begin(), peers.end());
  std::size_t figures = 0;
  for (const auto& contender : all) figures = contender().size();  // warm-up
  all.push_back(ours);
  // got[contender][figure][round]
  std::vector<std::vector<std::vector<double>>> got(all.size(), std::vector<std::vector<double>>(figures));
  for (unsigned round = 0; round < rounds_; ++round) {
    for (std::size_t turn = 0; turn < all.size(); ++turn) {
      std::size_t who = (turn + round) % all.size();
      std::vector<double> costs = all[who]();
      for (std::size_t figure = 0; figure < figures; ++figure) got[who][figure].push_back(costs.at(figure));
    }
  }
  std::vector<PairedResult> results;
  for (std::size_t figure = 0; figure < figures; ++figure) {
    std::vector<std::vector<double>> theirs;
    for (std::size_t who = 1; who + 1 < all.size(); ++who) theirs.push_back(got[who][figure]);
    results.push_back(paired_result(got.front()[figure], got.back()[figure], names, theirs));
  }
  return results;
}

PairedResult PairedRounds::run(const std::function<double()>& ours,
                               const std::vector<BenchContender>& peers) const {
  auto as_one = [](std::function<double()> run) {
    return [run = std::move(run)] { return std::vector<double>{run()}; };
  };
  std::vector<std::string> names;
  std::vector<std::function<std::vector<double>()>> runs;
  for (const BenchContender& peer : peers) {
    names.push_back(peer.name);
    runs.emplace_back(as_one(peer.run));
  }
  return run_many(as_one(ours), names, runs).front();
}

std::optional<bool> BenchRow::ok() const {
  if (!must || !counts) return std::nullopt;
  if (failed) return false;
  switch (bound) {
    case BenchBound::kRatio:
      return ratio ? std::optional<bool>(*ratio <= *must) : std::nullopt;
    case BenchBound::kAtMost:
      return ours <= *must;
    case BenchBound::kAtLeast:
      return ours >= *must;
  }
  return std::nullopt;
}

std::string json_quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

std::string BenchRow::json() const {
  std::optional<bool> holds = ok();
  return "{\"bench\":" + json_quoted(bench) + ",\"unit\":" + json_quoted(unit) +
         ",\"ours\":" + json_number(ours) + ",\"peer\":" + (peer.empty() ? "null" : json_quoted(peer)) +
         ",\"peer_value\":" + json_number(peer_value) + ",\"ratio\":" + json_number(ratio) +
         ",\"must\":" + json_number(must) + ",\"aim\":" + json_number(aim) + ",\"ok\":" +
         (!holds   ? "null"
          : *holds ? "true"
                   : "false") +
         "}";
}

namespace {

// `shown` turns what was measured into what is printed.
BenchRow filled(const PairedResult& result, BenchRow row, const std::function<double(double)>& shown) {
  row.ours = shown(result.ours);
  row.counts = result.steady();
  char text[96];
  if (const BenchAgainst* best = result.best(); best != nullptr) {
    row.peer = best->name;
    row.peer_value = shown(best->value);
    row.ratio = best->ratio;
    std::snprintf(text, sizeof text, "%.2f..%.2f, ", best->low, best->high);
    row.note += text;
  }
  std::snprintf(text, sizeof text, "A/A %.3f", result.again.ratio);
  row.note += text;
  for (const BenchAgainst& peer : result.peers) {
    if (peer.name != row.peer) row.note += ", " + peer.name + " " + number(shown(peer.value));
  }
  return row;
}

}  // namespace

BenchRow row_of(const PairedResult& result, BenchRow row) {
  return filled(result, std::move(row), [](double value) { return value; });
}

// A ratio of seconds is already the swapped ratio of rates.
BenchRow rate_row_of(const PairedResult& result, double scale, BenchRow row) {
  return filled(result, std::move(row), [scale](double value) { return scale / value; });
}

void RowPrinter::title(const std::string& text) {
  if (json_) return;
  std::printf("\n%s\n%-58s %-9s %10s  %-14s %10s %7s %6s %6s  %s\n", text.c_str(), "bench", "unit", "ours",
              "peer", "its value", "ratio", "must", "aim", "");
}

void RowPrinter::add(const BenchRow& row) {
  rows_.push_back(row);
  std::optional<bool> holds = row.ok();
  if (json_) {
    std::printf("%s\n", row.json().c_str());
  } else {
    const char* verdict = !row.counts ? "too noisy" : !holds ? "" : *holds ? "ok" : "MISSED";
    std::printf("%-58s %-9s %10s  %-14s %10s %7s %6s %6s  %s%s%s\n", row.bench.c_str(), row.unit.c_str(),
                number(row.ours).c_str(), row.peer.empty() ? "-" : row.peer.c_str(),
                number(row.peer_value).c_str(), number(row.ratio).c_str(), number(row.must).c_str(),
                number(row.aim).c_str(), verdict, *verdict == '\0' || row.note.empty() ? "" : "; ",
                row.note.c_str());
  }
  std::fflush(stdout);
}

bool RowPrinter::all_ok() const {
  return std::ranges::all_of(rows_, [](const BenchRow& row) { return row.ok().value_or(true); });
}

}  // namespace plimsoll
