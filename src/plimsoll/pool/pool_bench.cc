// Pools beside what one would use without them: an object that is made anew, a locked free list, the standard
// library's pooled resource; buffers from malloc. An operation is an acquire and its release.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/buffer_pool.h"
#include "plimsoll/pool/object_pool.h"
#include "plimsoll/pool/producer_memory.h"
#include "plimsoll/pool/request_buffers.h"

namespace plimsoll {
namespace {

struct Object {
  std::array<char, 200> bytes{};
};

struct Ours {
  SystemPages pages;
  LoadLine line{{.limit = 2_GiB}};
  Account& account = line.open({.name = "pool"});
  Account& idle = line.open({.name = "pool_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs{{.account = account, .idle = idle, .pages = pages, .line = line.line()}};
  ObjectPool<Object> objects{{.slabs = slabs, .account = account}};
  BufferPool buffers{{.slabs = slabs, .pages = pages, .account = account, .idle = idle}};
  RequestBuffers requests{{.buffers = buffers, .pages = pages, .account = account, .idle = idle}};
  ProducerMemory producer{{.account = account, .pages = pages}};
};
Ours& ours() {
  static Ours all;
  return all;
}

// What every pool is at first: a vector behind a lock.
struct LockedList {
  Mutex mutex;
  std::vector<std::unique_ptr<Object>> idle;

  std::unique_ptr<Object> acquire() {
    MutexLock lock(mutex);
    if (idle.empty()) return std::make_unique<Object>();
    std::unique_ptr<Object> last = std::move(idle.back());
    idle.pop_back();
    return last;
  }
  void give_back(std::unique_ptr<Object> object) {
    MutexLock lock(mutex);
    idle.push_back(std::move(object));
  }
};

using Run = std::function<void(benchmark::State&)>;

void add(const std::string& row, const std::string& part, int threads, double must_ns, const Run& run) {
  auto* made = benchmark::RegisterBenchmark((row + "/" + part).c_str(), [=](benchmark::State& state) {
    run(state);
    if (part == "ours")
      state.counters["must_ns"] = benchmark::Counter(must_ns, benchmark::Counter::kAvgThreads);
  });
  if (threads > 1) made->Threads(threads);
}

void object_ours(benchmark::State& state) {
  ObjectPool<Object>& pool = ours().objects;
  for (auto _ : state) {
    ObjectPool<Object>::Handle object = pool.try_acquire();
    benchmark::DoNotOptimize(object.get());
  }
}
void object_new(benchmark::State& state) {
  for (auto _ : state) {
    auto object = std::make_unique<Object>();
    benchmark::DoNotOptimize(object.get());
  }
}
void object_pmr(benchmark::State& state) {
  static std::pmr::synchronized_pool_resource resource;
  for (auto _ : state) {
    auto* object = ::new (resource.allocate(sizeof(Object), alignof(Object))) Object;
    benchmark::DoNotOptimize(object);
    object->~Object();
    resource.deallocate(object, sizeof(Object), alignof(Object));
  }
}
void object_locked(benchmark::State& state) {
  static LockedList list;
  for (auto _ : state) {
    std::unique_ptr<Object> object = list.acquire();
    benchmark::DoNotOptimize(object.get());
    list.give_back(std::move(object));
  }
}
void buffer_ours(benchmark::State& state, Bytes size) {
  BufferPool& pool = ours().buffers;
  for (auto _ : state) {
    BufferPool::Buffer buffer = pool.acquire(size);
    benchmark::DoNotOptimize(buffer.data());
  }
}
void buffer_malloc(benchmark::State& state, Bytes size) {
  for (auto _ : state) {
    void* buffer = std::malloc(size.count());
    benchmark::DoNotOptimize(buffer);
    std::free(buffer);
  }
}
void request_ours(benchmark::State& state) {
  RequestBuffers& requests = ours().requests;
  for (auto _ : state) {
    RequestBuffers::Buffer buffer = requests.acquire(40_KiB);
    benchmark::DoNotOptimize(buffer.data());
  }
}
void producer_ours(benchmark::State& state) {
  ProducerMemory& producer = ours().producer;
  for (auto _ : state) {
    Result<ProducerMemory::Buffer> buffer = producer.allocate(16_KiB, MonotonicTime::min());
    benchmark::DoNotOptimize(buffer->data());
  }
}

const bool kRegistered = [] {
  for (int threads : {1, 2}) {
    const std::string row = threads == 1 ? "object" : "object, two threads";
    add(row, "ours", threads, 10, object_ours);
    add(row, "again", threads, 0, object_ours);
    add(row, "peer:new and delete", threads, 0, object_new);
    add(row, "peer:pmr synchronized pool", threads, 0, object_pmr);
    add(row, "peer:vector behind a lock", threads, 0, object_locked);
  }
  for (unsigned b = 0; b < BufferPool::kBuckets; ++b) {
    const Bytes size = BufferPool::size_of(b);
    const std::string row = "buffer of " + std::to_string(size.count() / 1024) + " KiB";
    auto pooled = [size](benchmark::State& state) { buffer_ours(state, size); };
    add(row, "ours", 1, 15, pooled);
    add(row, "again", 1, 0, pooled);
    add(row, "peer:malloc", 1, 0, [size](benchmark::State& state) { buffer_malloc(state, size); });
  }
  benchmark::RegisterBenchmark("request buffer of 40 KiB", request_ours);
  benchmark::RegisterBenchmark("producer's batch of 16 KiB", producer_ours);
  return true;
}();

}  // namespace
}  // namespace plimsoll
