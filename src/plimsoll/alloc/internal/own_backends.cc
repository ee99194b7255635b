#include "plimsoll/alloc/internal/own_backends.h"

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/internal/page_blocks.h"
#include "plimsoll/alloc/sized_allocator.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/mutex.h"

namespace plimsoll {
namespace {

// Single objects are not freed; all are, when the last of them is given back and when the backend ends.
class ArenaBackend final : public Backend {
 public:
  explicit ArenaBackend(const BackendOptions& options)
      : arena_({.slabs = *options.slabs, .pages = *options.pages, .account = *options.account}) {}

  std::string_view name() const override { return name_of(BackendKind::kArena); }
  void* allocate(std::size_t size, std::size_t alignment) noexcept override {
    MutexLock lock(mutex_);
    void* place = arena_.allocate(size, alignment);
    if (place == nullptr) return nullptr;
    ++alive_;
    in_use_ += Bytes(size);
    return place;
  }
  void deallocate(void* object, std::size_t size, std::size_t) noexcept override {
    if (object == nullptr) return;
    MutexLock lock(mutex_);
    in_use_ -= Bytes(size);
    if (--alive_ == 0) arena_.reset();
  }
  BackendStats stats() const override {
    MutexLock lock(mutex_);
    return {.in_use = in_use_, .held = arena_.held()};
  }

 private:
  mutable Mutex mutex_;
  Arena arena_ PLIMSOLL_GUARDED_BY(mutex_);
  std::size_t alive_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  Bytes in_use_ PLIMSOLL_GUARDED_BY(mutex_);
};

class SlabBackend final : public Backend {
 public:
  explicit SlabBackend(const BackendOptions& options)
      : slabs_(*options.slabs), large_(*options.pages, *options.account) {}

  std::string_view name() const override { return name_of(BackendKind::kSlabs); }
  void* allocate(std::size_t size, std::size_t alignment) noexcept override {
    if (size <= SlabAllocator::kLargest) return take_from(slabs_, size, alignment);
    return large_.allocate(size, alignment);
  }
  void deallocate(void* object, std::size_t size, std::size_t alignment) noexcept override {
    if (object == nullptr) return;
    if (size <= SlabAllocator::kLargest) return give_back_to(slabs_, object, size, alignment);
    large_.deallocate(object, size);
  }
  // Of its slabs as a whole, who else takes from them included.
  BackendStats stats() const override {
    const SlabAllocator::Stats slabs = slabs_.stats();
    const Bytes large = large_.held();
    return {.in_use = slabs.slabs.minus_clamped(slabs.free).minus_clamped(slabs.waiting) + large,
            .held = slabs.slabs + slabs.idle + large};
  }

 private:
  SlabAllocator& slabs_;
  PageBlocks large_;
};

}  // namespace

std::unique_ptr<Backend> open_arena_backend(const BackendOptions& options) {
  return std::make_unique<ArenaBackend>(options);
}

std::unique_ptr<Backend> open_slab_backend(const BackendOptions& options) {
  return std::make_unique<SlabBackend>(options);
}

}  // namespace plimsoll
