// Every allocator of the room, under containers of the standard library by both faces.
#include "plimsoll/alloc/standard_allocator.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plimsoll/alloc/memory_resource.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

// What all of them stand on.
struct World {
  SystemPages pages;
  LoadLine line{{.limit = 256_MiB}};
  Account& account = line.open({.name = "slabs"});
  Account& idle = line.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs{{.account = account, .idle = idle, .pages = pages, .line = 16_MiB}};
};

// An allocator, made in a world. `kLarge`: it gives more than 32 KiB in one piece.
struct Slabs : World {
  using Type = SlabAllocator;
  static constexpr bool kLarge = false;
  Type& allocator = slabs;
};
struct AnArena : World {
  using Type = Arena;
  static constexpr bool kLarge = true;
  Type allocator{{.slabs = slabs, .pages = pages, .account = account}};
};
struct APool : World {
  using Type = MemoryPool;
  static constexpr bool kLarge = true;
  Type allocator{{.line = line, .pages = pages, .capacity = 32_MiB}};
};
template <BackendKind kKind>
struct ABackend : World {
  using Type = Backend;
  static constexpr bool kLarge = true;
  std::unique_ptr<Backend> opened =
      open_backend(kKind, {.slabs = &slabs, .pages = &pages, .account = &account})
          .value_or(open_or_system());  // where this machine does not have it
  Type& allocator = *opened;

  static std::unique_ptr<Backend> open_or_system() { return std::move(*open_backend(BackendKind::kSystem)); }
};
template <typename Inner>
struct Watched : Inner {
  using Type = MonitoredAllocator<typename Inner::Type>;
  Type watched{Inner::allocator};
};
template <typename Place>
auto& allocator_of(Place& place) {
  if constexpr (requires { place.watched; }) {
    return place.watched;
  } else {
    return place.allocator;
  }
}

template <typename Place>
class StandardAllocatorTest : public ::testing::Test {
 protected:
  using A = typename Place::Type;
  template <typename T>
  using Face = StandardAllocator<T, A>;
  A& allocator() { return allocator_of(place_); }

  Place place_;
};

using Places =
    ::testing::Types<Slabs, AnArena, APool, ABackend<BackendKind::kSystem>, ABackend<BackendKind::kJemalloc>,
                     ABackend<BackendKind::kMimalloc>, ABackend<BackendKind::kArena>,
                     ABackend<BackendKind::kSlabs>, Watched<Slabs>, Watched<AnArena>, Watched<APool>,
                     Watched<ABackend<BackendKind::kSystem>>, Watched<ABackend<BackendKind::kSlabs>>>;
TYPED_TEST_SUITE(StandardAllocatorTest, Places);

// What containers do: grow, copy, move, clear.
TYPED_TEST(StandardAllocatorTest, ServesVectorMapAndStringByItself) {
  using String = std::basic_string<char, std::char_traits<char>, typename TestFixture::template Face<char>>;
  using Vector = std::vector<String, typename TestFixture::template Face<String>>;
  using Map =
      std::map<String, int, std::less<>, typename TestFixture::template Face<std::pair<const String, int>>>;
  auto& allocator = this->allocator();
  Vector names(allocator);
  Map index(allocator);
  for (int i = 0; i < 400; ++i) {
    names.emplace_back("a name that is too long to be kept inside of its string", allocator);
    names.back().append(std::to_string(i));
    index.emplace(names.back(), i);
  }
  Vector copy(names);
  Vector moved(std::move(names));
  moved.erase(moved.begin(), moved.begin() + 100);
  for (std::size_t i = 0; i < moved.size(); ++i) {
    ASSERT_EQ(moved[i], copy[i + 100]);
    ASSERT_EQ(index.at(moved[i]), static_cast<int>(i) + 100);
  }
  copy = moved;
  ASSERT_EQ(copy, moved);
  index.clear();
}

TYPED_TEST(StandardAllocatorTest, ServesOtherContainersAndSharedObjects) {
  auto& allocator = this->allocator();
  using Pair = std::pair<const int, std::uint64_t>;
  std::unordered_map<int, std::uint64_t, std::hash<int>, std::equal_to<>,
                     typename TestFixture::template Face<Pair>>
      squares(0, std::hash<int>(), std::equal_to<>(), allocator);
  std::deque<int, typename TestFixture::template Face<int>> queue(allocator);
  std::list<int, typename TestFixture::template Face<int>> list(allocator);
  for (int i = 0; i < 1000; ++i) {
    squares[i] = static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(i);
    queue.push_back(i);
    list.push_front(i);
    if (i % 3 == 0) queue.pop_front();
  }
  EXPECT_EQ(squares.at(999), 998'001u);
  EXPECT_EQ(queue.front(), 334);
  list.sort();
  EXPECT_EQ(list.front(), 0);
  const auto shared =
      std::allocate_shared<std::uint64_t>(typename TestFixture::template Face<std::uint64_t>(allocator), 7u);
  EXPECT_EQ(*shared, 7u);
}

TYPED_TEST(StandardAllocatorTest, ServesVectorMapAndStringThroughAResource) {
  AllocatorResource resource(this->allocator());
  std::pmr::vector<std::pmr::string> names(&resource);
  std::pmr::map<std::pmr::string, std::pmr::list<int>> index(&resource);
  for (int i = 0; i < 400; ++i) {
    names.emplace_back("a name that is too long to be kept inside of its string " + std::to_string(i));
    index[names.back()].push_back(i);
    index[names[static_cast<std::size_t>(i) / 2]].push_back(i);
  }
  std::pmr::vector<std::pmr::string> copy(names, &resource);
  names.clear();
  ASSERT_EQ(copy.size(), 400u);
  for (int i = 0; i < 400; ++i) {
    ASSERT_EQ(index.at(copy[static_cast<std::size_t>(i)]).front(), i);
  }
}

struct alignas(128) Wide {
  char bytes[128];
};

TYPED_TEST(StandardAllocatorTest, AlignsAsTheTypeAsks) {
  std::vector<Wide, typename TestFixture::template Face<Wide>> wide(this->allocator());
  std::list<Wide, typename TestFixture::template Face<Wide>> each(this->allocator());
  for (int i = 0; i < 50; ++i) {
    wide.emplace_back();
    each.emplace_back();
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(wide.data()) % 128, 0u);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(&each.back()) % 128, 0u);
  }
}

TYPED_TEST(StandardAllocatorTest, ThrowsBadAllocWhenItIsRefused) {
  typename TestFixture::template Face<char> face(this->allocator());
  EXPECT_THROW(static_cast<void>(face.allocate(std::size_t{1} << 62)), std::bad_alloc);
  typename TestFixture::template Face<std::uint64_t> words(this->allocator());
  EXPECT_THROW(static_cast<void>(words.allocate(~std::size_t{0} / 4)), std::bad_alloc);
  if (TypeParam::kLarge) {
    char* large = face.allocate(1'000'000);
    large[999'999] = 1;
    face.deallocate(large, 1'000'000);
  } else {
    EXPECT_THROW(static_cast<void>(face.allocate(1'000'000)), std::bad_alloc);
  }
}

TEST(StandardAllocator, AsksTheNextForWhatSlabsDoNotHave) {
  World world;
  MonitoredAllocator watched(world.slabs);
  StandardAllocator<int, SlabAllocator> face(world.slabs, *std::pmr::new_delete_resource());
  std::vector<int, StandardAllocator<int, SlabAllocator>> numbers(face);
  std::vector<int, StandardAllocator<int, MonitoredAllocator<SlabAllocator>>> counted(
      StandardAllocator<int, MonitoredAllocator<SlabAllocator>>(watched, *std::pmr::new_delete_resource()));
  for (int i = 0; i < 100'000; ++i) {
    numbers.push_back(i);
    counted.push_back(i);
  }
  EXPECT_FALSE(world.slabs.owns(numbers.data()));
  EXPECT_EQ(numbers[99'999], 99'999);
  numbers.clear();
  numbers.shrink_to_fit();
  numbers.push_back(1);
  EXPECT_TRUE(world.slabs.owns(numbers.data()));
}

TEST(StandardAllocator, EqualMeansThatOneFreesWhatTheOtherGave) {
  World one, other;
  StandardAllocator<int, SlabAllocator> first(one.slabs), second(other.slabs);
  EXPECT_EQ(first, (StandardAllocator<int, SlabAllocator>(one.slabs)));
  EXPECT_EQ(first, (StandardAllocator<double, SlabAllocator>(first)));
  EXPECT_NE(first, second);
  EXPECT_NE(first, (StandardAllocator<int, SlabAllocator>(one.slabs, *std::pmr::new_delete_resource())));
  std::vector<int, StandardAllocator<int, SlabAllocator>> of_first({1, 2, 3}, first), of_second({4}, second);
  of_second = of_first;  // keeps its own
  EXPECT_TRUE(other.slabs.owns(of_second.data()));
  of_second = std::move(of_first);  // takes the other's, memory and all
  EXPECT_TRUE(one.slabs.owns(of_second.data()));
  EXPECT_EQ(of_second.size(), 3u);
}

TEST(MonitoredResource, CountsWhatContainersDo) {
  World world;
  MonitoredAllocator watched(world.slabs);
  MonitoredResource<SlabAllocator> resource(watched);
  {
    std::pmr::list<int> list(&resource);
    for (int i = 0; i < 100; ++i) list.push_back(i);
    EXPECT_EQ(watched.stats().allocations, 100u);
  }
  EXPECT_EQ(watched.stats().frees, 100u);
  EXPECT_EQ(watched.stats().bytes, 0_B);
}

}  // namespace
}  // namespace plimsoll
