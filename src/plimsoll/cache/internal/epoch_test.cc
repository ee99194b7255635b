#include "plimsoll/cache/internal/epoch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace plimsoll {
namespace {

// A domain of its own: the test is all of its readers, one after the other in one thread.
class EpochTest : public ::testing::Test {
 protected:
  void retire(Bytes size = 1_KiB) {
    domain_.retire({.memory = nullptr,
                    .size = size,
                    .end = [](void*, void* ended) { ++*static_cast<int*>(ended); },
                    .context = &ended_});
  }

  int ended_ = 0;
  EpochDomain domain_;
};

TEST_F(EpochTest, EndsWhatNobodyReads) {
  retire();
  EXPECT_EQ(ended_, 0) << "not before it is collected";
  EXPECT_EQ(domain_.waiting(), 1_KiB);
  domain_.collect();
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(domain_.waiting(), 0_B);
}

TEST_F(EpochTest, KeepsWhatWasThereWhenAReaderCame) {
  EpochDomain::Reader& reader = domain_.join();
  domain_.enter(reader);
  retire();
  domain_.collect();
  domain_.collect();
  EXPECT_EQ(ended_, 0);
  domain_.exit(reader);
  domain_.collect();
  EXPECT_EQ(ended_, 1);
  domain_.leave(reader);
}

TEST_F(EpochTest, EndsWhatWasGoneWhenTheReaderCame) {
  EpochDomain::Reader& reader = domain_.join();
  retire();
  domain_.collect();  // begins an epoch
  EXPECT_EQ(ended_, 1);
  domain_.enter(reader);
  retire();
  domain_.collect();
  EXPECT_EQ(ended_, 1) << "it may have been found by the reader";
  EpochDomain::Reader& later = domain_.join();
  domain_.enter(later);
  domain_.exit(reader);
  domain_.collect();
  EXPECT_EQ(ended_, 2) << "the other came when it was gone";
  domain_.exit(later);
  domain_.leave(reader);
  domain_.leave(later);
}

TEST_F(EpochTest, IsNotHeldUpByAThreadThatNeverReads) {
  EpochDomain::Reader& idle = domain_.join();
  for (int i = 0; i < 1000; ++i) retire();
  EXPECT_GT(ended_, 900) << "a batch at a time, without being asked";
  EXPECT_LE(domain_.waiting(), EpochDomain::kBatch);
  domain_.leave(idle);
}

TEST_F(EpochTest, CollectsWhenABatchWaits) {
  retire(EpochDomain::kBatch - Bytes(1));
  EXPECT_EQ(ended_, 0);
  retire(Bytes(1));
  EXPECT_EQ(ended_, 2);
}

TEST_F(EpochTest, UsesThePlacesOfThreadsThatLeft) {
  std::vector<EpochDomain::Reader*> first;
  for (int i = 0; i < 8; ++i) first.push_back(&domain_.join());
  for (EpochDomain::Reader* reader : first) domain_.leave(*reader);
  for (int round = 0; round < 100; ++round) domain_.leave(domain_.join());
  EXPECT_EQ(domain_.readers(), 8u);
}

TEST_F(EpochTest, WaitsForReadersWhenTooMuchWaits) {
  EpochDomain::Reader& reader = domain_.join();
  domain_.enter(reader);
  retire(EpochDomain::kMost - Bytes(1));
  EXPECT_EQ(ended_, 0) << "the reader is inside, and there is room yet";
  std::atomic<bool> returned{false};
  std::thread writer([&] {
    retire(Bytes(1));
    returned.store(true);
  });
  while (domain_.waiting() < EpochDomain::kMost) std::this_thread::yield();
  EXPECT_FALSE(returned.load());
  domain_.exit(reader);
  writer.join();
  EXPECT_EQ(ended_, 2);
  domain_.leave(reader);
}

TEST_F(EpochTest, AbortsWhenAReaderLeavesWhileItReads) {
  EpochDomain::Reader& reader = domain_.join();
  domain_.enter(reader);
  EXPECT_DEATH(domain_.leave(reader), "while it reads");
  domain_.exit(reader);
  domain_.leave(reader);
}

// The count says what the object is: one that has ended says so.
struct Shared {
  std::atomic<std::uint64_t> value{42};
  ~Shared() { value.store(0); }
};

TEST(Epochs, KeepWhatReadersLookAtWhileThreadsComeAndGo) {
  std::atomic<Shared*> current{new Shared};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0}, reads{0};
  auto read = [&](int times) {
    for (int i = 0; i < times && !stop.load(); ++i) {
      const EpochReading reading;
      wrong += !reading || current.load(std::memory_order_acquire)->value.load() != 42;
      ++reads;
    }
  };
  std::thread comes_and_goes([&] {
    while (!stop.load()) std::thread(read, 100).join();
  });
  std::thread stays(read, 1'000'000'000);
  for (int i = 0; i < 3000 || reads.load() < 1000; ++i) {
    Shared* old = current.exchange(new Shared, std::memory_order_acq_rel);
    epochs().retire({.memory = old,
                     .size = 1_KiB,
                     .end = [](void* memory, void*) { delete static_cast<Shared*>(memory); },
                     .context = nullptr});
  }
  stop.store(true);
  comes_and_goes.join();
  stays.join();
  EXPECT_EQ(wrong.load(), 0u);
  delete current.load();
  epochs().drain();
  EXPECT_EQ(epochs().waiting(), 0_B);
}

}  // namespace
}  // namespace plimsoll
