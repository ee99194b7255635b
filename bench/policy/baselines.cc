#include "baselines.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace plimsoll {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream text(line);
  for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
  return cells;
}

}  // namespace

Baselines::Key Baselines::key_of(const PolicyCell& cell) {
  return {cell.trace, cell.basis, std::lround(cell.fraction * 1e6), cell.byte_misses};
}

Baselines::Baselines(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return;
  std::map<std::string, std::size_t> columns;
  for (const std::string& name : cells_of(line)) columns.emplace(name, columns.size());
  while (std::getline(file, line)) {
    const std::vector<std::string> row = cells_of(line);
    auto of = [&](const char* name) {
      const auto at = columns.find(name);
      return at == columns.end() || at->second >= row.size() ? std::string() : row[at->second];
    };
    if (!of("note").empty() || of("policy") == "belady") continue;
    PolicyCell cell{of("trace"), of("basis"), std::strtod(of("fraction").c_str(), nullptr), false};
    for (const char* column : {"object_miss_ratio", "byte_miss_ratio"}) {
      const std::string missed = of(column);
      cell.byte_misses = column[0] == 'b';
      if (!missed.empty()) cells_[key_of(cell)][of("policy")] = std::strtod(missed.c_str(), nullptr);
    }
  }
}

std::optional<BestPolicy> Baselines::best(const PolicyCell& cell) const {
  const auto found = cells_.find(key_of(cell));
  if (found == cells_.end()) return std::nullopt;
  BestPolicy best;
  for (const auto& [policy, missed] : found->second) {
    if (best.name.empty() || missed < best.missed) best = {policy, missed};
  }
  return best;
}

std::optional<double> Baselines::missed(const PolicyCell& cell, const std::string& policy) const {
  const auto found = cells_.find(key_of(cell));
  if (found == cells_.end() || !found->second.contains(policy)) return std::nullopt;
  return found->second.at(policy);
}

}  // namespace plimsoll
