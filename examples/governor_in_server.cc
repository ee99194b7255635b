// A governor in a server: its thread watches the line, has what can be dropped give way to a request that
// waits, charges what nobody charged, and says what it did.
//
//   cmake --build --preset release --target example_governor_in_server &&
//   build/release/example_governor_in_server
#include <cstdio>
#include <cstring>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/budget/reclaimer.h"
#include "plimsoll/governor/governor.h"
#include "plimsoll/os/memory_probe.h"

using namespace plimsoll;

namespace {

// What the server had before: thumbnails that it could make again.
class Thumbnails final : public Reclaimer {
 public:
  explicit Thumbnails(Account& account) : account_(account) {}
  bool add(Bytes size) {
    Charge charge = account_.charge(size);
    if (!charge) return false;
    const MutexLock lock(mutex_);
    kept_.emplace_back(std::move(charge), std::vector<char>(size.count(), 'x'));
    return true;
  }
  std::string_view name() const override { return "thumbnails"; }
  ReclaimOffer offer() const override { return {.droppable = account_.used()}; }
  Bytes reclaim(Bytes wanted) override {
    const MutexLock lock(mutex_);
    Bytes freed;
    for (; freed < wanted && !kept_.empty(); kept_.pop_back()) freed += kept_.back().first.size();
    return freed;
  }

 private:
  Account& account_;
  Mutex mutex_;
  std::vector<std::pair<Charge, std::vector<char>>> kept_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace

int main() {
  // Without .line, what the kernel would kill this process for.
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({.limit = {.line = "96MiB"}});
  Result<FoundLimit> found = probe ? (*probe)->limit() : tl::unexpected(probe.error());
  if (!found) return std::puts(found.error().message().c_str()), 1;
  LoadLine line({.limit = limit_to_follow(*found), .worst_overshoot = {}});
  Account& droppable = line.open({.name = "thumbnails", .kind = AccountKind::kDroppable, .guarantee = {}});
  Account& requests = line.open({.name = "requests", .kind = AccountKind::kWaitable, .guarantee = {}});
  Thumbnails thumbnails(droppable);

  AdmissionBoard board;  // request handlers ask it by one load: board.look(RequestKind::kBody)
  EventLog events;
  Governor governor({.line = line, .probe = **probe, .board = board, .events = events});
  governor.add(thumbnails, droppable);
  if (!governor.measure_runtime() || !governor.start()) return 1;

  while (thumbnails.add(1_MiB)) continue;  // all that others leave: a full cache is level normal
  const Bytes before = droppable.used();
  // A request that needs 40 MiB now waits for them, 5 s at most, and the thumbnails give way.
  Result<Charge> charge =
      requests.charge_before(40_MiB, SystemClock().monotonic_now() + std::chrono::seconds(5));
  std::printf("a request of 40 MiB: %s\n", charge ? "granted" : charge.error().what);
  std::printf("thumbnails gave way: %s\n", droppable.used() < before ? "yes" : "no");
  governor.stop();
  for (const Event& event : events.last(20)) {
    if (event.kind == EventKind::kReclaimed && std::string_view(event.cause) == "requests wait for memory")
      return std::printf("its log: %s\n", event.sentence().c_str()), 0;
  }
  return 1;
}
