// Many threads on one line: for the thread sanitizer, and for the sums.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/lease.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 4;
constexpr int kSteps = 20'000;

class Ticker final : public PressureListener {
 public:
  void look_now() noexcept override { looks.fetch_add(1, std::memory_order_relaxed); }
  std::atomic<std::uint64_t> looks{0};
};

class FlagWait final : public Waiter {
 public:
  void finished() noexcept override { done.store(true, std::memory_order_release); }
  std::atomic<bool> done{false};
};

struct Stage {
  LoadLine line{{.limit = 32_MiB}};
  Account& cache = line.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& group = line.open({.name = "group", .maximum = 20_MiB});
  Account& bodies = line.open({.name = "bodies", .guarantee = 1_MiB}, &group);
  Account& output = line.open({.name = "output", .maximum = 10_MiB}, &group);
};

// Waits through the queue, gives up at random, and releases what it got.
void wait_and_maybe_cancel(Stage& stage, Random& random) {
  FlagWait wait;
  Bytes bytes(random.below(4'000'000));
  auto within = std::chrono::microseconds(random.below(2000));
  stage.line.enqueue(wait, random.below(2) ? stage.bodies : stage.output, bytes,
                     std::chrono::steady_clock::now() + within, "stress");
  for (std::uint64_t spins = random.below(20); spins > 0 && !wait.done.load(); --spins)
    std::this_thread::yield();
  if (!stage.line.cancel(wait)) {
    // finished() may be running still on the thread that ended the wait.
    while (!wait.done.load(std::memory_order_acquire)) std::this_thread::yield();
  }
}

void work(Stage& stage, std::uint64_t seed, std::atomic<bool>& over) {
  Random random(seed);
  std::vector<Charge> held;
  Lease lease(stage.output, 32_KiB);
  for (int i = 0; i < kSteps; ++i) {
    Account& account = random.below(2) ? stage.cache : stage.bodies;
    switch (random.below(7)) {
      case 0:
      case 1:
        held.push_back(account.charge(Bytes(random.below(500'000))));
        break;
      case 2:
        if (!held.empty() && held.back()) static_cast<void>(held.back().transfer(stage.output));
        break;
      case 3:
        if (lease.take(10_KiB)) lease.give(10_KiB);
        break;
      case 4:
        if (random.below(16) == 0) wait_and_maybe_cancel(stage, random);
        break;
      case 5:
        if (random.below(16) == 0) {
          auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(random.below(500));
          Result<Charge> charge = stage.bodies.charge_before(Bytes(random.below(2'000'000)), deadline);
          if (charge) held.push_back(*std::move(charge));
        }
        break;
      default:
        if (!held.empty() && random.below(2) == 0) held.pop_back();
        if (held.size() > 100) held.clear();
    }
    if (stage.line.charged() > stage.line.limit() * 2) over = true;  // attempts may show, but not pile up
  }
}

TEST(LoadLineStress, KeepsItsSumsUnderManyThreads) {
  Stage stage;
  Ticker ticker;
  stage.line.set_listener(&ticker);
  std::atomic<bool> stop{false};
  std::atomic<bool> over{false};
  std::thread governor([&] {
    Random random(7);
    while (!stop.load()) {
      stage.line.listened();
      stage.line.serve_waiters();
      if (random.below(10) == 0) stage.line.set_limit(Bytes(random.below(8'000'000)) + 28_MiB, 0_B);
      if (random.below(10) == 0) stage.cache.set_maximum(Bytes(random.below(30'000'000)));
      if (random.below(50) == 0) stage.cache.set_kind(AccountKind::kPinned);
      if (random.below(10) == 0) stage.cache.set_kind(AccountKind::kDroppable);
      static_cast<void>(stage.line.pressure());
      std::this_thread::yield();
    }
    stage.line.set_listener(nullptr);
  });
  std::vector<std::thread> workers;
  for (std::uint64_t seed = 1; seed <= kThreads; ++seed) {
    workers.emplace_back([&, seed] { work(stage, seed, over); });
  }
  for (std::thread& worker : workers) worker.join();
  stop = true;
  governor.join();
  EXPECT_FALSE(over.load());
  EXPECT_EQ(stage.line.charged(), 0_B);
  EXPECT_EQ(stage.line.serve_waiters(), 0u);
  EXPECT_GT(ticker.looks.load(), 0u);
  stage.line.CheckInvariants();
}

TEST(LoadLineStress, NeverGrantsMoreThanTheLineAtAnyTime) {
  LoadLine line({.limit = 16_MiB});
  Account& account = line.open({.name = "bodies"});
  std::atomic<std::int64_t> granted{0};
  std::atomic<std::int64_t> most{0};
  std::vector<std::thread> workers;
  for (std::uint64_t seed = 1; seed <= kThreads; ++seed) {
    workers.emplace_back([&, seed] {
      Random random(seed);
      std::vector<Charge> held;
      for (int i = 0; i < kSteps; ++i) {
        Charge charge = account.charge(Bytes(random.below(1'000'000)));
        if (charge) {
          // Counted after it was granted, and taken off before it is released: never more than is granted.
          std::int64_t now = granted.fetch_add(charge.size().signed_count()) + charge.size().signed_count();
          std::int64_t before = most.load();
          while (now > before && !most.compare_exchange_weak(before, now)) {
          }
          held.push_back(std::move(charge));
        }
        if (held.size() > 20 + random.below(20)) {
          for (const Charge& gone : held) granted.fetch_sub(gone.size().signed_count());
          held.clear();
        }
      }
      for (const Charge& gone : held) granted.fetch_sub(gone.size().signed_count());
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_LE(most.load(), line.line().signed_count());
  EXPECT_GT(most.load(), line.line().signed_count() * 9 / 10) << "and it is used";
}

TEST(LoadLineStress, LosesNoWaiterBetweenReleasesWithoutAGovernor) {
  LoadLine line({.limit = 16_MiB});
  Account& account = line.open({.name = "bodies", .maximum = 1_MiB});
  std::atomic<int> granted{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < kThreads; ++t) {
    workers.emplace_back([&] {
      for (int i = 0; i < kSteps / 20; ++i) {
        // Everybody wants more than half: one at a time, each released to the next in the queue.
        Result<Charge> charge = account.charge_before(600_KiB, std::chrono::steady_clock::now() + 60s);
        if (charge) ++granted;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(granted.load(), kThreads * (kSteps / 20)) << "one was left waiting with the memory free";
}

}  // namespace
}  // namespace plimsoll
