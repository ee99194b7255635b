#include "plimsoll/governor/admission.h"

namespace plimsoll {
namespace {

using Verdict = Admission::Verdict;
using std::chrono::milliseconds;

constexpr Admission kAccept{Verdict::kAccept, milliseconds(0)};
constexpr Admission kReject{Verdict::kReject, milliseconds(0)};
constexpr Admission wait_up_to(int ms) { return {Verdict::kWait, milliseconds(ms)}; }

// A row a kind, from normal to emergency.
constexpr std::array<std::array<Admission, kLevels>, kRequestKinds> kTable = {{
    {kAccept, kAccept, kAccept, kAccept, kAccept},                  // read
    {kAccept, kAccept, kAccept, kAccept, kAccept},                  // write
    {kAccept, kAccept, kAccept, wait_up_to(100), wait_up_to(100)},  // body
    {kAccept, kAccept, kAccept, wait_up_to(100), wait_up_to(500)},  // admin
    {kAccept, kAccept, kAccept, kAccept, kReject},                  // connect
}};

}  // namespace

std::string_view name_of(RequestKind kind) {
  static constexpr std::array<std::string_view, kRequestKinds> kNames = {"read", "write", "body", "admin",
                                                                         "connect"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Admission::Verdict verdict) {
  static constexpr std::array<std::string_view, 3> kNames = {"accept", "wait", "reject"};
  return kNames[static_cast<std::size_t>(verdict)];
}

Admission admission_for(Level level, RequestKind kind, bool droppable_left) {
  // Waiting is of use only while something can still be dropped to make room.
  if (level == Level::kEmergency && kind == RequestKind::kBody && !droppable_left) return kReject;
  return kTable[static_cast<std::size_t>(kind)][static_cast<std::size_t>(level)];
}

void AdmissionBoard::publish(Level level, bool droppable_left) {
  std::uint64_t word = static_cast<std::uint64_t>(level) << (kBits * kRequestKinds);
  for (std::size_t kind = 0; kind < kRequestKinds; ++kind) {
    Admission admission = admission_for(level, static_cast<RequestKind>(kind), droppable_left);
    std::uint64_t entry = static_cast<std::uint64_t>(admission.verdict) |
                          static_cast<std::uint64_t>(admission.wait.count()) << 2;
    word |= entry << (kBits * kind);
  }
  word_.store(word, std::memory_order_relaxed);
}

}  // namespace plimsoll
