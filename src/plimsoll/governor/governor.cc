#include "plimsoll/governor/governor.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>

#include "plimsoll/base/check.h"
#include "plimsoll/governor/internal/watch.h"

namespace plimsoll {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024;

Duration read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Bytes limit_to_follow(const FoundLimit& found) {
  // A line of nothing would make every ratio meaningless; a process this small is killed in any case.
  return std::max(std::min(found.limit, found.soft.value_or(found.limit)), 1_MiB);
}

Result<void> Governor::Options::Validate() const {
  if (busy_period < std::chrono::milliseconds(1) || idle_period < busy_period) {
    return fail(ErrorCode::kOutOfRange, "the busy period must be 1 ms or more, and the idle one no shorter");
  }
  if (limit_period <= Duration::zero() || trim_cooldown < Duration::zero()) {
    return fail(ErrorCode::kOutOfRange, "periods must not be negative");
  }
  return levels.Validate();
}

class Governor::Core {
 public:
  explicit Core(const Options& options) : watch(options) {}

  Result<void> start();
  void stop();
  void look_now();
  // The CPU time of its threads, read when it is asked for: at each look it would cost a system call.
  Duration thread_cpu();
  std::optional<MonotonicTime> take_wake() {
    MutexLock lock(mutex_);
    return std::exchange(woken_at_, std::nullopt);
  }

  Watch watch;

 private:
  static void* entry(void* core) {
    static_cast<Core*>(core)->run();
    return nullptr;
  }
  void run();
  bool sleep(Watch::Next next);  // false: to be stopped

  Mutex mutex_;
  CondVar changed_;
  std::optional<MonotonicTime> woken_at_ PLIMSOLL_GUARDED_BY(mutex_);
  bool asleep_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool stopping_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool running_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  Duration spent_ PLIMSOLL_GUARDED_BY(mutex_){};  // by threads that were stopped
  pthread_t thread_{};
};

Result<void> Governor::Core::start() {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(!running_, "started twice");
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  int error = pthread_create(&thread_, &attributes, &Core::entry, this);
  pthread_attr_destroy(&attributes);
  if (error != 0) return fail(ErrorCode::kSystem, "no thread for the governor", error);
  pthread_setname_np(thread_, "plimsoll-gov");
  running_ = true;
  return {};
}

void Governor::Core::stop() {
  {
    MutexLock lock(mutex_);
    if (!running_) return;
    stopping_ = true;
    changed_.notify_one();
  }
  pthread_join(thread_, nullptr);
  MutexLock lock(mutex_);
  running_ = stopping_ = false;
}

Duration Governor::Core::thread_cpu() {
  MutexLock lock(mutex_);
  clockid_t clock{};
  // Once it is stopping, the thread adds its time itself.
  if (!running_ || stopping_ || pthread_getcpuclockid(thread_, &clock) != 0) return spent_;
  return spent_ + read_clock(clock);
}

void Governor::Core::look_now() {
  MutexLock lock(mutex_);
  if (woken_at_) return;
  woken_at_ = watch.clock().monotonic_now();
  if (asleep_) changed_.notify_one();
}

void Governor::Core::run() {
  for (;;) {
    Watch::Next next = watch.tick(take_wake());
    if (!sleep(next)) break;
  }
  MutexLock lock(mutex_);
  spent_ += read_clock(CLOCK_THREAD_CPUTIME_ID);
}

bool Governor::Core::sleep(Watch::Next next) {
  MutexLock lock(mutex_);
  MonotonicTime now = std::chrono::steady_clock::now();
  while (!stopping_) {
    MonotonicTime until = std::min(now + next.due, woken_at_ ? now + next.shortest : MonotonicTime::max());
    if (std::chrono::steady_clock::now() >= until) break;
    asleep_ = true;
    changed_.wait_until(mutex_, until);
    asleep_ = false;
  }
  return !stopping_;
}

Governor::Governor(const Options& options) {
  PLIMSOLL_CHECK(options.Validate().has_value(), "%s", options.Validate().error().what);
  core_ = std::make_unique<Core>(options);
  line_ = &options.line;
  line_->set_listener(this);
}

Governor::~Governor() {
  core_->stop();
  line_->set_listener(nullptr);
}

void Governor::add(Reclaimer& reclaimer, const Account& account) {
  core_->watch.collector().add(reclaimer, account);
}
void Governor::remove(Reclaimer& reclaimer) { core_->watch.collector().remove(reclaimer); }
void Governor::set_socket_account(const Account& account) { core_->watch.set_socket_account(account); }
Result<void> Governor::start() { return core_->start(); }
void Governor::stop() { core_->stop(); }
Duration Governor::tick() { return core_->watch.tick(core_->take_wake()).due; }
Result<void> Governor::measure_runtime() { return core_->watch.measure_runtime(); }
void Governor::look_now() noexcept { core_->look_now(); }
Governor::Snapshot Governor::snapshot() const { return core_->watch.snapshot(core_->thread_cpu()); }
const History& Governor::history() const { return core_->watch.history(); }
void Governor::Describe(StatSink& sink) const { core_->watch.Describe(sink, core_->thread_cpu()); }
void Governor::CheckInvariants() const { core_->watch.CheckInvariants(); }

}  // namespace plimsoll
