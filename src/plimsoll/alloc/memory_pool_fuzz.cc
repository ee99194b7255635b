// Random calls on a memory pool, by an input's bytes: blocks and plain memory of all sizes and alignments, in
// a line that shrinks and with pages that fail. Every block keeps what was written to it, the pool stays
// below its capacity, and at the end nothing is left.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "plimsoll/alloc/memory_pool.h"
#include "plimsoll/base/check.h"
#include "plimsoll/base/filled.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

constexpr Bytes kCapacity = 2_MiB;

class Harness {
 public:
  explicit Harness(std::span<const std::uint8_t> input) : input_(input) {}
  ~Harness() {
    while (!blocks_.empty()) end_one(blocks_.size() - 1);
    while (!plain_.empty()) free_one(plain_.size() - 1);
    PLIMSOLL_CHECK(pool_->stats().used.zero() && pool_->stats().allocations == pool_->stats().frees);
    pool_->CheckInvariants();
    pool_.reset();
    others_.release();
    PLIMSOLL_CHECK(line_.charged().zero(), "%llu bytes are left charged",
                   static_cast<unsigned long long>(line_.charged().count()));
    PLIMSOLL_CHECK(pages_.reserved().zero(), "%llu bytes are left reserved",
                   static_cast<unsigned long long>(pages_.reserved().count()));
  }

  void run() {
    while (at_ < input_.size()) {
      step();
      PLIMSOLL_CHECK(pool_->held() <= kCapacity);
      PLIMSOLL_CHECK(pool_->stats().used == used_);
    }
  }

 private:
  struct Plain {
    unsigned char* bytes;
    std::size_t size;
    std::size_t alignment;
    unsigned char fill;
  };
  struct Block {
    MemoryBlock block;
    unsigned char fill;
  };

  std::uint8_t byte() { return at_ < input_.size() ? input_[at_++] : 0; }
  // Up to 1 MiB, small ones mostly.
  std::size_t size() {
    const std::size_t mantissa = byte();
    return mantissa << (byte() % 13);
  }
  std::size_t alignment() { return std::size_t{1} << (byte() % 14); }

  void step() {
    switch (byte() % 8) {
      case 0:
      case 1:
        return allocate();
      case 2:
      case 3:
        return open_block();
      case 4:
        if (!plain_.empty()) free_one(byte() % plain_.size());
        return;
      case 5:
        if (!blocks_.empty()) end_one(byte() % blocks_.size());
        return;
      case 6:
        pool_->tick();
        pool_->reclaim(Bytes(byte() * std::uint64_t{4096}));
        pool_->CheckInvariants();
        return;
      case 7:
        pages_.fail_after(PageCall::kMakeUsable, byte() % 4 == 0 ? byte() % 8 : 1'000'000);
        others_ = others_account_.charge(byte() % 4 == 0 ? line_.line() - Bytes(byte() * 8192) : 0_B);
        return;
    }
  }
  void allocate() {
    Plain plain{nullptr, size(), alignment(), static_cast<unsigned char>(at_)};
    plain.bytes = static_cast<unsigned char*>(pool_->allocate(plain.size, plain.alignment));
    if (plain.bytes == nullptr) return;
    PLIMSOLL_CHECK(reinterpret_cast<std::uintptr_t>(plain.bytes) % plain.alignment == 0);
    std::memset(plain.bytes, plain.fill, plain.size);
    used_ += Bytes(plain.size);
    plain_.push_back(plain);
  }
  void free_one(std::size_t at) {
    const Plain plain = plain_[at];
    PLIMSOLL_CHECK(is_filled(plain.bytes, plain.size, plain.fill));
    pool_->deallocate(plain.bytes, plain.size, plain.alignment);
    used_ -= Bytes(plain.size);
    plain_[at] = plain_.back();
    plain_.pop_back();
  }
  void open_block() {
    const Bytes wanted(size());
    Result<MemoryBlock> block = pool_->block(wanted, alignment());
    if (!block) {
      PLIMSOLL_CHECK(block.error().code == ErrorCode::kRefused);
      return;
    }
    PLIMSOLL_CHECK(block->bytes().size() == wanted.count());
    const auto fill = static_cast<unsigned char>(at_);
    std::memset(block->bytes().data(), fill, block->bytes().size());
    used_ += wanted;
    blocks_.push_back({std::move(*block), fill});
  }
  void end_one(std::size_t at) {
    const std::span<const std::byte> bytes = blocks_[at].block.bytes();
    PLIMSOLL_CHECK(is_filled(bytes.data(), bytes.size(), blocks_[at].fill));
    used_ -= Bytes(blocks_[at].block.bytes().size());
    std::swap(blocks_[at], blocks_.back());
    blocks_.pop_back();
  }

  std::span<const std::uint8_t> input_;
  std::size_t at_ = 0;
  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 64_MiB}};
  Account& others_account_ = line_.open({.name = "others"});
  Charge others_;
  std::optional<MemoryPool> pool_{
      MemoryPool::Options{.line = line_, .pages = pages_, .capacity = kCapacity, .timed_one_in = 8}};
  std::vector<Plain> plain_;
  std::vector<Block> blocks_;
  Bytes used_;
};

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::Harness({data, size}).run();
  return 0;
}
