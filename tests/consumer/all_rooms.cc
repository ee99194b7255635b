// A use that needs most rooms, and every library that they stand on: all parts under one line, with their
// figures.
#include <cstdio>

#include "plimsoll/base/crc32c.h"
#include "plimsoll/base/version.h"
#include "plimsoll/cache/compressor.h"
#include "plimsoll/commitlog/topic_config.h"
#include "plimsoll/memory_optimizer/memory_optimizer.h"
#include "plimsoll/report/prometheus.h"

int main() {
  using namespace plimsoll::literals;
  auto optimizer =
      plimsoll::MemoryOptimizer::open({.limit = "256MiB", .pool_size = 16_MiB, .cache_size = 64_MiB});
  if (!optimizer) return std::puts(optimizer.error().message().c_str()), 1;
  {
    plimsoll::BufferPool::Buffer buffer = (*optimizer)->buffers()->acquire(20_KiB);
    if (!buffer) return 2;
    plimsoll::ByteCache::Slot slot = (*optimizer)->cache()->lock("ship", 1);
    if (slot.put("plimsoll") != plimsoll::WriteStatus::kDone) return 3;
  }
  plimsoll::PrometheusText sink;
  (*optimizer)->Describe(sink);
  std::printf("%s with every room, plimsoll %s\n", (*optimizer)->report().summary.c_str(), PLIMSOLL_VERSION);
  return 0;
}
