// Objects that one thread allocates and another frees, as messages between the threads of a server.
//
// Batches of 1000 go from the producer to the consumer, so that what is measured is allocating and freeing
// and not the queue: the CPU time of both threads inside those loops, an object.
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "alloc_bench.h"
#include "parts.h"

namespace plimsoll {
namespace {

constexpr std::size_t kBatch = 1000;
constexpr std::size_t kBatches = 300;
constexpr std::size_t kUnderway = 4;

// A place for a batch: the producer fills it when it is empty, the consumer empties it when it is full.
struct Place {
  std::atomic<bool> full = false;
  std::array<void*, kBatch> objects;
};

template <typename Allocator>
double producer_to_consumer(Allocator& allocator, std::size_t size) {
  std::vector<Place> places(kUnderway);
  std::atomic<std::uint64_t> cpu_ns = 0;
  std::thread consumer([&] {
    for (std::size_t batch = 0; batch < kBatches; ++batch) {
      Place& place = places[batch % kUnderway];
      while (!place.full.load(std::memory_order_acquire)) std::this_thread::yield();
      const std::uint64_t begin = thread_cpu_ns();
      for (void* object : place.objects) allocator.free(object, size);
      cpu_ns += thread_cpu_ns() - begin;
      place.full.store(false, std::memory_order_release);
    }
  });
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    Place& place = places[batch % kUnderway];
    while (place.full.load(std::memory_order_acquire)) std::this_thread::yield();
    const std::uint64_t begin = thread_cpu_ns();
    for (void*& object : place.objects) {
      object = allocator.allocate(size);
      *static_cast<char*>(object) = 1;
    }
    cpu_ns += thread_cpu_ns() - begin;
    place.full.store(true, std::memory_order_release);
  }
  consumer.join();
  return static_cast<double>(cpu_ns) / static_cast<double>(kBatch * kBatches);
}

const BenchPart kThreads("threads", [](RowPrinter& rows) {
  rows.title("from one thread to another, CPU time of both an object");
  static bench::Ours ours;
  // The aim is half of what snmalloc was measured at, beside the best of the distribution.
  for (const auto& [size, aim] : {std::pair{std::size_t{64}, 0.23}, {256, 0.32}, {4096, 0.41}}) {
    std::vector<BenchContender> peers;
    bench::for_each_peer([&]<typename Peer>(const char* name) {
      static Peer peer;
      peers.push_back({name, [size = size] { return producer_to_consumer(peer, size); }});
    });
    const PairedResult result =
        PairedRounds(11).run([size = size] { return producer_to_consumer(ours, size); }, peers);
    rows.add(row_of(
        result,
        {.bench = "producer to consumer, " + std::to_string(size), .unit = "ns", .must = 0.5, .aim = aim}));
  }
});

}  // namespace
}  // namespace plimsoll
