#include "plimsoll/server/loop.h"

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

namespace plimsoll {
namespace {

thread_local Loop* current_loop = nullptr;
constexpr std::chrono::milliseconds kTick{100};

}  // namespace

Loop::Loop(Node& n, ServerFacts& f, asio::thread_pool& w, unsigned which)
    : node(n), facts(f), worker(w), number(which) {}

Loop* Loop::current() { return current_loop; }

void Loop::run() {
  current_loop = this;
  auto guard = asio::make_work_guard(io);
  arm();
  io.run();
  // Coroutines end on the loop they live on: their charges belong to its leases.
  timer_.cancel();
  while (!members_.empty()) {
    std::vector<LoopMember*> all(members_.begin(), members_.end());
    for (LoopMember* member : all) member->close();
    io.restart();
    io.poll();
  }
  current_loop = nullptr;
}

void Loop::stop() { io.stop(); }

void Loop::drain() {
  asio::post(io, [this] {
    draining_ = true;
    std::vector<LoopMember*> all(members_.begin(), members_.end());
    for (LoopMember* member : all) member->drain();
  });
}

void Loop::close_session(std::uint64_t id) {
  asio::post(io, [this, id] {
    const auto found = std::find_if(members_.begin(), members_.end(), [id](const LoopMember* member) {
      return member->session() != nullptr && member->session()->id == id;
    });
    if (found != members_.end()) (*found)->close();
  });
}

void Loop::add(LoopMember& member) {
  MutexLock lock(mutex);
  members_.insert(&member);
  size_.store(members_.size(), std::memory_order_relaxed);
  if (draining_)
    asio::post(io, [this, m = &member] {
      if (members_.contains(m)) m->drain();
    });
}

void Loop::remove(LoopMember& member) {
  MutexLock lock(mutex);
  members_.erase(&member);
  size_.store(members_.size(), std::memory_order_relaxed);
}

void Loop::with_members(const std::function<void(const LoopMember&)>& visit) {
  MutexLock lock(mutex);
  each_member(visit);
}

void Loop::each_member(const std::function<void(const LoopMember&)>& visit) {
  for (const LoopMember* member : members_) visit(*member);
}

void Loop::arm() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const std::error_code& error) {
    if (error) return;
    tick();
    arm();
  });
}

void* Loop::HeldMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
  void* place = ::operator new(bytes, std::align_val_t{alignment});
  lease_.take_held(Bytes(bytes));
  return place;
}

void Loop::HeldMemory::do_deallocate(void* place, std::size_t bytes, std::size_t alignment) {
  ::operator delete(place, bytes, std::align_val_t{alignment});
  lease_.give(Bytes(bytes));
}

void Loop::tick() {
  const MonotonicTime now = node.clock.monotonic_now();
  std::vector<LoopMember*> all(members_.begin(), members_.end());
  for (LoopMember* member : all) member->tick(now);
  if (number != 0) return;
  {
    // Not between the commands of a transaction, which all run at one time.
    MutexLock lock(mutex);
    // Where more has expired than one round takes, some more; others wait no longer than for a large value.
    constexpr std::chrono::milliseconds kMost{2};
    const std::int64_t wall_ms = node.clock.wall_ms();
    while (node.cache.expire(wall_ms) > 0 && node.clock.monotonic_now() - now < kMost) {
    }
  }
  node.look(now);
  node.follow_line();
  node.keep_time();
}

}  // namespace plimsoll
