// Random calls on a bounded pool of objects by an input's bytes, with coroutines that wait and some that end
// while they do: nobody has an object that another has, everybody is served in the end, and nothing is left.
#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/check.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/object_pool.h"

namespace plimsoll {
namespace {

struct Object {
  bool in_use = false;
};
using Pool = ObjectPool<Object>;

struct Later final : PoolExecutor {
  void post(Resumption resume) noexcept override { posted.push_back(std::move(resume)); }
  void run() {
    while (!posted.empty()) {
      const Resumption first = std::move(posted.front());
      posted.pop_front();
      first();
    }
  }
  std::deque<Resumption> posted;
};

struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> frame;
};

class Harness {
 public:
  explicit Harness(std::span<const std::uint8_t> input) : input_(input) {}
  ~Harness() {
    // Everybody who still waits is served, one after the other.
    while (!out_.empty() || !later_.posted.empty()) {
      later_.run();
      while (!out_.empty()) release(0, false);
    }
    for (Task& task : tasks_) {
      PLIMSOLL_CHECK(task.frame.done(), "a coroutine is stranded");
      task.frame.destroy();
    }
    PLIMSOLL_CHECK(pool_->stats().waiting == 0);
    pool_->CheckInvariants();
    pool_.reset();
    PLIMSOLL_CHECK(account_.used().zero());
  }

  void run() {
    while (at_ < input_.size()) {
      step();
      pool_->CheckInvariants();
      PLIMSOLL_CHECK(pool_->stats().existing <= kMost && out_.size() <= kMost);
    }
  }

 private:
  static constexpr std::size_t kMost = 5;

  std::uint8_t byte() { return at_ < input_.size() ? input_[at_++] : 0; }

  void step() {
    switch (byte() % 10) {
      case 0:
      case 1:
        return use(pool_->try_acquire());
      case 2:
      case 3:
        if (tasks_.size() < 64) tasks_.push_back(wait());
        return;
      case 4:
      case 5:
        return release(byte(), false);
      case 6:
        return release(byte(), true);
      case 7:
        return later_.run();
      case 8:
        return end_task(byte());
      case 9:
        byte() % 2 == 0 ? pool_->tick() : static_cast<void>(pool_->drop_idle());
        return;
    }
  }
  Task wait() {
    Pool::Handle object = co_await pool_->acquire_async(later_);
    use(std::move(object));
  }
  void use(Pool::Handle object) {
    if (!object) return;
    PLIMSOLL_CHECK(!object->in_use, "two have it");
    object->in_use = true;
    out_.push_back(std::move(object));
  }
  void release(std::size_t at, bool discard) {
    if (out_.empty()) return;
    std::swap(out_[at % out_.size()], out_.back());
    out_.back()->in_use = false;
    if (discard) out_.back().discard();
    out_.pop_back();
  }
  void end_task(std::size_t at) {
    if (tasks_.empty()) return;
    std::swap(tasks_[at % tasks_.size()], tasks_.back());
    tasks_.back().frame.destroy();
    tasks_.pop_back();
  }

  std::span<const std::uint8_t> input_;
  std::size_t at_ = 0;
  SystemPages pages_;
  LoadLine line_{{.limit = 64_MiB}};
  Account& slab_account_ = line_.open({.name = "slabs"});
  Account& slab_idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  Account& account_ = line_.open({.name = "objects"});
  SlabAllocator slabs_{{.account = slab_account_, .idle = slab_idle_, .pages = pages_, .line = 4_MiB}};
  Later later_;
  std::optional<Pool> pool_{Pool::Options{.slabs = slabs_,
                                          .account = account_,
                                          .minimum = 1,
                                          .maximum_idle = 3,
                                          .maximum = kMost,
                                          .demand = {.ticks = 3}}};
  std::vector<Pool::Handle> out_;
  std::vector<Task> tasks_;
};

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::Harness({data, size}).run();
  return 0;
}
