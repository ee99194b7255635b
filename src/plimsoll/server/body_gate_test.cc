#include "plimsoll/server/body_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "plimsoll/base/random.h"

namespace plimsoll {
namespace {

// Notes in `order` when it is let in.
class Body final : public BodyGate::Ticket {
 public:
  Body(int number, std::vector<int>& order) : number_(number), order_(order) {}
  void admitted() noexcept override { order_.push_back(number_); }

 private:
  const int number_;
  std::vector<int>& order_;
};

class BodyGateTest : public ::testing::Test {
 protected:
  std::vector<int> order_;  // who was let in after waiting
  Body first_{1, order_};
  Body second_{2, order_};
  Body third_{3, order_};
  Body fourth_{4, order_};
  BodyGate gate_{100_B, true};
};

TEST_F(BodyGateTest, AdmitsAtOnceWhatFitsTogether) {
  EXPECT_TRUE(gate_.enter(first_, 60_B));
  EXPECT_TRUE(gate_.enter(second_, 40_B)) << "to the last byte";
  EXPECT_EQ(gate_.admitted(), 100_B);
  EXPECT_FALSE(gate_.enter(third_, 1_B));
  EXPECT_EQ(gate_.admitted(), 100_B) << "who waits is not counted";
  EXPECT_EQ(gate_.waiting(), 1u);
  EXPECT_TRUE(order_.empty()) << "admitted() is for those who waited";
  gate_.leave(first_);
  EXPECT_EQ(order_, (std::vector<int>{3}));
  EXPECT_EQ(gate_.admitted(), 41_B);
  gate_.leave(second_);
  gate_.leave(third_);
  EXPECT_EQ(gate_.admitted(), 0_B);
  EXPECT_EQ(gate_.waiting(), 0u);
}

TEST_F(BodyGateTest, LetsInInTheOrderOfArrival) {
  EXPECT_TRUE(gate_.enter(first_, 100_B));
  EXPECT_FALSE(gate_.enter(second_, 90_B));
  EXPECT_FALSE(gate_.enter(third_, 20_B));
  EXPECT_FALSE(gate_.enter(fourth_, 10_B));
  gate_.leave(first_);
  EXPECT_EQ(order_, (std::vector<int>{2})) << "the fourth would fit, but the third came before it";
  EXPECT_EQ(gate_.waiting(), 2u);
  gate_.leave(second_);
  EXPECT_EQ(order_, (std::vector<int>{2, 3, 4}));
  EXPECT_EQ(gate_.admitted(), 30_B);
  gate_.leave(third_);
  gate_.leave(fourth_);
}

TEST_F(BodyGateTest, DoesNotLetTheSmallPassWhoWaits) {
  EXPECT_TRUE(gate_.enter(first_, 60_B));
  EXPECT_FALSE(gate_.enter(second_, 60_B));
  EXPECT_FALSE(gate_.enter(third_, 10_B)) << "there is room for it, or the large would starve";
  EXPECT_EQ(gate_.admitted(), 60_B);
  gate_.leave(first_);
  EXPECT_EQ(order_, (std::vector<int>{2, 3}));
  gate_.leave(second_);
  gate_.leave(third_);
}

TEST_F(BodyGateTest, LetsInBehindOneWhoGivesUpWaiting) {
  EXPECT_TRUE(gate_.enter(first_, 60_B));
  EXPECT_FALSE(gate_.enter(second_, 90_B));
  EXPECT_FALSE(gate_.enter(third_, 90_B));
  EXPECT_FALSE(gate_.enter(fourth_, 30_B));
  gate_.leave(third_);
  EXPECT_TRUE(order_.empty()) << "the second is at the head still";
  EXPECT_EQ(gate_.waiting(), 2u);
  gate_.leave(second_);
  EXPECT_EQ(order_, (std::vector<int>{4})) << "nothing was given back, but who stood in the way is gone";
  EXPECT_EQ(gate_.admitted(), 90_B) << "who only waited gives back nothing";
  gate_.leave(first_);
  gate_.leave(fourth_);
  EXPECT_EQ(gate_.admitted(), 0_B);
}

TEST_F(BodyGateTest, TakesATicketAgainAfterItLeft) {
  EXPECT_TRUE(gate_.enter(first_, 100_B));
  gate_.leave(first_);
  EXPECT_TRUE(gate_.enter(first_, 70_B));
  EXPECT_EQ(gate_.admitted(), 70_B);
  gate_.leave(first_);
  EXPECT_EQ(gate_.admitted(), 0_B) << "by the size it entered with last";
}

TEST_F(BodyGateTest, LetsInWhenTheMaximumIsRaised) {
  EXPECT_TRUE(gate_.enter(first_, 100_B));
  EXPECT_FALSE(gate_.enter(second_, 50_B));
  EXPECT_FALSE(gate_.enter(third_, 50_B));
  gate_.set_maximum(149_B);
  EXPECT_TRUE(order_.empty());
  gate_.set_maximum(150_B);
  EXPECT_EQ(order_, (std::vector<int>{2}));
  gate_.set_maximum(500_B);
  EXPECT_EQ(order_, (std::vector<int>{2, 3}));
  EXPECT_EQ(gate_.admitted(), 200_B);
  gate_.leave(first_);
  gate_.leave(second_);
  gate_.leave(third_);
}

TEST_F(BodyGateTest, AdmitsNothingUntilItIsBelowALoweredMaximum) {
  EXPECT_TRUE(gate_.enter(first_, 60_B));
  EXPECT_TRUE(gate_.enter(second_, 40_B));
  gate_.set_maximum(50_B);
  EXPECT_EQ(gate_.admitted(), 100_B) << "who is in stays in";
  EXPECT_FALSE(gate_.enter(third_, 10_B));
  gate_.leave(second_);
  EXPECT_TRUE(order_.empty());
  gate_.leave(first_);
  EXPECT_EQ(order_, (std::vector<int>{3}));
  gate_.leave(third_);
}

TEST_F(BodyGateTest, LetsOthersPassOneThatALoweredMaximumShutsOut) {
  EXPECT_TRUE(gate_.enter(first_, 60_B));
  EXPECT_FALSE(gate_.enter(second_, 90_B));
  gate_.set_maximum(80_B);
  EXPECT_TRUE(gate_.enter(third_, 20_B));
  gate_.leave(first_);
  EXPECT_TRUE(order_.empty());
  gate_.set_maximum(110_B);
  EXPECT_EQ(order_, (std::vector<int>{2})) << "it kept its place";
  gate_.leave(second_);
  gate_.leave(third_);
}

TEST_F(BodyGateTest, ExtendsWhoIsInByWhatFitsAndNeverMakesItWait) {
  EXPECT_TRUE(gate_.enter(first_, 40_B));
  EXPECT_TRUE(gate_.extend(first_, 50_B));
  EXPECT_EQ(gate_.admitted(), 90_B);
  EXPECT_FALSE(gate_.extend(first_, 11_B));
  EXPECT_FALSE(gate_.enter(second_, 20_B));
  gate_.leave(first_);
  EXPECT_EQ(order_, (std::vector<int>{2}));
  EXPECT_EQ(gate_.admitted(), 20_B);
  gate_.leave(second_);
}

TEST_F(BodyGateTest, SaysWhatItCouldEverAdmit) {
  EXPECT_TRUE(gate_.enter(first_, 100_B));
  EXPECT_TRUE(gate_.could_admit(100_B)) << "later, when the first has left";
  EXPECT_FALSE(gate_.could_admit(101_B));
  EXPECT_FALSE(gate_.could_admit(Bytes::max()));
  gate_.set_maximum(50_B);
  EXPECT_FALSE(gate_.could_admit(51_B));
  EXPECT_FALSE(gate_.enter(second_, Bytes::max())) << "a sum that would overflow does not fit";
  gate_.leave(second_);
  gate_.leave(first_);
}

TEST_F(BodyGateTest, AdmitsEverythingWithoutEnforcementAndCountsIt) {
  BodyGate open(100_B, false);
  EXPECT_TRUE(open.could_admit(Bytes::max()));
  EXPECT_TRUE(open.enter(first_, 1000_B));
  EXPECT_TRUE(open.enter(second_, 1_GiB));
  open.set_maximum(0_B);
  EXPECT_TRUE(open.enter(third_, 1_B));
  EXPECT_EQ(open.admitted(), 1_GiB + 1001_B);
  EXPECT_EQ(open.waiting(), 0u);
  open.leave(first_);
  open.leave(second_);
  open.leave(third_);
  EXPECT_EQ(open.admitted(), 0_B);
  EXPECT_TRUE(order_.empty());
}

// The gate written down plainly: sizes, who is in, who waits.
class GateModel {
 public:
  explicit GateModel(std::uint64_t maximum) : maximum_(maximum) {}

  bool enter(int number, std::uint64_t size) {
    waiting_.push_back({number, size});
    let_in();
    if (order.empty() || order.back() != number || !is_in(number)) return false;
    order.pop_back();  // it did not wait
    return true;
  }
  void leave(int number) {
    std::erase_if(in_, [&](const Place& place) { return place.number == number; });
    std::erase_if(waiting_, [&](const Place& place) { return place.number == number; });
    let_in();
  }
  void set_maximum(std::uint64_t maximum) {
    maximum_ = maximum;
    let_in();
  }
  std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const Place& place : in_) sum += place.size;
    return sum;
  }
  std::size_t waiting() const { return waiting_.size(); }
  bool contains(int number) const {
    auto is_it = [&](const Place& place) { return place.number == number; };
    return std::any_of(in_.begin(), in_.end(), is_it) || std::any_of(waiting_.begin(), waiting_.end(), is_it);
  }
  std::vector<int> order;  // of those that waited

 private:
  struct Place {
    int number;
    std::uint64_t size;
  };
  bool is_in(int number) const {
    return std::any_of(in_.begin(), in_.end(), [&](const Place& place) { return place.number == number; });
  }
  void let_in() {
    for (std::size_t i = 0; i < waiting_.size();) {
      const Place next = waiting_[i];
      if (next.size > maximum_) {
        ++i;
        continue;
      }
      if (sum() + next.size > maximum_) return;
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      order.push_back(next.number);
      in_.push_back(next);
    }
  }

  std::uint64_t maximum_;
  std::vector<Place> in_;
  std::deque<Place> waiting_;
};

void compare_with_the_model(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  constexpr int kBodies = 12;
  std::vector<int> order;
  std::vector<std::unique_ptr<Body>> bodies;
  for (int i = 0; i < kBodies; ++i) bodies.push_back(std::make_unique<Body>(i, order));
  BodyGate gate(1000_B, true);
  GateModel model(1000);
  for (int step = 0; step < 2000; ++step) {
    const int number = static_cast<int>(random.below(kBodies));
    if (random.below(50) == 0) {
      const std::uint64_t maximum = 500 + random.below(1500);
      gate.set_maximum(Bytes(maximum));
      model.set_maximum(maximum);
    } else if (model.contains(number)) {
      gate.leave(*bodies[number]);
      model.leave(number);
    } else {
      const std::uint64_t size = random.below(4) == 0 ? random.below(1000) : random.below(200);
      ASSERT_EQ(gate.enter(*bodies[number], Bytes(size)), model.enter(number, size)) << "step " << step;
    }
    ASSERT_EQ(order, model.order) << "step " << step;
    ASSERT_EQ(gate.admitted(), Bytes(model.sum())) << "step " << step;
    ASSERT_EQ(gate.waiting(), model.waiting()) << "step " << step;
  }
  EXPECT_GT(order.size(), 100u) << "the run must have made some wait";
}

TEST(BodyGate, DoesWhatAPlainModelDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) compare_with_the_model(seed);
}

class BlockingBody final : public BodyGate::Ticket {
 public:
  void admitted() noexcept override {
    MutexLock lock(mutex_);
    admitted_ = true;
    changed_.notify_one();
  }
  void wait() {
    MutexLock lock(mutex_);
    while (!admitted_) changed_.wait(mutex_);
    admitted_ = false;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool admitted_ PLIMSOLL_GUARDED_BY(mutex_) = false;
};

TEST(BodyGate, BoundsTheSumAndForgetsNobodyUnderThreads) {
  constexpr std::uint64_t kMaximum = 1000;
  BodyGate gate(Bytes(kMaximum), true);
  std::atomic<std::uint64_t> inside{0};
  std::atomic<int> above{0};
  std::atomic<int> waited{0};
  auto worker = [&](std::uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < 3000; ++i) {
      BlockingBody body;
      const std::uint64_t size = 1 + random.below(kMaximum);
      if (!gate.enter(body, Bytes(size))) {
        ++waited;
        if (random.below(4) == 0) {  // gives up; it may have been let in meanwhile
          gate.leave(body);
          continue;
        }
        body.wait();
      }
      if (inside.fetch_add(size) + size > kMaximum) ++above;
      std::this_thread::yield();
      inside.fetch_sub(size);
      gate.leave(body);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) threads.emplace_back(worker, seed);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(above, 0);
  EXPECT_GT(waited, 0);
  EXPECT_EQ(gate.admitted(), 0_B);
  EXPECT_EQ(gate.waiting(), 0u);
}

}  // namespace
}  // namespace plimsoll
