// PolicyKind: the ways to choose what a full cache gives up, by name.
//
// Four, as people know them from other caches and expect to compare: the fixed ones do exactly what a
// textbook simulator does, so that what is measured elsewhere holds here; `adaptive` learns from what is
// asked for.
//
// Thread-safety: any thread. Cost: none. Limits: none. Errors: an unknown name is nothing. Ownership: none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll {

enum class PolicyKind : std::uint8_t {
  kLru,       // the least recently used goes
  kLfu,       // the least often used goes, among equals the least recently used
  kFifo,      // the oldest goes, however often it was used
  kAdaptive,  // whatever has missed least on the requests seen
};

inline constexpr std::array kPolicyKinds{PolicyKind::kLru, PolicyKind::kLfu, PolicyKind::kFifo,
                                         PolicyKind::kAdaptive};

// What a miss costs, for a policy that learns.
enum class Objective : std::uint8_t {
  kObjects,  // one, whatever its size
  kBytes,    // as much as the object has bytes
};

std::string_view name_of(PolicyKind kind);
std::optional<PolicyKind> policy_named(std::string_view name);
std::string_view name_of(Objective objective);
std::optional<Objective> objective_named(std::string_view name);

}  // namespace plimsoll
