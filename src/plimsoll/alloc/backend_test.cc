#include "plimsoll/alloc/backend.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLIMSOLL_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PLIMSOLL_TEST_SANITIZED 1
#endif
#endif

namespace plimsoll {
namespace {

using ::testing::HasSubstr;

class BackendTest : public ::testing::TestWithParam<BackendKind> {
 protected:
  ~BackendTest() override {
    backend_.reset();
    EXPECT_EQ(large_.used(), 0_B);
  }
  // Null, and the test is skipped, where this machine does not have it.
  Backend* open(BackendKind kind) {
    auto opened = open_backend(kind, {.slabs = &slabs_, .pages = &failing_, .account = &large_});
    if (!opened) return nullptr;
    backend_ = std::move(*opened);
    return backend_.get();
  }

  SystemPages pages_;
  FailingPages failing_{pages_};
  LoadLine line_{{.limit = 512_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  Account& large_ = line_.open({.name = "large"});
  SlabAllocator slabs_{{.account = account_, .idle = idle_, .pages = pages_, .line = 8_MiB}};
  std::unique_ptr<Backend> backend_;
};

TEST_P(BackendTest, KeepsEveryObjectAsItsOwnerLeftIt) {
  Backend* backend = open(GetParam());
  if (backend == nullptr) GTEST_SKIP() << open_backend(GetParam()).error().message();
  EXPECT_EQ(backend->name(), name_of(GetParam()));
  struct Object {
    unsigned char* bytes;
    std::size_t size;
    std::size_t alignment;
    unsigned char fill;
  };
  std::vector<Object> objects;
  Random random(17);
  auto free = [&](const Object& object) {
    for (std::size_t i = 0; i < object.size; ++i) ASSERT_EQ(object.bytes[i], object.fill);
    backend->deallocate(object.bytes, object.size, object.alignment);
  };
  for (int step = 0; step < 4000; ++step) {
    if (!objects.empty() && (objects.size() > 200 || random.below(3) == 0)) {
      std::swap(objects[random.below(objects.size())], objects.back());
      free(objects.back());
      objects.pop_back();
      continue;
    }
    Object object{nullptr, random.below(20) == 0 ? random.below(100'000) : random.below(700),
                  std::size_t{1} << random.below(13), static_cast<unsigned char>(step)};
    object.bytes = static_cast<unsigned char*>(backend->allocate(object.size, object.alignment));
    ASSERT_NE(object.bytes, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(object.bytes) % object.alignment, 0u);
    std::memset(object.bytes, object.fill, object.size);
    objects.push_back(object);
  }
  for (const Object& object : objects) free(object);
  backend->deallocate(nullptr, 100, 16);
}

TEST_P(BackendTest, CountsItsBytesInItsOwnStatistics) {
#ifdef PLIMSOLL_TEST_SANITIZED
  if (GetParam() == BackendKind::kSystem) GTEST_SKIP() << "malloc is the sanitizer's";
#endif
  Backend* backend = open(GetParam());
  if (backend == nullptr) GTEST_SKIP() << open_backend(GetParam()).error().message();
  constexpr std::size_t kSize = 20'000;
  constexpr std::size_t kCount = 2000;
  const BackendStats before = backend->stats();
  std::vector<void*> objects;
  for (std::size_t i = 0; i < kCount; ++i) {
    objects.push_back(backend->allocate(kSize, 16));
    ASSERT_NE(objects.back(), nullptr);
    std::memset(objects.back(), 1, kSize);
  }
  const BackendStats full = backend->stats();
  if (GetParam() != BackendKind::kMimalloc) {  // it does not say
    EXPECT_GE(full.in_use->count(), before.in_use->count() + kSize * kCount * 95 / 100);
    EXPECT_LE(full.in_use->count(), before.in_use->count() + kSize * kCount * 115 / 100);
  }
  EXPECT_GE(full.held.count(), kSize * kCount) << "what was kept from before is used again";
  EXPECT_GT(full.held, before.held);
  for (void* object : objects) backend->deallocate(object, kSize, 16);
  if (GetParam() != BackendKind::kMimalloc) {
    EXPECT_LE(backend->stats().in_use->count(), before.in_use->count() + kSize * kCount / 10);
  }
}

TEST_P(BackendTest, ServesThreadsThatFreeWhatAnotherAllocated) {
  Backend* backend = open(GetParam());
  if (backend == nullptr) GTEST_SKIP() << open_backend(GetParam()).error().message();
  std::vector<std::thread> threads;
  std::vector<void*> objects(1000);
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < objects.size(); i += 2) objects[i] = backend->allocate(200, 16);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (void* object : objects) {
    ASSERT_NE(object, nullptr);
    std::memset(object, 1, 200);
    backend->deallocate(object, 200, 16);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, BackendTest,
                         ::testing::Values(BackendKind::kSystem, BackendKind::kJemalloc,
                                           BackendKind::kMimalloc, BackendKind::kArena, BackendKind::kSlabs),
                         [](const auto& kind) { return std::string(name_of(kind.param)); });

TEST_F(BackendTest, IsOpenedByItsName) {
  EXPECT_EQ((*open_backend("system"))->name(), "system");
  const auto unknown = open_backend("tcmalloc");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().what, HasSubstr("system, jemalloc, mimalloc, arena, slabs"));
  for (const char* ours : {"arena", "slabs"}) {
    const auto without = open_backend(ours);
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().code, ErrorCode::kInvalid);
  }
}

// Where one is missing the error says how to get it; where none is, there is nothing to see.
TEST_F(BackendTest, SaysHowToGetWhatIsNotThere) {
  if (auto jemalloc = open_backend("jemalloc"); !jemalloc) {
    EXPECT_THAT(jemalloc.error().what, HasSubstr("libjemalloc-dev"));
  }
  if (auto mimalloc = open_backend("mimalloc"); !mimalloc) {
    EXPECT_THAT(mimalloc.error().what, HasSubstr("libmimalloc2.0"));
  }
}

#ifndef PLIMSOLL_TEST_SANITIZED
// A library that took malloc over would have it come from the program or from itself, and glibc's own figures
// would stand still.
TEST_F(BackendTest, LeavesMallocToTheSystem) {
  for (BackendKind kind : {BackendKind::kJemalloc, BackendKind::kMimalloc}) open(kind);
  for (const char* name : {"malloc", "free", "calloc", "posix_memalign"}) {
    Dl_info info{};
    ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, name), &info), 0);
    EXPECT_THAT(info.dli_fname, HasSubstr("libc.so")) << name;
  }
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  void* volatile object = std::malloc(1'000'000);  // or the compiler leaves both out
  EXPECT_GE(mallinfo2().uordblks + mallinfo2().hblkhd, before + 1'000'000);
  std::free(object);
}
#endif

TEST_F(BackendTest, AnArenaFreesAllWhenTheLastIsGivenBack) {
  Backend* backend = open(BackendKind::kArena);
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(backend->allocate(1000, 16));
  EXPECT_GT(backend->stats().held, 900_KiB);
  for (void* object : objects) backend->deallocate(object, 1000, 16);
  EXPECT_LE(backend->stats().held, 32_KiB);
  static_cast<void>(backend->allocate(1'000'000, 16));  // freed with the backend
}

TEST_F(BackendTest, SlabsRefuseWhenAMappingFails) {
  Backend* backend = open(BackendKind::kSlabs);
  failing_.fail_after(PageCall::kMakeUsable, 1);
  void* first = backend->allocate(100'000, 16);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(backend->allocate(100'000, 16), nullptr);
  EXPECT_EQ(large_.used(), 100_KiB);
  failing_.allow_all();
  backend->deallocate(first, 100'000, 16);
  EXPECT_EQ(failing_.reserved(), 0_B);
}

TEST_F(BackendTest, DescribesWhatItKnows) {
  struct Figures final : StatSink {
    void value(const Stat& stat, double value) override { of[std::string(stat.name)] = value; }
    void distribution(const Stat&, const Histogram&, double) override {}
    std::map<std::string, double> of;
  } figures;
  Backend* backend = open(BackendKind::kArena);
  void* object = backend->allocate(1000, 16);
  backend->Describe(figures);
  EXPECT_EQ(figures.of.at("backend_in_use_bytes"), 1000);
  EXPECT_GE(figures.of.at("backend_held_bytes"), 1000);
  backend->deallocate(object, 1000, 16);
}

}  // namespace
}  // namespace plimsoll
