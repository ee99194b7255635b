// Random calls on a buffer pool, and on request buffers over it, by an input's bytes: every buffer keeps what
// was written to it until it goes back, whatever is refused, and at the end nothing is left.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/check.h"
#include "plimsoll/os/failing_pages.h"
#include "plimsoll/pool/request_buffers.h"

namespace plimsoll {
namespace {

template <typename Buffer>
struct Held {
  Buffer buffer;
  std::byte fill;

  void write() { buffer.data()[0] = buffer.data()[buffer.size().count() - 1] = fill; }
  void check() const {
    PLIMSOLL_CHECK(buffer.data()[0] == fill && buffer.data()[buffer.size().count() - 1] == fill);
  }
};

class Harness {
 public:
  explicit Harness(std::span<const std::uint8_t> input) : input_(input) {}
  ~Harness() {
    while (!buffers_.empty()) release(buffers_, 0);
    while (!requests_held_.empty()) release(requests_held_, 0);
    PLIMSOLL_CHECK(requests_->in_flight().zero());
    check();
    requests_.reset();
    pool_.reset();
    PLIMSOLL_CHECK(account_.used().zero() && idle_.used().zero() && pages_.reserved().zero());
  }

  void run() {
    while (at_ < input_.size()) step();
  }

 private:
  std::uint8_t byte() { return at_ < input_.size() ? input_[at_++] : 0; }
  Bytes size() {
    const std::uint64_t mantissa = byte();
    return Bytes(mantissa << (byte() % 15));
  }

  void step() {
    switch (byte() % 9) {
      case 0:
      case 1:
        return hold(buffers_, pool_->acquire(size()));
      case 2:
        return hold(requests_held_, requests_->acquire(size()));
      case 3:
      case 4:
        return release(buffers_, byte());
      case 5:
        return release(requests_held_, byte());
      case 6:
        pool_->tick();
        return check();
      case 7:
        pool_->reclaim(size());
        requests_->reclaim(size());
        return check();
      case 8:
        account_.set_maximum(byte() % 4 == 0 ? Bytes(byte() * std::uint64_t{65'536}) : Bytes::max());
        pages_.fail_after(PageCall::kMakeUsable, byte() % 4 == 0 ? byte() % 8 : 1'000'000);
        return;
    }
  }
  template <typename Buffer>
  void hold(std::vector<Held<Buffer>>& held, Buffer buffer) {
    if (!buffer) return;
    held.push_back({std::move(buffer), std::byte(++fill_)});
    held.back().write();
  }
  template <typename Buffer>
  void release(std::vector<Held<Buffer>>& held, std::size_t at) {
    if (held.empty()) return;
    std::swap(held[at % held.size()], held.back());
    held.back().check();
    held.pop_back();
  }
  void check() const {
    pool_->CheckInvariants();
    requests_->CheckInvariants();
    slabs_.CheckInvariants();
  }

  std::span<const std::uint8_t> input_;
  std::size_t at_ = 0;
  SystemPages system_;
  FailingPages pages_{system_};
  LoadLine line_{{.limit = 64_MiB}};
  Account& slab_account_ = line_.open({.name = "slabs"});
  Account& slab_idle_ = line_.open({.name = "slabs_idle", .kind = AccountKind::kDroppable});
  Account& account_ = line_.open({.name = "buffers"});
  Account& idle_ = line_.open({.name = "buffers_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{{.account = slab_account_, .idle = slab_idle_, .pages = system_, .line = 4_MiB}};
  std::optional<BufferPool> pool_{BufferPool::Options{.slabs = slabs_,
                                                      .pages = pages_,
                                                      .account = account_,
                                                      .idle = idle_,
                                                      .maximum_idle = 2_MiB,
                                                      .demand = {.ticks = 3}}};
  std::optional<RequestBuffers> requests_{RequestBuffers::Options{.buffers = *pool_,
                                                                  .pages = pages_,
                                                                  .account = account_,
                                                                  .idle = idle_,
                                                                  .in_flight = 8_MiB,
                                                                  .large_idle = 2}};
  std::vector<Held<BufferPool::Buffer>> buffers_;
  std::vector<Held<RequestBuffers::Buffer>> requests_held_;
  std::uint8_t fill_ = 0;
};

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::Harness({data, size}).run();
  return 0;
}
