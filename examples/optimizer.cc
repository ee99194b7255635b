// A memory optimizer: all parts from one configuration, started, used, and asked what to change.
//
//   cmake --build --preset release --target example_optimizer && build/release/example_optimizer
#include <cstdio>
#include <string>

#include "plimsoll/memory_optimizer/memory_optimizer.h"

using namespace plimsoll::literals;

int main() {
  auto opened = plimsoll::MemoryOptimizer::open({.limit = "256MiB",
                                                 .pool_size = 32_MiB,
                                                 .cache_size = 4_MiB,
                                                 .cache_policy = plimsoll::PolicyKind::kLru});
  if (!opened) return std::puts(opened.error().message().c_str()), 1;
  plimsoll::MemoryOptimizer& optimizer = **opened;
  if (auto started = optimizer.start(); !started) return std::puts(started.error().message().c_str()), 1;

  // A request takes a buffer, looks a row up, and loads it when it is not there: a table read through, over
  // and over, of which the cache holds a half.
  for (int i = 0; i < 200'000; ++i) {
    plimsoll::BufferPool::Buffer buffer = optimizer.buffers()->acquire(4_KiB);
    const std::string key = "row:" + std::to_string(i % 20'000);
    plimsoll::ByteCache::Slot slot = optimizer.cache()->lock(key, 0);
    slot.touch();
    if (!slot.exists() && slot.put(std::string(300, 'x')) != plimsoll::WriteStatus::kDone) return 1;
  }

  const plimsoll::MemoryOptimizer::Report report = optimizer.report();
  std::fputs(report.summary.c_str(), stdout);
  for (const plimsoll::Recommendation& r : report.recommendations) std::printf("step: %s\n", r.step.c_str());
  optimizer.stop();
  return 0;
}
