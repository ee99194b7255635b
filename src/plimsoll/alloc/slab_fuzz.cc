// Random calls on a slab allocator and an arena over it, by an input's bytes; every object keeps what was
// written to it until it is freed, and at the end nothing is left. After tcmalloc's central_freelist_fuzz.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/check.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

struct Object {
  unsigned char* bytes = nullptr;
  std::size_t size = 0;
  unsigned char fill = 0;

  void write(unsigned char with) {
    fill = with;
    if (size > 0) std::memset(bytes, fill, size);
  }
  void check() const {
    for (std::size_t i = 0; i < size; ++i) PLIMSOLL_CHECK(bytes[i] == fill, "byte %zu of %zu", i, size);
  }
};

class Harness {
 public:
  explicit Harness(std::span<const std::uint8_t> input) : input_(input) {}
  ~Harness() {
    for (const Object& piece : pieces_) piece.check();
    arena_.reset();
    for (const Object& object : objects_) free(object);
    slabs_->CheckInvariants();
    slabs_.reset();
    PLIMSOLL_CHECK(line_.charged().zero(), "%llu bytes are left charged",
                   static_cast<unsigned long long>(line_.charged().count()));
  }

  void run() {
    while (at_ < input_.size()) step();
  }

 private:
  std::uint8_t byte() { return at_ < input_.size() ? input_[at_++] : 0; }
  // Of all sizes up to 64 KiB, small ones mostly.
  std::size_t size() {
    const std::size_t mantissa = byte();
    return mantissa << (byte() % 9);
  }

  void step() {
    switch (byte() % 10) {
      case 0:
      case 1:
      case 2:
        return allocate(size(), byte());
      case 3:
      case 4:
        return free_one();
      case 5:
        return allocate_in_arena(size(), std::size_t{1} << (byte() % 13));
      case 6:
        marks_.emplace_back(arena_->mark(), pieces_.size());
        return;
      case 7:
        return rewind();
      case 8:
        slabs_->tick();
        slabs_->reclaim(Bytes(byte() * std::uint64_t{4096}));
        return;
      case 9:
        account_.set_maximum(byte() % 4 == 0 ? Bytes(byte() * std::uint64_t{16'384}) : Bytes::max());
        pages_.fail_after(PageCall::kMakeUsable, byte() % 4 == 0 ? byte() % 8 : 1'000'000);
        return;
    }
  }
  void allocate(std::size_t size, std::uint8_t how) {
    const std::size_t alignment = std::size_t{1} << (how % 14);
    void* bytes = how % 2 == 0 ? slabs_->allocate(size) : slabs_->allocate(size, alignment);
    if (bytes == nullptr) return;
    PLIMSOLL_CHECK(how % 2 == 0 || reinterpret_cast<std::uintptr_t>(bytes) % alignment == 0);
    objects_.push_back({static_cast<unsigned char*>(bytes), size});
    objects_.back().write(how);
  }
  void free_one() {
    if (objects_.empty()) return;
    std::swap(objects_[byte() % objects_.size()], objects_.back());
    free(objects_.back());
    objects_.pop_back();
  }
  void free(const Object& object) {
    object.check();
    slabs_->deallocate(object.bytes);
  }
  void allocate_in_arena(std::size_t size, std::size_t alignment) {
    void* bytes = arena_->allocate(size, alignment);
    if (bytes == nullptr) return;
    PLIMSOLL_CHECK(reinterpret_cast<std::uintptr_t>(bytes) % alignment == 0);
    pieces_.push_back({static_cast<unsigned char*>(bytes), size});
    pieces_.back().write(static_cast<unsigned char>(pieces_.size()));
  }
  void rewind() {
    for (const Object& piece : pieces_) piece.check();
    if (marks_.empty()) {
      arena_->reset();
      pieces_.clear();
      return;
    }
    marks_.resize(1 + byte() % marks_.size());
    arena_->rewind(marks_.back().first);
    pieces_.resize(marks_.back().second);
    marks_.pop_back();
  }

  std::span<const std::uint8_t> input_;
  std::size_t at_ = 0;
  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 64_MiB}};
  Account& account_ = line_.open({.name = "slabs"});
  Account& idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  std::optional<SlabAllocator> slabs_{
      SlabAllocator::Options{.account = account_, .idle = idle_, .pages = pages_, .line = 1_MiB}};
  std::optional<Arena> arena_{Arena::Options{.slabs = *slabs_, .pages = pages_, .account = account_}};
  std::vector<Object> objects_, pieces_;
  std::vector<std::pair<Arena::Mark, std::size_t>> marks_;
};

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::Harness({data, size}).run();
  return 0;
}
