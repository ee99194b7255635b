// Random calls on a producer's memory by an input's bytes, by one caller that never waits: what it is given
// agrees with a sum, keeps what was written to it, and at the end nothing is stranded.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/pool/producer_memory.h"

namespace plimsoll {
namespace {

class Harness {
 public:
  explicit Harness(std::span<const std::uint8_t> input) : input_(input) {}
  ~Harness() {
    while (!held_.empty()) release(0);
    PLIMSOLL_CHECK(memory_->available() == memory_->total(), "bytes are stranded");
    memory_.reset();
    PLIMSOLL_CHECK(line_.charged().zero() && pages_.reserved().zero());
  }

  void run() {
    while (at_ < input_.size()) {
      step();
      memory_->CheckInvariants();
      PLIMSOLL_CHECK(memory_->available() == memory_->total() - used_);
      PLIMSOLL_CHECK(pages_.usable() <= memory_->total());
    }
  }

 private:
  std::uint8_t byte() { return at_ < input_.size() ? input_[at_++] : 0; }

  void step() {
    switch (byte() % 8) {
      case 0:
      case 1:
        return allocate(16_KiB);
      case 2:
      case 3:
        return allocate(Bytes(std::uint64_t{byte()} << (byte() % 10)));
      case 4:
      case 5:
        return release(byte());
      case 6:
        memory_->trim(Bytes(byte() * std::uint64_t{1024}));
        return;
      case 7:
        account_.set_maximum(byte() % 4 == 0 ? Bytes(byte() * std::uint64_t{1024}) : Bytes::max());
        pages_.fail_after(PageCall::kMakeUsable, byte() % 4 == 0 ? byte() % 4 : 1'000'000);
        return;
    }
  }
  void allocate(Bytes size) {
    Result<ProducerMemory::Buffer> buffer = memory_->allocate(size, MonotonicTime::min());
    const Bytes room = size.rounded_up(4_KiB);
    if (!buffer) {
      const bool fits = !size.zero() && room <= memory_->total() - used_;
      PLIMSOLL_CHECK(!fits || buffer.error().code == ErrorCode::kRefused ||
                     buffer.error().code == ErrorCode::kSystem);
      return;
    }
    used_ += room;
    ++fill_;
    std::memset(buffer->data(), fill_, size.count());
    held_.emplace_back(std::move(*buffer), fill_);
  }
  void release(std::size_t at) {
    if (held_.empty()) return;
    std::swap(held_[at % held_.size()], held_.back());
    auto& [buffer, fill] = held_.back();
    for (std::byte byte : buffer.span()) PLIMSOLL_CHECK(byte == std::byte{fill});
    used_ -= buffer.size().rounded_up(4_KiB);
    held_.pop_back();
  }

  std::span<const std::uint8_t> input_;
  std::size_t at_ = 0;
  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 64_MiB}};
  Account& account_ = line_.open({.name = "producer"});
  std::optional<ProducerMemory> memory_{
      ProducerMemory::Options{.account = account_, .pages = pages_, .total = 128_KiB}};
  std::vector<std::pair<ProducerMemory::Buffer, std::uint8_t>> held_;
  Bytes used_;
  std::uint8_t fill_ = 0;
};

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::Harness({data, size}).run();
  return 0;
}
