// A random single-threaded run of the line against the rules written down plainly.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"

namespace plimsoll {
namespace {

struct ModelAccount {
  int parent;  // -1: the root
  AccountKind kind;
  std::int64_t guarantee;
  std::int64_t maximum;
  std::int64_t used = 0;
  std::int64_t pinned = 0;
};

// Everything is recomputed from `used`; nothing is clever.
class Model {
 public:
  explicit Model(std::int64_t line) : line_(line), headroom_(headroom_for(Bytes(line)).signed_count()) {}

  std::vector<ModelAccount> accounts;

  std::int64_t total() const { return children_used(-1); }
  bool grants(int account, std::int64_t bytes) const {
    const bool droppable = accounts[account].kind == AccountKind::kDroppable;
    for (int node = account; node != -1; node = accounts[node].parent) {
      const ModelAccount& a = accounts[node];
      if (a.used + bytes > a.maximum) return false;
      std::int64_t bound = a.parent == -1 ? line_ : accounts[a.parent].maximum;
      std::int64_t above = (a.parent == -1 ? total() : accounts[a.parent].used) + bytes;
      if (above > bound) return false;
      if (a.used + bytes <= a.guarantee) continue;
      if (droppable) {
        if (a.parent == -1 && above > bound - headroom_) return false;
        continue;
      }
      for (int other = 0; other < static_cast<int>(accounts.size()); ++other) {
        if (other == node || accounts[other].parent != a.parent) continue;
        const ModelAccount& o = accounts[other];
        above += std::max<std::int64_t>(0, o.guarantee - o.used);
        if (o.kind == AccountKind::kDroppable)
          above -= std::max<std::int64_t>(0, o.used - std::max(o.pinned, o.guarantee));
      }
      if (above > bound) return false;
    }
    return true;
  }
  bool transfers(int from, int to, std::int64_t bytes) const {
    for (int node = to; node != -1; node = accounts[node].parent) {
      if (node == from || is_above(node, from)) break;
      if (accounts[node].used + bytes > accounts[node].maximum) return false;
    }
    return true;
  }
  void add(int account, std::int64_t bytes) {
    for (int node = account; node != -1; node = accounts[node].parent) accounts[node].used += bytes;
  }
  std::int64_t droppable() const {
    std::int64_t sum = 0;
    for (const ModelAccount& a : accounts) {
      if (a.kind != AccountKind::kDroppable) continue;
      sum += std::max<std::int64_t>(0, a.used - std::max(a.pinned, a.guarantee));
    }
    return sum;
  }
  void set_line(std::int64_t line) {
    line_ = line;
    headroom_ = headroom_for(Bytes(line)).signed_count();
  }
  std::int64_t line() const { return line_; }

 private:
  std::int64_t children_used(int parent) const {
    std::int64_t sum = 0;
    for (const ModelAccount& a : accounts) sum += a.parent == parent ? a.used : 0;
    return sum;
  }
  bool is_above(int node, int account) const {
    for (int above = accounts[account].parent; above != -1; above = accounts[above].parent) {
      if (above == node) return true;
    }
    return false;
  }

  std::int64_t line_;
  std::int64_t headroom_;
};

class ModelRun {
 public:
  explicit ModelRun(std::uint64_t seed)
      : random_(seed), line_({.limit = 125_MiB}), model_(line_.line().signed_count()) {
    open("cache", AccountKind::kDroppable, 8_MiB, Bytes::max(), -1);
    open("index", AccountKind::kPinned, 16_MiB, 64_MiB, -1);
    open("store", AccountKind::kPinned, 12_MiB, 80_MiB, -1);
    open("bodies", AccountKind::kWaitable, 0_B, 60_MiB, 2);
    open("output", AccountKind::kFlushable, 6_MiB, 40_MiB, 2);
    open("second_cache", AccountKind::kDroppable, 4_MiB, 50_MiB, 2);
    open("deep", AccountKind::kPinned, 1_MiB, 30_MiB, 3);
  }

  void step() {
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
        return charge();
      case 3:
        return grow();
      case 4:
        return shrink_or_split();
      case 5:
        return merge();
      case 6:
        return transfer();
      case 7:
      case 8:
        return release();
      case 9:
        return charge_held();
      case 10:
        return pin_or_unpin();
      default:
        return change_bounds();
    }
  }

  void compare() {
    ASSERT_EQ(line_.charged().signed_count(), model_.total());
    ASSERT_EQ(line_.droppable().signed_count(), model_.droppable());
    for (std::size_t i = 0; i < real_.size(); ++i) {
      ASSERT_EQ(real_[i]->used().signed_count(), model_.accounts[i].used) << real_[i]->name();
    }
    line_.CheckInvariants();
  }

  void drain() {
    held_.clear();
    for (std::size_t i = 0; i < real_.size(); ++i) real_[i]->unpin(Bytes::clamped(model_.accounts[i].pinned));
    line_.CheckInvariants();
    ASSERT_EQ(line_.charged(), 0_B);
    ASSERT_EQ(line_.undroppable(), 0_B);
  }
  std::uint64_t granted = 0;
  std::uint64_t refused = 0;

 private:
  struct Held {
    int account;
    Charge charge;
  };

  void open(const char* name, AccountKind kind, Bytes guarantee, Bytes maximum, int parent) {
    real_.push_back(&line_.open({.name = name, .kind = kind, .guarantee = guarantee, .maximum = maximum},
                                parent < 0 ? nullptr : real_[static_cast<std::size_t>(parent)]));
    model_.accounts.push_back({parent, kind, guarantee.signed_count(), maximum.signed_count()});
  }
  int any_account() { return static_cast<int>(random_.below(real_.size())); }
  Bytes any_bytes() { return Bytes(random_.below(std::uint64_t{1} << (10 + random_.below(16)))); }
  Held* any_held() { return held_.empty() ? nullptr : &held_[random_.below(held_.size())]; }
  void count(bool expected, bool was) {
    ASSERT_EQ(expected, was);
    ++(was ? granted : refused);
  }

  void charge() {
    int account = any_account();
    Bytes bytes = any_bytes();
    bool expected = model_.grants(account, bytes.signed_count());
    Charge charge = real_[account]->charge(bytes);
    count(expected, static_cast<bool>(charge));
    if (!charge) return;
    model_.add(account, bytes.signed_count());
    held_.push_back({account, std::move(charge)});
  }
  void grow() {
    Held* held = any_held();
    if (!held) return;
    Bytes bytes = any_bytes();
    bool expected = model_.grants(held->account, bytes.signed_count());
    bool grew = held->charge.grow(bytes);
    count(expected, grew);
    if (grew) model_.add(held->account, bytes.signed_count());
  }
  void shrink_or_split() {
    Held* held = any_held();
    if (!held) return;
    Bytes part(random_.below(held->charge.size().count() + 1));
    if (random_.below(2) == 0) {
      held->charge.shrink(part);
      model_.add(held->account, -part.signed_count());
    } else {
      held_.push_back({held->account, held->charge.split(part)});
    }
  }
  void merge() {
    Held* into = any_held();
    Held* from = any_held();
    if (!into || into == from || into->account != from->account) return;
    into->charge.merge(std::move(from->charge));
    remove(from);
  }
  void transfer() {
    Held* held = any_held();
    if (!held) return;
    int to = any_account();
    bool expected = model_.transfers(held->account, to, held->charge.size().signed_count());
    bool moved = held->charge.transfer(*real_[to]);
    ASSERT_EQ(expected || to == held->account, moved);
    if (!moved) return;
    model_.add(held->account, -held->charge.size().signed_count());
    model_.add(to, held->charge.size().signed_count());
    held->account = to;
  }
  void release() {
    Held* held = any_held();
    if (!held) return;
    model_.add(held->account, -held->charge.size().signed_count());
    remove(held);
  }
  void charge_held() {
    int account = any_account();
    Bytes bytes = any_bytes() / 16;
    held_.push_back({account, real_[account]->charge_held(bytes)});
    model_.add(account, bytes.signed_count());
  }
  void pin_or_unpin() {
    int account = any_account();
    ModelAccount& model = model_.accounts[account];
    Bytes bytes = any_bytes();
    if (random_.below(2) == 0) {
      real_[account]->pin(bytes);
      model.pinned += bytes.signed_count();
    } else {
      bytes = std::min(bytes, Bytes::clamped(model.pinned));
      real_[account]->unpin(bytes);
      model.pinned -= bytes.signed_count();
    }
  }
  void change_bounds() {
    if (random_.below(8) != 0) return;
    int account = any_account();
    ModelAccount& model = model_.accounts[account];
    switch (random_.below(3)) {
      case 0: {
        Bytes maximum = Bytes::clamped(model.guarantee) + any_bytes() * 2;
        real_[account]->set_maximum(maximum);
        model.maximum = maximum.signed_count();
        return;
      }
      case 1: {
        Bytes guarantee(random_.below((16_MiB).count()));
        real_[account]->set_guarantee(guarantee);
        model.guarantee = guarantee.signed_count();
        return;
      }
      default:
        line_.set_limit(Bytes(random_.below((64_MiB).count())) + 64_MiB, 0_B);
        model_.set_line(line_.line().signed_count());
    }
  }
  void remove(Held* held) {
    std::swap(*held, held_.back());
    held_.pop_back();
  }

  Random random_;
  LoadLine line_;
  Model model_;
  std::vector<Account*> real_;
  std::vector<Held> held_;
};

class LoadLineModel : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(LoadLineModel, AgreesWithThePlainRules) {
  ModelRun run(GetParam());
  for (int i = 0; i < 20'000; ++i) {
    run.step();
    if (i % 64 == 0) run.compare();
    if (HasFatalFailure()) FAIL() << "at step " << i;
  }
  run.compare();
  run.drain();
  EXPECT_GT(run.granted, 1000u) << "the run was not one of refusals only";
  EXPECT_GT(run.refused, 500u) << "nor of grants only";
}

INSTANTIATE_TEST_SUITE_P(Seeds, LoadLineModel, ::testing::Values(1, 2, 3, 4, 5, 20261121));

}  // namespace
}  // namespace plimsoll
