#include "plimsoll/cache/policy.h"

#include <algorithm>

#include "plimsoll/base/check.h"
#include "plimsoll/cache/internal/eviction_policy.h"

namespace plimsoll {
namespace {

struct Row {
  PolicyKind kind;
  std::string_view name;
  std::unique_ptr<EvictionPolicy> (*make)(const PolicyOptions& options);
};
constexpr Row kRows[] = {{PolicyKind::kLru, "lru", &make_lru},
                         {PolicyKind::kLfu, "lfu", &make_lfu},
                         {PolicyKind::kFifo, "fifo", &make_fifo},
                         {PolicyKind::kAdaptive, "adaptive", &make_adaptive}};

const Row& row_of(PolicyKind kind) {
  const Row* row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.kind == kind; });
  PLIMSOLL_CHECK(row != std::end(kRows), "policy %d", static_cast<int>(kind));
  return *row;
}

}  // namespace

std::string_view name_of(PolicyKind kind) { return row_of(kind).name; }

std::optional<PolicyKind> policy_named(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

std::string_view name_of(Objective objective) { return objective == Objective::kBytes ? "bytes" : "objects"; }

std::optional<Objective> objective_named(std::string_view name) {
  if (name == "objects") return Objective::kObjects;
  if (name == "bytes") return Objective::kBytes;
  return std::nullopt;
}

std::unique_ptr<EvictionPolicy> make_policy(PolicyKind kind, const PolicyOptions& options) {
  return row_of(kind).make(options);
}

}  // namespace plimsoll
