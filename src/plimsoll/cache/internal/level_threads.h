// LowerLevel::Threads: the threads of a level: one a lane, and the keeper.
//
// Thread-safety: start() and stop() by one thread; rest() by the keeper. Cost: 5 threads with stacks of 256
// KiB, of which a few pages are touched. Limits: none. Errors: kSystem. Ownership: owns the threads.
#pragma once

#include <pthread.h>

#include <functional>
#include <memory>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/lower_level.h"

namespace plimsoll {

struct LowerLevel::Threads {
  static constexpr std::size_t kStack = 256 * 1024;

  Result<void> start(const char* name, std::function<void()> run) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStack);
    auto body = std::make_unique<std::function<void()>>(std::move(run));
    pthread_t thread{};
    const int error = pthread_create(&thread, &attributes, &entry, body.get());
    pthread_attr_destroy(&attributes);
    if (error != 0) return plimsoll::fail(ErrorCode::kSystem, "no thread for a level of the cache", error);
    static_cast<void>(body.release());  // the thread's
    pthread_setname_np(thread, name);
    threads.push_back(thread);
    return {};
  }

  void stop() {
    {
      MutexLock lock(mutex);
      stopping = true;
      changed.notify_all();
    }
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
    threads.clear();
  }

  // False when they are to end.
  bool rest(Duration time) {
    const MonotonicTime until = std::chrono::steady_clock::now() + time;
    MutexLock lock(mutex);
    while (!stopping && std::chrono::steady_clock::now() < until) changed.wait_until(mutex, until);
    return !stopping;
  }
  bool ending() {
    MutexLock lock(mutex);
    return stopping;
  }

 private:
  static void* entry(void* body) {
    const std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()>*>(body));
    (*run)();
    return nullptr;
  }

  Mutex mutex;
  CondVar changed;
  bool stopping PLIMSOLL_GUARDED_BY(mutex) = false;
  std::vector<pthread_t> threads;
};

}  // namespace plimsoll
