// Random calls on a line with waiters, by an input's bytes; then everything is given back, and nothing may be
// left. After tcmalloc's transfer_cache_fuzz.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/budget/lease.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return at_ >= bytes_.size(); }
  std::uint8_t byte() { return empty() ? 0 : bytes_[at_++]; }
  // Mostly of the size of the accounts' bounds: mantissa and exponent.
  Bytes bytes() {
    std::uint64_t mantissa = byte();
    return Bytes(mantissa << (byte() % 20));
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

class Wait final : public Waiter {
 public:
  void finished() noexcept override { done = true; }
  bool done = false;
};

class Harness {
 public:
  explicit Harness(bool enforce) : line_({.limit = 64_MiB, .enforce = enforce, .clock = &clock_}) {
    Account& group = line_.open({.name = "group", .guarantee = 4_MiB, .maximum = 40_MiB});
    accounts_ = {&group, &line_.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = 1_MiB}),
                 &line_.open({.name = "index", .guarantee = 8_MiB, .maximum = 30_MiB}),
                 &line_.open({.name = "bodies", .kind = AccountKind::kWaitable, .maximum = 20_MiB}, &group),
                 &line_.open({.name = "items", .kind = AccountKind::kDroppable, .maximum = 30_MiB}, &group)};
    lease_ = std::make_unique<Lease>(*accounts_[3], 64_KiB);
  }
  ~Harness() {
    for (const auto& wait : waits_) {
      if (!wait->done) PLIMSOLL_CHECK(line_.cancel(*wait));
    }
    waits_.clear();
    charges_.clear();
    lease_->give(lease_->outstanding());
    lease_.reset();
    if (!pinned_.zero()) accounts_[1]->unpin(pinned_);
    line_.CheckInvariants();
    PLIMSOLL_CHECK(line_.charged().zero() && line_.undroppable().zero() && line_.serve_waiters() == 0);
    PLIMSOLL_CHECK(line_.wanted().zero());
  }

  void step(Input& input) {
    switch (input.byte() % 14) {
      case 0:
      case 1:
        keep(any(input).charge(input.bytes()));
        break;
      case 2:
        if (charges_.size() < 64) keep(any(input).charge_held(input.bytes()));
        break;
      case 3:
        if (!charges_.empty()) charges_.pop_front();
        break;
      case 4:
        if (!charges_.empty()) static_cast<void>(charges_.back().grow(input.bytes()));
        break;
      case 5:
        if (!charges_.empty()) keep(charges_.back().split(charges_.back().size() / 2));
        break;
      case 6:
        if (!charges_.empty()) static_cast<void>(charges_.back().transfer(any(input)));
        break;
      case 7:
        wait(input);
        break;
      case 8:
        cancel(input);
        break;
      case 9:
        clock_.advance(std::chrono::milliseconds(input.byte()));
        line_.serve_waiters();
        break;
      case 10:
        use_lease(input);
        break;
      case 11:
        line_.set_limit(8_MiB + input.bytes() * 2, input.bytes() / 16);
        break;
      case 12:
        change_bounds(input);
        break;
      default:
        pin(input);
    }
    if (line_.enforcing()) line_.CheckInvariants();
  }

 private:
  Account& any(Input& input) { return *accounts_[input.byte() % accounts_.size()]; }
  void keep(Charge charge) {
    if (charge && charges_.size() < 256) charges_.push_back(std::move(charge));
  }
  void wait(Input& input) {
    waits_.push_back(std::make_unique<Wait>());
    MonotonicTime deadline = clock_.monotonic_now() + std::chrono::milliseconds(input.byte());
    line_.enqueue(*waits_.back(), any(input), input.bytes(), deadline, input.byte() % 2 ? "odd" : "even");
  }
  void cancel(Input& input) {
    if (waits_.empty()) return;
    auto at = waits_.begin() + static_cast<std::ptrdiff_t>(input.byte() % waits_.size());
    bool done = (*at)->done;
    PLIMSOLL_CHECK(line_.cancel(**at) != done, "finished() and cancel() must agree");
    keep((*at)->take_charge());
    waits_.erase(at);
  }
  void use_lease(Input& input) {
    Bytes bytes = input.bytes() / 8;
    if (input.byte() % 2) {
      if (!lease_->take(bytes)) lease_->take_held(bytes / 4);
    } else {
      lease_->give(std::min(bytes, lease_->outstanding()));
    }
  }
  void change_bounds(Input& input) {
    Account& account = any(input);
    std::uint8_t which = input.byte();
    if (which % 16 == 15 && &account != accounts_[0]) {
      account.set_kind(which % 32 == 15 ? AccountKind::kPinned : AccountKind::kDroppable);
    } else if (which % 2) {
      account.set_maximum(input.bytes());
    } else {
      account.set_guarantee(input.bytes() / 16);
    }
  }
  void pin(Input& input) {
    Bytes bytes = input.bytes();
    if (input.byte() % 2 && pinned_ < 1_GiB) {
      accounts_[1]->pin(bytes);
      pinned_ += bytes;
    } else {
      bytes = std::min(bytes, pinned_);
      accounts_[1]->unpin(bytes);
      pinned_ -= bytes;
    }
  }

  ManualClock clock_;
  LoadLine line_;
  std::vector<Account*> accounts_;
  std::unique_ptr<Lease> lease_;
  std::deque<Charge> charges_;
  std::deque<std::unique_ptr<Wait>> waits_;
  Bytes pinned_;
};

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::Input input({data, size});
  plimsoll::Harness harness(input.byte() % 8 != 0);
  while (!input.empty()) harness.step(input);
  return 0;
}
