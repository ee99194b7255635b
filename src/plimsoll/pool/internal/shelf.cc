#include "plimsoll/pool/internal/shelf.h"

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {

Shelf::Shelf(const Options& options)
    : fronts_({.owner = *this, .account = options.account}),
      keeper_(options.keeper),
      account_(options.account),
      most_(options.most),
      each_(std::min(options.each, Magazine::kSlots)),
      limit_(options.limit) {
  MutexLock lock(mutex);
  pile_.reserve(most_);
  overhead_ = account_.charge_held(Bytes(most_ * sizeof(void*)));
}

Shelf::~Shelf() {
  fronts_.close_all();
  MutexLock lock(mutex);
  PLIMSOLL_CHECK(pile_.empty(), "%zu blocks are left on a shelf", pile_.size());
}

void Shelf::equip() noexcept {
  if (my_stack() != nullptr) return;
  ThreadFront* front = fronts_.have_mine() ? &fronts_.mine() : fronts_.open();
  if (front == nullptr) return;
  MutexLock lock(mutex);
  // A quarter is for the pile, and an eighth of all is enough for one thread.
  const std::size_t for_threads = most_ - most_ / 4;
  const std::size_t left = for_threads - std::min(with_threads_, for_threads);
  const std::size_t capacity = std::min({std::size_t{each_}, std::max<std::size_t>(most_ / 8, 1), left});
  // A full pile leaves no room for a stack now; later, when more is in use.
  if (capacity == 0 || with_threads_ + capacity + pile_.size() > most_) return;
  Charge charge = account_.charge(Bytes(sizeof(Stack)));
  if (!charge) return;
  auto* stack = new (std::nothrow) Stack;
  if (stack == nullptr) return;
  stack->capacity = static_cast<std::uint16_t>(capacity);
  overhead_.merge(std::move(charge));
  with_threads_ += capacity;
  front->pairs()->loaded = stack;
}

// Null for the magazine that stands for none.
Shelf::Stack* Shelf::stack_of(ThreadFront& front) noexcept {
  Magazine* magazine = front.pairs()->loaded;
  return magazine->capacity > 0 ? static_cast<Stack*>(magazine) : nullptr;
}

std::size_t Shelf::room_on_pile() const {
  const std::size_t limit = std::min(limit_, most_);
  const std::size_t elsewhere = with_threads_ + pile_.size();
  return limit > elsewhere ? limit - elsewhere : 0;
}

void* Shelf::take() noexcept {
  if (pile_.empty()) return nullptr;
  // With the lock held nobody gathers, and an owner that is here is not in its fast path.
  Stack* stack = gate_.load(std::memory_order_relaxed) == 0 ? my_stack() : nullptr;
  std::size_t more = 0;
  if (stack != nullptr && stack->count == 0) {
    more = std::min<std::size_t>(stack->capacity / 2, pile_.size() - 1);
  }
  if (!keeper_.leaving(1 + more)) {
    if (more == 0 || !keeper_.leaving(1)) return nullptr;
    more = 0;
  }
  ++counts_.taken;
  void* block = pile_.back();
  pile_.pop_back();
  for (; more > 0; --more) {
    stack->slots[stack->count++] = pile_.back();
    pile_.pop_back();
  }
  return block;
}

void Shelf::to_pile(Stack& stack, std::uint32_t blocks) noexcept {
  if (blocks == 0) return;
  // The coldest are at the bottom of its stack.
  pile_.insert(pile_.end(), stack.slots.begin(), stack.slots.begin() + blocks);
  std::copy(stack.slots.begin() + blocks, stack.slots.begin() + stack.count, stack.slots.begin());
  stack.count -= blocks;
  keeper_.arriving(blocks);
}

bool Shelf::put_on_pile(void* block) noexcept {
  if (room_on_pile() == 0) return false;
  pile_.push_back(block);
  keeper_.arriving(1);
  return true;
}

bool Shelf::put(void* block) noexcept {
  Stack* stack = gate_.load(std::memory_order_relaxed) == 0 ? my_stack() : nullptr;
  if (stack != nullptr) {
    if (stack->full()) {
      const std::size_t half = (stack->capacity + 1u) / 2;
      to_pile(*stack, static_cast<std::uint32_t>(std::min(half, room_on_pile())));
    }
    if (!stack->full()) {
      stack->slots[stack->count++] = block;
      ++counts_.put;
      return true;
    }
  }
  const bool kept = put_on_pile(block);
  if (kept) ++counts_.put;
  return kept;
}

void Shelf::set_gate() noexcept {
  // Release: what was done to stacks is seen by owners that find it open. Closed, it is the fence in gather()
  // that orders it before what is read of owners.
  gate_.store(hungry_ || gathering_ > 0 ? 1 : 0, std::memory_order_release);
}

void Shelf::set_hungry(bool hungry) noexcept {
  if (hungry == hungry_) return;
  hungry_ = hungry;
  gathered_ = false;
  set_gate();
}

// Acquire: pairs with the release that ends an owner's fast path. That is a few instructions, but its thread
// may have been put aside in the middle of them.
void Shelf::await_idle(const ThreadFront& front) noexcept {
  while (front.busy.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

void Shelf::before_fork() noexcept {
  mutex.lock();
  ++gathering_;
  set_gate();
  fence_.heavy();  // as in gather()
  fronts_.for_each_locked([](const ThreadFront& front) { await_idle(front); });
}

void Shelf::after_fork() noexcept {
  --gathering_;
  set_gate();
  mutex.unlock();
}

void Shelf::gather() noexcept {
  {
    MutexLock lock(mutex);
    ++gathering_;
    set_gate();
  }
  // Pairs with the light fences: an owner that did not see the gate closed is seen to be busy below.
  fence_.heavy();
  fronts_.for_each([this](ThreadFront& front) {
    await_idle(front);
    MutexLock lock(mutex);
    if (Stack* stack = stack_of(front)) to_pile(*stack, stack->count);
  });
  MutexLock lock(mutex);
  --gathering_;
  gathered_ = hungry_;
  set_gate();
}

std::size_t Shelf::take_excess(std::size_t keep, std::span<void*> blocks) noexcept {
  const std::size_t count = std::min(pile_.size() > keep ? pile_.size() - keep : 0, blocks.size());
  if (count == 0) return 0;
  const auto end = pile_.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(pile_.begin(), end, blocks.begin());
  pile_.erase(pile_.begin(), end);
  return count;
}

// The registry's lock is held. Nothing is ended here: that might open a front.
void Shelf::empty_front(ThreadFront& front) noexcept {
  MutexLock lock(mutex);
  Stack* stack = stack_of(front);
  if (stack == nullptr) return;
  to_pile(*stack, stack->count);
  with_threads_ -= stack->capacity;
  counts_.taken += stack->taken.load(std::memory_order_relaxed);
  counts_.put += stack->put.load(std::memory_order_relaxed);
  delete stack;
  overhead_.shrink(Bytes(sizeof(Stack)));
}

Shelf::Counts Shelf::counts() const {
  Counts counts;
  fronts_.for_each([&](ThreadFront& front) {
    MutexLock lock(mutex);
    const Stack* stack = stack_of(front);
    if (stack == nullptr) return;
    counts.taken += stack->taken.load(std::memory_order_relaxed);
    counts.put += stack->put.load(std::memory_order_relaxed);
  });
  MutexLock lock(mutex);
  counts.taken += counts_.taken;
  counts.put += counts_.put;
  return counts;
}

void Shelf::CheckInvariants() const {
  PLIMSOLL_CHECK(pile_.size() <= most_, "%zu idle", pile_.size());
  PLIMSOLL_CHECK(with_threads_ <= most_, "threads may hold %zu", with_threads_);
  PLIMSOLL_CHECK((gate_.load() == 1) == (hungry_ || gathering_ > 0), "the gate");
  PLIMSOLL_CHECK(!gathered_ || hungry_);
}

}  // namespace plimsoll
