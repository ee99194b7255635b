#include "plimsoll/alloc/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

class ArenaTest : public ::testing::Test {
 protected:
  Arena::Options options() { return {.slabs = slabs_, .pages = failing_, .account = large_}; }

  SystemPages pages_;
  FailingPages failing_{pages_};
  LoadLine line_{{.limit = 256_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  Account& large_ = line_.open({.name = "large"});
  SlabAllocator slabs_{{.account = account_, .idle = idle_, .pages = pages_, .line = 4_MiB}};
  Arena arena_{options()};
};

TEST_F(ArenaTest, HoldsNothingBeforeItIsAsked) {
  EXPECT_EQ(arena_.held(), 0_B);
  EXPECT_EQ(account_.used(), 0_B);
  arena_.reset();
  arena_.rewind(arena_.mark());
  EXPECT_EQ(arena_.chunks(), 0u);
}

TEST_F(ArenaTest, AllocatesByMovingDown) {
  auto* first = static_cast<char*>(arena_.allocate(10, 1));
  auto* second = static_cast<char*>(arena_.allocate(10, 1));
  EXPECT_EQ(second, first - 10 - kRedZone);
  auto* third = static_cast<char*>(arena_.allocate(8, 8));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(third) % 8, 0u);
  EXPECT_EQ(arena_.chunks(), 1u);
  EXPECT_EQ(arena_.held(), Bytes(Arena::kFirstChunk));
  EXPECT_NE(arena_.allocate(0), nullptr);
}

TEST_F(ArenaTest, TakesChunksTwiceAsLargeUpToTheLargest) {
  std::size_t bytes = 0;
  while (arena_.chunks() < 6) {
    ASSERT_NE(arena_.allocate(1000), nullptr);
    bytes += 1000;
  }
  EXPECT_EQ(arena_.held(), Bytes(4096 + 8192 + 16384 + 3 * 32768));
  EXPECT_LT(Bytes(bytes), arena_.held());
}

TEST_F(ArenaTest, AlignsToAPageAndNotBeyond) {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    static_cast<void>(arena_.allocate(1, 1));
    void* place = arena_.allocate(100, alignment);
    ASSERT_NE(place, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(place) % alignment, 0u);
  }
  EXPECT_EQ(arena_.allocate(1, 8192), nullptr);
}

TEST_F(ArenaTest, GivesWhatIsLargePagesOfItsOwn) {
  auto* large = static_cast<char*>(arena_.allocate(1'000'000));
  ASSERT_NE(large, nullptr);
  std::memset(large, 1, 1'000'000);
  EXPECT_GE(large_.used(), 1'000'000_B);
  EXPECT_LE(large_.used(), 1'010'000_B);
  arena_.reset();
  EXPECT_EQ(large_.used(), 0_B) << "too large to be kept";
  EXPECT_EQ(arena_.held(), 0_B);
}

TEST_F(ArenaTest, KeepsItsFirstChunkWhenItIsReset) {
  for (int round = 0; round < 5; ++round) {
    arena_.reset();
    void* first = arena_.allocate(64);
    arena_.reset();
    EXPECT_EQ(arena_.chunks(), 1u);
    EXPECT_EQ(arena_.held(), Bytes(Arena::kFirstChunk));
    EXPECT_EQ(arena_.allocate(64), first);
  }
}

TEST_F(ArenaTest, KeepsAChunkForWhatItLatelyNeeded) {
  for (int i = 0; i < 10; ++i) static_cast<void>(arena_.allocate(1000));
  arena_.reset();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) static_cast<void>(arena_.allocate(1000));
    EXPECT_EQ(arena_.chunks(), 1u);
    arena_.reset();
  }
  int resets = 0;
  for (; arena_.held() > Bytes(Arena::kFirstChunk); ++resets) {
    ASSERT_LT(resets, 40);
    arena_.reset();
    static_cast<void>(arena_.allocate(10));
  }
  EXPECT_GE(resets, 5) << "not for one that needed little";
}

TEST_F(ArenaTest, GoesBackToAMarkInAnyChunk) {
  struct Level {
    Arena::Mark mark;
    void* next;
    std::size_t chunks;
  };
  std::vector<Level> levels;
  for (int depth = 0; depth < 30; ++depth) {
    const Arena::Mark mark = arena_.mark();
    void* next = arena_.allocate(16);
    levels.push_back({mark, next, arena_.chunks()});
    for (int i = 0; i < depth; ++i) static_cast<void>(arena_.allocate(777));
    if (depth == 20) static_cast<void>(arena_.allocate(100'000));
  }
  for (; !levels.empty(); levels.pop_back()) {
    arena_.rewind(levels.back().mark);
    EXPECT_EQ(arena_.allocate(16), levels.back().next);
    EXPECT_EQ(arena_.chunks(), levels.back().chunks);
    arena_.rewind(levels.back().mark);
  }
  EXPECT_EQ(arena_.held(), 0_B) << "the first mark was before the first chunk";
  EXPECT_EQ(large_.used(), 0_B);
}

TEST_F(ArenaTest, IsRefusedAndGoesOn) {
  EXPECT_EQ(arena_.allocate(std::numeric_limits<std::size_t>::max()), nullptr);
  EXPECT_EQ(arena_.allocate(std::numeric_limits<std::size_t>::max() - 15, 16), nullptr);
  auto* before = static_cast<char*>(arena_.allocate(100));
  std::memset(before, 7, 100);
  large_.set_maximum(100_KiB);
  EXPECT_EQ(arena_.allocate(200'000), nullptr) << "the account refuses";
  large_.set_maximum(Bytes::max());
  failing_.fail_after(PageCall::kReserve, 0);
  EXPECT_EQ(arena_.allocate(200'000), nullptr) << "the system refuses";
  EXPECT_EQ(large_.used(), 0_B);
  account_.set_maximum(1_KiB);
  while (arena_.allocate(4000) != nullptr) {
  }
  EXPECT_EQ(arena_.allocate(4000), nullptr) << "the slabs refuse";
  EXPECT_EQ(before[99], 7);
}

struct Node {
  Node* next;
  int value;
};

TEST_F(ArenaTest, CreatesWhatNeedsNoDestructor) {
  Node* list = nullptr;
  for (int i = 0; i < 10'000; ++i) list = arena_.create<Node>(list, i);
  int wanted = 9999;
  for (const Node* node = list; node != nullptr; node = node->next) ASSERT_EQ(node->value, wanted--);
  EXPECT_EQ(wanted, -1);
}

// Allocations with patterns, marks and rewinds at random, against a list of what must be there.
TEST_F(ArenaTest, KeepsWhatItGaveUntilItIsRewound) {
  struct Piece {
    unsigned char* bytes;
    std::size_t size;
    unsigned char fill;
  };
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Arena arena(options());
    std::vector<Piece> pieces;
    std::vector<std::pair<Arena::Mark, std::size_t>> marks;
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t what = random.below(100);
      if (what < 3) {
        marks.emplace_back(arena.mark(), pieces.size());
      } else if (what < 5 && !marks.empty()) {
        marks.resize(1 + random.below(marks.size()));
        arena.rewind(marks.back().first);
        pieces.resize(marks.back().second);
        marks.pop_back();
      } else {
        const std::size_t size = what == 99 ? random.below(100'000) : random.below(300);
        auto* bytes = static_cast<unsigned char*>(arena.allocate(size, std::size_t{1} << random.below(7)));
        ASSERT_NE(bytes, nullptr);
        pieces.push_back({bytes, size, static_cast<unsigned char>(random.below(256))});
        std::memset(bytes, pieces.back().fill, size);
      }
    }
    for (const Piece& piece : pieces) {
      for (std::size_t i = 0; i < piece.size; ++i) ASSERT_EQ(piece.bytes[i], piece.fill);
    }
  }
  EXPECT_EQ(large_.used(), 0_B);
}

#ifdef PLIMSOLL_POISONS
TEST_F(ArenaTest, PoisonsWhatWasRewoundAndWhatWasNotAskedFor) {
  const Arena::Mark mark = arena_.mark();
  auto* bytes = static_cast<volatile char*>(arena_.allocate(24));
  bytes[23] = 1;
  EXPECT_DEATH(bytes[24] = 1, "use-after-poison");
  arena_.rewind(mark);
  EXPECT_DEATH(bytes[0] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace plimsoll
