#include "plimsoll/alloc/thread_fronts.h"

#include <pthread.h>

#include <algorithm>
#include <new>
#include <utility>

#include "plimsoll/base/check.h"
#include "plimsoll/base/sanitized.h"

namespace plimsoll {

namespace detail {
namespace {

Magazine no_magazine;  // zero before any code runs: holds nothing and takes nothing

constexpr auto no_pairs() {
  std::array<MagazinePair, ThreadFronts::kMostColumns> pairs{};
  pairs.fill({&no_magazine, &no_magazine});
  return pairs;
}

constexpr std::array<ThreadFront*, kThreadSlots + 1> no_fronts() {
  std::array<ThreadFront*, kThreadSlots + 1> fronts{};
  fronts.fill(&no_thread_front.front);
  return fronts;
}

}  // namespace

constinit NoThreadFront no_thread_front{.front = {}, .pairs = no_pairs()};
constinit thread_local std::array<ThreadFront*, kThreadSlots + 1> thread_fronts = no_fronts();
static_assert(sizeof(ThreadFront) == offsetof(NoThreadFront, pairs), "pairs() are found behind the front");

}  // namespace detail

namespace {

// Which owner has which slot; and, while it is held, no thread or owner ends.
struct Registry {
  Mutex mutex;
  std::array<ThreadFronts*, detail::kThreadSlots> taken{};
  std::uint64_t born = 0;  // owners so far
};

// Never destroyed: threads may end after the statics have.
Registry& registry_of_all() {
  static Registry& all = *new Registry;
  return all;
}

// Its magazines have gone back: what its other objects free after that goes the slow way.
constinit thread_local bool thread_has_ended = false;

}  // namespace

// At a thread's end its fronts are emptied; around a fork every owner's locks are held.
struct ThreadFrontsExit {
  bool armed = false;

  ~ThreadFrontsExit() {
    thread_has_ended = true;
    Registry& all = registry_of_all();
    MutexLock lock(all.mutex);
    for (std::size_t slot = 0; slot < detail::kThreadSlots; ++slot) {
      ThreadFront* front = detail::thread_fronts[slot];
      if (front != &detail::no_thread_front.front) all.taken[slot]->close(*front);
    }
  }

  // An owner's slow path may call those that were there before it, holding its own locks: so the youngest
  // comes first.
  static std::array<ThreadFronts*, detail::kThreadSlots> by_age() {
    auto all = registry_of_all().taken;
    auto end = std::remove(all.begin(), all.end(), nullptr);
    std::fill(end, all.end(), nullptr);
    std::sort(all.begin(), end, [](auto* a, auto* b) { return a->born_ > b->born_; });
    return all;
  }
  static void before_fork() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
    registry_of_all().mutex.lock();
    for (ThreadFronts* fronts : by_age()) {
      if (fronts != nullptr) fronts->options_.owner.before_fork();
    }
  }
  static void after_fork() PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
    for (ThreadFronts* fronts : by_age()) {
      if (fronts != nullptr) fronts->options_.owner.after_fork();
    }
    registry_of_all().mutex.unlock();
  }
};

namespace {

thread_local ThreadFrontsExit thread_exit;

// The thread sanitizer aborts where a thread holds more than 64 locks, and has its own trouble with forks.
void watch_forks() {
  if (kThreadSanitized) return;
  static const int watched = pthread_atfork(ThreadFrontsExit::before_fork, ThreadFrontsExit::after_fork,
                                            ThreadFrontsExit::after_fork);
  PLIMSOLL_CHECK(watched == 0, "no memory for a fork handler");
}

}  // namespace

Mutex& ThreadFronts::registry() { return registry_of_all().mutex; }

ThreadFronts::ThreadFronts(const Options& options)
    : options_(options), front_bytes_(sizeof(ThreadFront) + options.columns * sizeof(MagazinePair) + 16) {
  PLIMSOLL_CHECK(options.columns <= kMostColumns, "%u columns", options.columns);
  watch_forks();
  Registry& all = registry_of_all();
  MutexLock lock(all.mutex);
  auto free = std::find(all.taken.begin(), all.taken.end(), nullptr);
  if (free != all.taken.end()) *free = this;
  slot_ = static_cast<unsigned>(free - all.taken.begin());
  born_ = ++all.born;
}

ThreadFront* ThreadFronts::open() noexcept {
  if (enough() || thread_has_ended) return nullptr;
  thread_exit.armed = true;  // used, so that it is made and ends with the thread
  MutexLock lock(registry());
  if (count_ >= options_.most) return nullptr;
  Charge charge = options_.account.charge(front_bytes_);
  if (!charge) return nullptr;
  void* place = ::operator new(front_bytes_.count() - 16, std::nothrow);
  if (place == nullptr) return nullptr;
  auto* front = ::new (place) ThreadFront;
  std::copy_n(detail::no_thread_front.pairs.begin(), options_.columns, front->pairs());
  charge_.merge(std::move(charge));
  ++count_;
  front->home = &detail::thread_fronts[slot_];
  front->next = first_;
  if (first_ != nullptr) first_->previous = front;
  first_ = front;
  *front->home = front;
  return front;
}

void ThreadFronts::close(ThreadFront& front) noexcept {
  options_.owner.empty_front(front);
  *front.home = &detail::no_thread_front.front;
  (front.previous ? front.previous->next : first_) = front.next;
  if (front.next != nullptr) front.next->previous = front.previous;
  front.~ThreadFront();
  ::operator delete(&front);
  charge_.shrink(front_bytes_);
  --count_;
}

void ThreadFronts::close_mine() noexcept {
  MutexLock lock(registry());
  if (have_mine()) close(mine());
}

void ThreadFronts::close_all() noexcept {
  if (slot_ == detail::kThreadSlots) return;
  MutexLock lock(registry());
  while (first_ != nullptr) close(*first_);
  registry_of_all().taken[slot_] = nullptr;
  slot_ = detail::kThreadSlots;
}

std::size_t ThreadFronts::count() const noexcept { return count_.load(std::memory_order_relaxed); }

}  // namespace plimsoll
