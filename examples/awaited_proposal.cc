// A coroutine that waits for a pooled object: a replica may have one proposal under way, and the next waits
// for it without holding a thread. It goes on in the event loop that it names.
//
//   cmake --build --preset release --target example_awaited_proposal &&
//   build/release/example_awaited_proposal
#include <coroutine>
#include <cstdio>
#include <deque>
#include <exception>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/object_pool.h"

using namespace plimsoll::literals;

namespace {

struct Proposal {
  int number = 0;
};
using Pool = plimsoll::ObjectPool<Proposal>;

// An event loop, as small as it gets. A true one is posted to from any thread.
struct Loop final : plimsoll::PoolExecutor {
  void post(plimsoll::Resumption resume) noexcept override { ready.push_back(std::move(resume)); }
  void run() {
    for (; !ready.empty(); ready.pop_front()) ready.front()();
  }
  std::deque<plimsoll::Resumption> ready;
};

struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Task propose(Pool& pool, Loop& loop, int number, Pool::Handle& under_way) {
  Pool::Handle proposal = co_await pool.acquire_async(loop);
  if (!proposal) co_return;  // refused: no memory for it
  proposal->number = number;
  std::printf("proposal %d sent\n", number);
  under_way = std::move(proposal);  // until it is acknowledged
}

}  // namespace

int main() {
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 64_MiB});
  plimsoll::Account& account = line.open({.name = "proposals"});
  plimsoll::Account& idle = line.open({.name = "slabs_idle", .kind = plimsoll::AccountKind::kDroppable});
  plimsoll::SlabAllocator slabs({.account = account, .idle = idle, .pages = pages, .line = line.line()});
  Pool pool({.slabs = slabs, .account = account, .maximum = 1});
  Loop loop;
  Pool::Handle first, second;

  propose(pool, loop, 1, first);
  propose(pool, loop, 2, second);  // returns at once: it is suspended
  if (!second) std::printf("proposal 2 waits\n");
  std::printf("proposal %d acknowledged\n", first->number);
  first.release();  // the waiter is granted it, and posted to the loop
  loop.run();
  second.release();
  std::printf("%llu proposal made, 2 sent\n", static_cast<unsigned long long>(pool.stats().created));
  return 0;
}
