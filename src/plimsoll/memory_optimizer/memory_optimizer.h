// MemoryOptimizer: the parts of the library put together by one configuration: a line, a governor, a pool of
// buffers, a cache and an allocator, and a report that says what to change.
//
// For who wants all of it at once, and to take it apart later: every part is the one of its own header, and
// further accounts are opened in line(). The limit is found, or given; all parts are charged under it.
//
//   auto optimizer = MemoryOptimizer::open({.cache_size = 64_MiB});
//   if (!optimizer) return print(optimizer.error().message());
//   (*optimizer)->start();
//   BufferPool::Buffer buffer = (*optimizer)->buffers()->acquire(20_KiB);
//   std::puts((*optimizer)->report().summary.c_str());
//
// What its configuration asks for is what an optimizer of a server's memory is usually told: pooling,
// caching, allocators, collection, a target and an interval.
//
// Thread-safety: all methods from any thread; start(), stop() and the end by one. Cost: report() walks all
// figures, and replays the cache's sample for each policy: some tens of milliseconds; statistics() some
// microseconds. Limits: as the parts. Errors: open() says what is wrong with the configuration or the
// machine; start() that there is no thread. Ownership: owns its parts; what they gave must be back when it
// ends.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/alloc/backend.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/result.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/governor/governor.h"
#include "plimsoll/memory_optimizer/recommendation.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/buffer_pool.h"

namespace plimsoll {

struct MemoryConfig {
  std::string limit;  // "512MiB", "50%" of what is found; empty: what is found
  bool pooling = true;
  Bytes pool_size = 256_MiB;  // what buffers may take, idle and in use
  bool caching = true;
  Bytes cache_size = 512_MiB;  // what the cache may take; below the line it takes what others leave
  PolicyKind cache_policy = PolicyKind::kAdaptive;
  bool allocators = true;
  BackendKind allocator = BackendKind::kSlabs;
  bool collection_tuning = true;  // malloc gives back what it keeps free when memory is short
  // Of the line, what may be held that cannot be dropped; level high begins there, and the report says so.
  double target_use = 0.75;
  // How often the governor looks while nothing is charged; under load it looks every 10 ms.
  std::chrono::milliseconds interval{1000};

  Result<void> Validate() const;
};

class MemoryOptimizer {
 public:
  struct Report {
    MemoryStatistics statistics;
    std::vector<Recommendation> recommendations;  // the most urgent first
    std::string summary;                          // some lines for a person
  };

  static Result<std::unique_ptr<MemoryOptimizer>> open(const MemoryConfig& config = {});
  ~MemoryOptimizer();
  MemoryOptimizer(const MemoryOptimizer&) = delete;
  MemoryOptimizer& operator=(const MemoryOptimizer&) = delete;

  // Begins to watch the line, on a thread of its own. Errors: kSystem. REQUIRES: not started.
  Result<void> start();
  // Ends that. Does nothing when not started; may be started again.
  void stop();

  LoadLine& line() { return line_; }
  Governor& governor() { return governor_; }
  const EventLog& events() const { return events_; }
  // Null, each, when the configuration switched it off.
  BufferPool* buffers() { return buffers_ ? &*buffers_ : nullptr; }
  ByteCache* cache() { return cache_ ? &*cache_ : nullptr; }
  Backend* allocator() { return backend_.get(); }

  MemoryStatistics statistics() const;
  Report report() const;
  // Figures of all parts.
  void Describe(StatSink& sink) const;

 private:
  // Tells the cache the time, whose turn is the governor's.
  class Upkeep;

  MemoryOptimizer(const MemoryConfig& config, std::unique_ptr<SystemProbe> probe, const FoundLimit& found);
  Result<void> open_allocator();

  const MemoryConfig config_;
  const SystemClock clock_;
  std::unique_ptr<SystemProbe> probe_;
  LoadLine line_;
  Account& pool_account_;
  Account& cache_account_;
  Account& allocator_account_;
  Account& idle_;
  SystemPages pages_;
  AdmissionBoard board_;
  EventLog events_;
  std::optional<SlabAllocator> pool_slabs_;
  std::optional<BufferPool> buffers_;
  std::optional<ByteCache> cache_;
  std::optional<SlabAllocator> slabs_;
  std::unique_ptr<Backend> backend_;
  Governor governor_;
  std::unique_ptr<Upkeep> upkeep_;
};

}  // namespace plimsoll
