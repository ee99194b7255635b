#include "plimsoll/alloc/backend.h"

#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <utility>

#include "plimsoll/alloc/internal/own_backends.h"
#include "plimsoll/alloc/sized_allocator.h"

// jemalloc's own names; null in programs that do not link it.
extern "C" {
[[gnu::weak]] void* mallocx(std::size_t size, int flags);
[[gnu::weak]] void sdallocx(void* object, std::size_t size, int flags);
[[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                          std::size_t new_size);
}

namespace plimsoll {
namespace {

constexpr std::array<std::string_view, kBackendKinds> kNames = {"system", "jemalloc", "mimalloc", "arena",
                                                                "slabs"};
constexpr const char* kNoJemalloc =
    "this program is not linked with jemalloc: install libjemalloc-dev and link plimsoll_alloc_jemalloc";
constexpr const char* kNoMimalloc = "libmimalloc.so.2 cannot be opened: install libmimalloc2.0";
constexpr const char* kNoOptions = "the backends arena and slabs need BackendOptions: slabs, pages, account";

// In one piece. More is a mistake, for which some mallocs (a sanitizer's) end the process instead of
// refusing.
constexpr std::size_t kLargest = std::size_t{1} << 39;

// Of jemalloc and mimalloc, whose smallest size is 8.
constexpr bool is_aligned_anyway(std::size_t size, std::size_t alignment) {
  return alignment <= (size < kOrdinaryAlignment ? 8 : kOrdinaryAlignment);
}

class SystemBackend final : public Backend {
 public:
  std::string_view name() const override { return name_of(BackendKind::kSystem); }
  void* allocate(std::size_t size, std::size_t alignment) noexcept override {
    if (size > kLargest) return nullptr;
    if (alignment <= kOrdinaryAlignment) return std::malloc(size);
    void* object = nullptr;
    return posix_memalign(&object, alignment, size) == 0 ? object : nullptr;
  }
  void deallocate(void* object, std::size_t, std::size_t) noexcept override { std::free(object); }
  BackendStats stats() const override {
    const struct mallinfo2 info = mallinfo2();
    return {.in_use = Bytes(info.uordblks + info.hblkhd), .held = Bytes(info.arena + info.hblkhd)};
  }
};

class JemallocBackend final : public Backend {
 public:
  std::string_view name() const override { return name_of(BackendKind::kJemalloc); }
  void* allocate(std::size_t size, std::size_t alignment) noexcept override {
    if (size > kLargest) return nullptr;
    return mallocx(std::max<std::size_t>(size, 1), flags(size, alignment));
  }
  void deallocate(void* object, std::size_t size, std::size_t alignment) noexcept override {
    if (object != nullptr) sdallocx(object, std::max<std::size_t>(size, 1), flags(size, alignment));
  }
  BackendStats stats() const override {
    std::uint64_t epoch = 1;  // any: its statistics are as of the last time this was written
    std::size_t size = sizeof(epoch);
    mallctl("epoch", &epoch, &size, &epoch, size);
    return {.in_use = Bytes(statistic("stats.allocated")), .held = Bytes(statistic("stats.resident"))};
  }

 private:
  // MALLOCX_ALIGN: the logarithm in the lowest bits.
  static int flags(std::size_t size, std::size_t alignment) {
    return is_aligned_anyway(size, alignment) ? 0 : std::countr_zero(alignment);
  }
  static std::size_t statistic(const char* name) {
    std::size_t value = 0;
    std::size_t size = sizeof(value);
    return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
  }
};

struct Mimalloc {
  void* (*take)(std::size_t) = nullptr;
  void* (*take_aligned)(std::size_t, std::size_t) = nullptr;
  void (*give)(void*) = nullptr;
  void (*merge)() = nullptr;
  void (*process_info)(std::size_t* elapsed_ms, std::size_t* user_ms, std::size_t* system_ms,
                       std::size_t* resident, std::size_t* resident_peak, std::size_t* committed,
                       std::size_t* committed_peak, std::size_t* faults) = nullptr;

  bool complete() const { return take && take_aligned && give && merge && process_info; }
};

template <typename Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
}

// Opened once and never closed: threads that used it run its code as they end.
const Mimalloc& mimalloc() {
  static const Mimalloc opened = [] {
    Mimalloc found;
    void* library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return found;
    find(library, "mi_malloc", found.take);
    find(library, "mi_malloc_aligned", found.take_aligned);
    find(library, "mi_free", found.give);
    find(library, "mi_stats_merge", found.merge);
    find(library, "mi_process_info", found.process_info);
    return found;
  }();
  return opened;
}

class MimallocBackend final : public Backend {
 public:
  explicit MimallocBackend(const Mimalloc& library) : library_(library) {}
  std::string_view name() const override { return name_of(BackendKind::kMimalloc); }
  void* allocate(std::size_t size, std::size_t alignment) noexcept override {
    if (size > kLargest) return nullptr;
    return is_aligned_anyway(size, alignment) ? library_.take(size) : library_.take_aligned(size, alignment);
  }
  void deallocate(void* object, std::size_t, std::size_t) noexcept override { library_.give(object); }
  // The distribution's build counts what it has committed and not what is in use.
  BackendStats stats() const override {
    std::array<std::size_t, 8> info{};
    library_.merge();  // this thread's figures into those of the process
    library_.process_info(&info[0], &info[1], &info[2], &info[3], &info[4], &info[5], &info[6], &info[7]);
    return {.held = Bytes(info[5])};
  }

 private:
  const Mimalloc& library_;
};

}  // namespace

void Backend::Describe(StatSink& sink) const {
  const BackendStats s = stats();
  if (s.in_use) {
    sink.gauge("backend_in_use_bytes", "Allocated from it and not freed, as it says itself",
               s.in_use->as_double(), {{"backend", name()}});
  }
  sink.gauge("backend_held_bytes", "What it has taken from the system", s.held.as_double(),
             {{"backend", name()}});
}

std::string_view name_of(BackendKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

Result<BackendKind> parse_backend(std::string_view name) {
  const auto at = std::find(kNames.begin(), kNames.end(), name);
  if (at == kNames.end())
    return fail(ErrorCode::kNotFound, "no such backend; there are system, jemalloc, mimalloc, arena, slabs");
  return static_cast<BackendKind>(at - kNames.begin());
}

Result<std::unique_ptr<Backend>> open_backend(BackendKind kind, const BackendOptions& options) {
  switch (kind) {
    case BackendKind::kSystem:
      return std::make_unique<SystemBackend>();
    case BackendKind::kJemalloc:
      if (&mallocx == nullptr || &sdallocx == nullptr || &mallctl == nullptr)
        return fail(ErrorCode::kUnsupported, kNoJemalloc);
      return std::make_unique<JemallocBackend>();
    case BackendKind::kMimalloc:
      if (!mimalloc().complete()) return fail(ErrorCode::kUnsupported, kNoMimalloc);
      return std::make_unique<MimallocBackend>(mimalloc());
    case BackendKind::kArena:
    case BackendKind::kSlabs:
      break;
  }
  if (!options.slabs || !options.pages || !options.account) return fail(ErrorCode::kInvalid, kNoOptions);
  if (kind == BackendKind::kArena) return open_arena_backend(options);
  return open_slab_backend(options);
}

Result<std::unique_ptr<Backend>> open_backend(std::string_view name, const BackendOptions& options) {
  const Result<BackendKind> kind = parse_backend(name);
  if (!kind) return tl::unexpected(kind.error());
  return open_backend(*kind, options);
}

}  // namespace plimsoll
