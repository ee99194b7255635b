// Backpressure for who appends: one relaxed load of the table that the governor publishes says whether to go
// on, to rest and for how long, or to come again later.
//
//   cmake --build --preset release --target example_paused_producer && build/release/example_paused_producer
#include <cstdio>
#include <string_view>

#include "plimsoll/governor/admission.h"

using plimsoll::Admission;
using plimsoll::AdmissionBoard;
using plimsoll::Level;
using plimsoll::RequestKind;

namespace {

// What a broker does before it appends a batch; true when it did.
bool append(const AdmissionBoard& board, std::string_view when) {
  const int width = static_cast<int>(when.size());
  const Admission admission = board.look(RequestKind::kProduce);
  if (admission.verdict == Admission::Verdict::kReject) {
    std::printf("%.*s: refused, to be sent again\n", width, when.data());
    return false;
  }
  if (admission.verdict == Admission::Verdict::kPause) {
    std::printf("%.*s: appended, then nothing is read of it for %lld ms\n", width, when.data(),
                static_cast<long long>(admission.wait.count()));
  } else {
    std::printf("%.*s: appended\n", width, when.data());
  }
  return true;
}

}  // namespace

int main() {
  AdmissionBoard board;  // a Governor publishes into it as it samples; here it is done by hand
  bool well = append(board, "normal");
  // The last argument: how much of the longest pause the controller found to be enough.
  board.publish(Level::kHigh, true, 0.5);
  well = append(board, "high") && well;
  board.publish(Level::kCritical, true, 1.0);
  well = append(board, "critical") && well;
  board.publish(Level::kEmergency, false, 1.0);
  well = !append(board, "emergency") && well;
  // Who reads is answered at every level, with less.
  std::printf("a fetch then gets 1/%u of what it asked for\n",
              1u << board.look(RequestKind::kFetch).share_shift);
  return well ? 0 : 1;
}
