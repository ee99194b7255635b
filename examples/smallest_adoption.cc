#include <cstdio>
#include <vector>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/memory_probe.h"

using namespace plimsoll;

int main() {
  // What the kernel would kill this process for: its cgroup's limit, or what the machine has to give.
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({});
  Result<FoundLimit> found = probe ? (*probe)->limit() : tl::unexpected(probe.error());
  if (!found) return std::puts(found.error().message().c_str()), 1;

  LoadLine line({.limit = found->limit, .worst_overshoot = {}});
  Account& requests = line.open(
      {.name = "requests", .kind = AccountKind::kWaitable, .guarantee = {}, .maximum = line.line() / 4});

  // Where a request is read: ask first, and hold the charge as long as you hold the memory.
  Charge charge = requests.charge(64_KiB);
  if (!charge) return std::puts("503: no memory for this now"), 0;  // refused: nothing was taken, nobody dies
  std::vector<char> body(charge.size().count());
  std::printf("%zu bytes charged to %s\n", body.size(), requests.name().c_str());
}  // the charge returns by itself
