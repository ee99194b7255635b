#include "plimsoll/governor/admission.h"

#include <algorithm>

namespace plimsoll {
namespace {

using Verdict = Admission::Verdict;
using std::chrono::milliseconds;

constexpr Admission kAccept{Verdict::kAccept, milliseconds(0)};
constexpr Admission kReject{Verdict::kReject, milliseconds(0)};
constexpr Admission wait_up_to(int ms) { return {Verdict::kWait, milliseconds(ms)}; }
constexpr Admission pause_up_to(int ms) { return {Verdict::kPause, milliseconds(ms)}; }
constexpr Admission kHalf{Verdict::kAccept, milliseconds(0), 1};
constexpr Admission kQuarter{Verdict::kAccept, milliseconds(0), 2};

// A row a kind, from normal to emergency.
constexpr std::array<std::array<Admission, kLevels>, kRequestKinds> kTable = {{
    {kAccept, kAccept, kAccept, kAccept, kAccept},                   // read
    {kAccept, kAccept, kAccept, kAccept, kAccept},                   // write
    {kAccept, kAccept, kAccept, wait_up_to(100), wait_up_to(100)},   // body
    {kAccept, kAccept, kAccept, wait_up_to(100), wait_up_to(500)},   // admin
    {kAccept, kAccept, kAccept, kAccept, kReject},                   // connect
    {kAccept, kAccept, pause_up_to(10), pause_up_to(100), kReject},  // produce
    {kAccept, kAccept, kAccept, kHalf, kQuarter},                    // fetch
}};

}  // namespace

std::string_view name_of(RequestKind kind) {
  static constexpr std::array<std::string_view, kRequestKinds> kNames = {
      "read", "write", "body", "admin", "connect", "produce", "fetch"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Admission::Verdict verdict) {
  static constexpr std::array<std::string_view, 4> kNames = {"accept", "wait", "reject", "pause"};
  return kNames[static_cast<std::size_t>(verdict)];
}

Admission admission_for(Level level, RequestKind kind, bool droppable_left) {
  // Waiting is of use only while something can still be dropped to make room.
  if (level == Level::kEmergency && kind == RequestKind::kBody && !droppable_left) return kReject;
  if (level == Level::kCritical && kind == RequestKind::kProduce && !droppable_left) return kReject;
  return kTable[static_cast<std::size_t>(kind)][static_cast<std::size_t>(level)];
}

void AdmissionBoard::publish(Level level, bool droppable_left, double pause) {
  const auto share = static_cast<std::uint32_t>(std::clamp(pause, 0.0, 1.0) * kWhole);
  word_.store(static_cast<std::uint32_t>(level) | (droppable_left ? 8u : 0u) | share << 4,
              std::memory_order_relaxed);
}

}  // namespace plimsoll
