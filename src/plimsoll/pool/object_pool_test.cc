#include "plimsoll/pool/object_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"

namespace plimsoll {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonotonicTime in(Duration time) { return std::chrono::steady_clock::now() + time; }

struct Request {
  Request() { ++alive; }
  ~Request() { --alive; }
  std::string text = "fresh";
  std::atomic<int> users = 0;
  static inline std::atomic<int> alive = 0;
};

class ObjectPoolTest : public ::testing::Test {
 protected:
  using Pool = ObjectPool<Request>;
  using Handle = Pool::Handle;

  ~ObjectPoolTest() override {
    if (pool_) pool_->CheckInvariants();
    pool_.reset();
    EXPECT_EQ(Request::alive, 0);
    EXPECT_EQ(account_.used(), 0_B);
  }
  Pool::Options options() { return {.slabs = slabs_, .account = account_}; }
  Pool& open(const Pool::Options& options) { return pool_.emplace(options); }
  Pool& open_bounded(std::size_t maximum) {
    Pool::Options bounded = options();
    bounded.maximum = maximum;
    return open(bounded);
  }
  void await_waiting(std::size_t count) {
    const MonotonicTime end = in(seconds(20));
    while (pool_->stats().waiting != count && in(Duration(0)) < end) std::this_thread::yield();
    EXPECT_EQ(pool_->stats().waiting, count);
  }

  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 256_MiB}};
  Account& slab_account_ = line_.open({.name = "slabs"});
  Account& slab_idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  Account& account_ = line_.open({.name = "objects"});
  SlabAllocator slabs_{{.account = slab_account_, .idle = slab_idle_, .pages = pages_, .line = 64_MiB}};
  std::optional<Pool> pool_;
};

TEST_F(ObjectPoolTest, ReusesWhatCameBackAndCountsIt) {
  Pool& pool = open(options());
  for (int i = 0; i < 10; ++i) {
    Handle request = pool.try_acquire();
    ASSERT_TRUE(request);
    request->text = "used";
  }
  const auto stats = pool.stats();
  EXPECT_EQ(stats.created, 1u);
  EXPECT_EQ(stats.reused, 9u);
  EXPECT_EQ(stats.returned, 10u);
  EXPECT_DOUBLE_EQ(stats.reuse_rate(), 0.9);
}

TEST_F(ObjectPoolTest, ResetsAnObjectOnItsReturn) {
  Pool::Options resetting = options();
  resetting.reset = [](Request& request) { request.text = "reset"; };
  Pool& pool = open(resetting);
  Handle request = pool.try_acquire();
  EXPECT_EQ(request->text, "fresh");
  Request* same = request.get();
  request.release();
  EXPECT_EQ(same->text, "reset") << "on return, not on the next use";
  EXPECT_EQ(pool.try_acquire().get(), same);
}

TEST_F(ObjectPoolTest, KeepsTheMinimumReadyAndNoMoreThanTheMaximumIdle) {
  Pool::Options few = options();
  few.minimum = 3;
  few.maximum_idle = 8;
  Pool& pool = open(few);
  EXPECT_EQ(Request::alive, 3);
  std::vector<Handle> all;
  for (int i = 0; i < 50; ++i) all.push_back(pool.try_acquire());
  all.clear();
  EXPECT_LE(Request::alive, 8);
  EXPECT_GE(Request::alive, 3);
  pool.drop_idle();
  EXPECT_EQ(Request::alive, 3);
  pool.try_acquire().discard();
  pool.tick();
  EXPECT_EQ(Request::alive, 3) << "made ready again";
}

TEST_F(ObjectPoolTest, IdleObjectsFollowTheDemand) {
  Pool::Options following = options();
  following.demand = {.ticks = 4, .quantile = 1, .headroom = 0};
  Pool& pool = open(following);
  auto tick_with = [&](int in_use) {
    std::vector<Handle> all;
    for (int i = 0; i < in_use; ++i) all.push_back(pool.try_acquire());
    all.clear();
    pool.tick();
  };
  for (int i = 0; i < 5; ++i) tick_with(500);
  EXPECT_GE(Request::alive, 500);
  for (int i = 0; i < 6; ++i) tick_with(2);
  EXPECT_LE(Request::alive, 40) << "the demand, and what the thread may keep";
}

TEST_F(ObjectPoolTest, DiscardsWhatIsNotToBeUsedAgain) {
  Pool& pool = open_bounded(1);
  pool.try_acquire().discard();
  EXPECT_EQ(Request::alive, 0);
  EXPECT_TRUE(pool.try_acquire());
  EXPECT_EQ(pool.stats().discarded, 1u);
}

TEST_F(ObjectPoolTest, NeverHasMoreThanTheMaximum) {
  Pool& pool = open_bounded(2);
  Handle a = pool.try_acquire(), b = pool.try_acquire();
  EXPECT_FALSE(pool.try_acquire());
  EXPECT_FALSE(pool.try_acquire());
  EXPECT_FALSE(pool.acquire(in(milliseconds(2))));
  EXPECT_EQ(pool.stats().timed_out, 1u);
  a.release();
  EXPECT_TRUE(pool.try_acquire());
}

TEST_F(ObjectPoolTest, FindsAnObjectThatAnotherThreadKeeps) {
  Pool& pool = open_bounded(1);
  std::atomic<bool> returned = false, done = false;
  std::thread other([&] {
    pool.try_acquire().release();
    returned = true;
    while (!done) std::this_thread::yield();
    EXPECT_TRUE(pool.try_acquire()) << "the same the other way round";
  });
  while (!returned) std::this_thread::yield();
  EXPECT_TRUE(pool.try_acquire());
  EXPECT_TRUE(pool.acquire(in(seconds(60))));
  done = true;
  other.join();
}

TEST_F(ObjectPoolTest, ServesThoseWhoWaitInTheirOrder) {
  Pool& pool = open_bounded(1);
  Handle only = pool.try_acquire();
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Handle mine = pool.acquire(in(seconds(60)));
      ASSERT_TRUE(mine);
      order.push_back(t);  // one at a time: there is one object
    });
    await_waiting(static_cast<std::size_t>(t) + 1);
  }
  EXPECT_FALSE(pool.try_acquire()) << "it would overtake";
  only.release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
}

TEST_F(ObjectPoolTest, LetsAWaiterMakeOneWhenAnotherIsDiscarded) {
  Pool& pool = open_bounded(1);
  Handle only = pool.try_acquire();
  std::thread waiter([&] { EXPECT_TRUE(pool.acquire(in(seconds(60)))); });
  await_waiting(1);
  only.discard();
  waiter.join();
  EXPECT_EQ(pool.stats().created, 2u);
}

TEST_F(ObjectPoolTest, IsRefusedWhateverMappingFailsAndGoesOn) {
  Pool& pool = open(options());
  pages_.fail_after(PageCall::kMakeUsable, 0);
  EXPECT_FALSE(pool.try_acquire());
  EXPECT_FALSE(pool.acquire(in(milliseconds(1))));
  EXPECT_GE(pool.stats().refused, 1u);
  pages_.allow_all();
  EXPECT_TRUE(pool.try_acquire());
  Pool::Options failing = options();
  int left = 1;
  failing.make = [&](void* place) { return left-- > 0 ? ::new (place) Request : nullptr; };
  Pool& fails = open(failing);
  Handle made = fails.try_acquire();
  EXPECT_TRUE(made);
  EXPECT_FALSE(fails.try_acquire());
}

TEST_F(ObjectPoolTest, ValidatesItsOptions) {
  EXPECT_TRUE(options().Validate());
  Pool::Options wrong = options();
  wrong.maximum = 0;
  EXPECT_FALSE(wrong.Validate());
  wrong.maximum = 10;
  wrong.minimum = 2000;
  EXPECT_FALSE(wrong.Validate());
}

TEST_F(ObjectPoolTest, LosesNothingWhenThreadsEnd) {
  Pool& pool = open(options());
  for (int i = 0; i < 10; ++i) {
    std::thread([&] {
      std::vector<Handle> some;
      for (int n = 0; n < 5; ++n) some.push_back(pool.try_acquire());
    }).join();
  }
  EXPECT_EQ(pool.stats().created, 5u);
  EXPECT_EQ(pool.stats().returned, 50u);
}

// --- coroutines ---

struct Detached {
  struct promise_type {
    Detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> frame;
};

// Runs what was posted when it is told to.
struct Later final : PoolExecutor {
  void post(Resumption resume) noexcept override {
    MutexLock lock(mutex);
    posted.push_back(std::move(resume));
  }
  std::size_t run() {
    std::deque<Resumption> now;
    {
      MutexLock lock(mutex);
      now.swap(posted);
    }
    for (const Resumption& resume : now) resume();
    return now.size();
  }
  Mutex mutex;
  std::deque<Resumption> posted;
};

Detached use(ObjectPool<Request>& pool, PoolExecutor& executor, std::vector<int>& order, int number) {
  ObjectPool<Request>::Handle request = co_await pool.acquire_async(executor);
  if (request) order.push_back(number);
}

TEST_F(ObjectPoolTest, ACoroutineGoesOnAtOnceWhenAnObjectIsIdle) {
  Pool& pool = open_bounded(1);
  Later later;
  std::vector<int> order;
  Detached one = use(pool, later, order, 1);
  EXPECT_EQ(order, std::vector{1});
  EXPECT_TRUE(one.frame.done());
  one.frame.destroy();
}

TEST_F(ObjectPoolTest, CoroutinesAreResumedInTheirOrderByTheirExecutor) {
  Pool& pool = open_bounded(1);
  Later later;
  std::vector<int> order;
  Handle only = pool.try_acquire();
  std::vector<Detached> all;
  for (int i = 0; i < 3; ++i) all.push_back(use(pool, later, order, i));
  EXPECT_EQ(pool.stats().waiting, 3u);
  only.release();
  EXPECT_TRUE(order.empty()) << "the pool resumes nobody itself";
  while (later.run() > 0) {
  }
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
  for (Detached& one : all) one.frame.destroy();
}

TEST_F(ObjectPoolTest, ACoroutineThatEndsWhileItWaitsIsForgotten) {
  Pool& pool = open_bounded(1);
  Later later;
  std::vector<int> order;
  Handle only = pool.try_acquire();
  Detached first = use(pool, later, order, 1), second = use(pool, later, order, 2);
  first.frame.destroy();
  EXPECT_EQ(pool.stats().waiting, 1u);
  only.release();
  later.run();
  EXPECT_EQ(order, std::vector{2});
  second.frame.destroy();
}

TEST_F(ObjectPoolTest, WhatACoroutineWasGrantedAndDidNotTakeGoesToTheNext) {
  Pool& pool = open_bounded(1);
  Later later;
  std::vector<int> order;
  Handle only = pool.try_acquire();
  Detached first = use(pool, later, order, 1), second = use(pool, later, order, 2);
  only.release();
  EXPECT_EQ(later.posted.size(), 1u);
  first.frame.destroy();  // granted, and posted
  EXPECT_EQ(later.run(), 2u);
  EXPECT_EQ(order, std::vector{2});
  second.frame.destroy();
  EXPECT_TRUE(pool.try_acquire());
}

// --- many threads ---

// No more users than objects, none shared, and whoever waits is served, wherever idle objects are.
TEST_F(ObjectPoolTest, StrandsNobodyWhoWaitsForAnObject) {
  constexpr int kObjects = 2;
  Pool& pool = open_bounded(kObjects);
  std::atomic<int> users = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Random random(t + 1);
      for (int i = 0; i < 1500; ++i) {
        Handle request = random.below(3) == 0 ? pool.try_acquire() : pool.acquire(in(seconds(60)));
        if (!request) continue;
        EXPECT_EQ(request->users.fetch_add(1), 0) << "two have it";
        EXPECT_LE(users.fetch_add(1), kObjects - 1);
        if (random.below(8) == 0) std::this_thread::yield();
        users.fetch_sub(1);
        request->users.fetch_sub(1);
        if (random.below(50) == 0) request.discard();
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    pool.tick();
    pool.CheckInvariants();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool.stats().timed_out, 0u);
  EXPECT_LE(Request::alive, kObjects);
}

TEST_F(ObjectPoolTest, CoroutinesAndThreadsShareOneQueue) {
  Pool& pool = open_bounded(1);
  Later later;
  std::atomic<bool> stop = false;
  std::thread loop([&] {
    while (!stop || later.run() > 0) std::this_thread::yield(), later.run();
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) EXPECT_TRUE(pool.acquire(in(seconds(60))));
    });
  }
  std::vector<int> order;  // under the one object
  std::vector<Detached> all;
  for (int i = 0; i < 300; ++i) all.push_back(use(pool, later, order, i));
  for (std::thread& thread : threads) thread.join();
  while (pool.stats().waiting > 0) std::this_thread::yield();
  stop = true;
  loop.join();
  EXPECT_EQ(order.size(), 300u);
  for (Detached& one : all) one.frame.destroy();
}

// As two counts: those out, and those that exist.
TEST_F(ObjectPoolTest, AgreesWithCounts) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::size_t maximum = 1 + random.below(40);
    Pool& pool = open_bounded(maximum);
    std::vector<Handle> out;
    for (int step = 0; step < 4000; ++step) {
      const std::uint64_t what = random.below(20);
      if (what < 10) {
        Handle request = pool.try_acquire();
        ASSERT_EQ(static_cast<bool>(request), out.size() < maximum);
        if (request) out.push_back(std::move(request));
      } else if (what < 18 && !out.empty()) {
        std::swap(out[random.below(out.size())], out.back());
        if (what == 17) out.back().discard();
        out.pop_back();
      } else if (what == 18) {
        pool.tick();
      } else if (random.below(20) == 0) {
        pool.drop_idle();
        ASSERT_EQ(static_cast<std::size_t>(Request::alive), out.size());
      }
      ASSERT_EQ(pool.stats().existing, static_cast<std::uint64_t>(Request::alive));
      ASSERT_LE(pool.stats().existing, maximum);
    }
    const auto stats = pool.stats();
    EXPECT_EQ(stats.created - stats.discarded, stats.existing);
    EXPECT_LE(stats.returned + out.size(), stats.created + stats.reused);
    pool.CheckInvariants();
  }
}

#ifndef NDEBUG
TEST_F(ObjectPoolTest, NamesAnObjectThatIsReturnedTwice) {
  Pool& pool = open(options());
  Request* request = pool.try_acquire().disown();
  pool.give_back(request);
  EXPECT_DEATH(pool.give_back(request), "block 0x[0-9a-f]+ is returned twice");
}
#endif

}  // namespace
}  // namespace plimsoll
