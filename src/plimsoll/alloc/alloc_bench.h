// The allocators of the benchmarks: slabs, and those of the distribution, each under its own names beside the
// process's malloc. Peers are freed with the size where they have that; one that is not installed is left
// out.
#pragma once

#include <dlfcn.h>
#include <malloc.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/pages.h"

// jemalloc's, when it is linked privately (cmake/Jemalloc.cmake).
extern "C" {
[[gnu::weak]] void* mallocx(std::size_t, int);
[[gnu::weak]] void sdallocx(void*, std::size_t, int);
[[gnu::weak]] int mallctl(const char*, void*, std::size_t*, void*, std::size_t);
}

namespace plimsoll::bench {

struct Ours {
  SystemPages pages;
  LoadLine line{{.limit = 6_GiB}};
  Account& account = line.open({.name = "slabs"});
  Account& idle = line.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs;

  explicit Ours(SlabFronts fronts = SlabFronts::kByItself)
      : slabs({.account = account, .idle = idle, .pages = pages, .line = line.line(), .fronts = fronts}) {}
  void* allocate(std::size_t size) { return slabs.allocate(size); }
  void free(void* object, std::size_t size) { slabs.deallocate(object, size); }
  void tick() { slabs.tick(); }
  void give_back() { slabs.reclaim(Bytes::max()); }
};

struct System {
  static bool there() { return true; }
  void* allocate(std::size_t size) { return std::malloc(size); }
  void free(void* object, std::size_t) { std::free(object); }
  void tick() {}
  void give_back() { ::malloc_trim(0); }
};

struct Jemalloc {
  static bool there() { return mallocx != nullptr && sdallocx != nullptr && mallctl != nullptr; }
  void* allocate(std::size_t size) { return mallocx(size, 0); }
  void free(void* object, std::size_t size) { sdallocx(object, size, 0); }
  void tick() {}
  void give_back() {
    mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
  }
};

// A library that is opened for its own names, and takes over nobody's malloc.
class Opened {
 public:
  void* allocate(std::size_t size) { return take_(size); }
  void free(void* object, std::size_t size) { give_(object, size); }
  void tick() {}

 protected:
  Opened(const char* library, const char* take, const char* give, const char* release) {
    void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return;
    take_ = reinterpret_cast<void* (*)(std::size_t)>(dlsym(handle, take));
    give_ = reinterpret_cast<void (*)(void*, std::size_t)>(dlsym(handle, give));
    release_ = dlsym(handle, release);
  }
  bool opened() const { return take_ != nullptr && give_ != nullptr && release_ != nullptr; }
  void* release_ = nullptr;

 private:
  void* (*take_)(std::size_t) = nullptr;
  void (*give_)(void*, std::size_t) = nullptr;
};

struct Mimalloc : Opened {
  Mimalloc() : Opened("libmimalloc.so.2", "mi_malloc", "mi_free_size", "mi_collect") {}
  static bool there() { return Mimalloc().opened(); }
  void give_back() { reinterpret_cast<void (*)(bool)>(release_)(true); }
};

struct Tcmalloc : Opened {
  Tcmalloc()
      : Opened("libtcmalloc_minimal.so.4", "tc_malloc", "tc_free_sized",
               "MallocExtension_ReleaseFreeMemory") {}
  static bool there() { return Tcmalloc().opened(); }
  void give_back() { reinterpret_cast<void (*)()>(release_)(); }
};

// `visit.template operator()<Allocator>(name)` for every peer that is there.
template <typename Visit>
void for_each_peer(const Visit& visit) {
  if (System::there()) visit.template operator()<System>("glibc");
  if (Jemalloc::there()) visit.template operator()<Jemalloc>("jemalloc");
  if (Mimalloc::there()) visit.template operator()<Mimalloc>("mimalloc");
  if (Tcmalloc::there()) visit.template operator()<Tcmalloc>("tcmalloc");
}

// The sizes of a database's objects: locks and small rows mostly.
inline constexpr std::array<std::size_t, 16> kDatabaseMix = {64,  64,  64,  64,  192, 192,  256,  256,
                                                             384, 384, 128, 512, 512, 1024, 2048, 4096};

// The same sizes equally often: what a gigabyte of mixed objects is made of.
inline constexpr std::array<std::size_t, 9> kMixed = {64, 128, 192, 256, 384, 512, 1024, 2048, 4096};

struct Object {
  char* place = nullptr;
  std::size_t size = 0;
};

}  // namespace plimsoll::bench
