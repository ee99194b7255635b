// Backend: an allocator that is chosen at run time, by name, behind one small face.
//
// For comparing allocators under the same program, and for programs whose users choose: `system` is malloc,
// `jemalloc` and `mimalloc` are the libraries under their own names, beside the process's malloc and never
// instead of it; `arena` is ours, freed all at once; `slabs` is ours for all sizes.
//
//   Result<std::unique_ptr<Backend>> backend = open_backend("mimalloc");
//   if (!backend) return print(backend.error().message());   // says which package to install
//   void* place = (*backend)->allocate(200, 16);              // null: refused
//   (*backend)->deallocate(place, 200, 16);
//
// jemalloc is there in programs that link the CMake target plimsoll_alloc_jemalloc (cmake/Jemalloc.cmake);
// mimalloc is opened when asked for and stays. Invariant: what a backend gave goes back to the same backend.
//
// Thread-safety: all methods from any thread. Cost: a virtual call above the allocator's (arena: a lock);
// stats() of jemalloc and mimalloc some microseconds. Limits: 512 GiB in one piece, alignment to a page.
// Errors: open_backend says why and how to get it; allocate() null when refused. Ownership: refers to what is
// in BackendOptions; memory of `system`, `jemalloc` and `mimalloc` outlives its backend, that of `arena` ends
// with it, and `slabs` aborts when memory is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/base/stat_sink.h"

namespace plimsoll {

class Account;
class PageSource;
class SlabAllocator;

// By the allocator's own statistics. Those of libraries are of the whole process, whoever opened them.
struct BackendStats {
  std::optional<Bytes> in_use;  // by whoever allocated; nothing where the allocator does not count it
  Bytes held;                   // taken from the system
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  // Null when refused. Not cleared. REQUIRES: alignment is a power of two.
  virtual void* allocate(std::size_t size, std::size_t alignment) noexcept = 0;
  // REQUIRES: of this backend and in use, with the size and alignment it was allocated with; or null.
  virtual void deallocate(void* object, std::size_t size, std::size_t alignment) noexcept = 0;
  virtual BackendStats stats() const = 0;

  void Describe(StatSink& sink) const;
};

enum class BackendKind : std::uint8_t { kSystem, kJemalloc, kMimalloc, kArena, kSlabs };
inline constexpr std::size_t kBackendKinds = 5;

std::string_view name_of(BackendKind kind);
// Errors: kNotFound, with the names there are.
Result<BackendKind> parse_backend(std::string_view name);

// What our own are made of; the others need none of it.
struct BackendOptions {
  SlabAllocator* slabs = nullptr;
  PageSource* pages = nullptr;
  Account* account = nullptr;  // of what does not fit in slabs
};

// Errors: kUnsupported when it is not installed or not linked, and how to get it; kInvalid when `arena` or
// `slabs` lacks an option.
Result<std::unique_ptr<Backend>> open_backend(BackendKind kind, const BackendOptions& options = {});
Result<std::unique_ptr<Backend>> open_backend(std::string_view name, const BackendOptions& options = {});

}  // namespace plimsoll
