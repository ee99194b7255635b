// A producer's memory: a fixed total of which batches are cut. When it is spent, a caller waits for its turn,
// up to a deadline.
//
//   cmake --build --preset release --target example_producer_pool && build/release/example_producer_pool
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/producer_memory.h"

using namespace plimsoll::literals;
using plimsoll::ProducerMemory;
using plimsoll::Result;

int main() {
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 64_MiB});
  plimsoll::Account& account = line.open({.name = "producer"});
  ProducerMemory memory({.account = account, .pages = pages, .total = 64_KiB, .batch = 16_KiB});
  auto within = [](std::chrono::milliseconds patience) {  // max.block.ms
    return std::chrono::steady_clock::now() + patience;
  };

  std::vector<ProducerMemory::Buffer> batches;
  for (int i = 0; i < 4; ++i) {
    Result<ProducerMemory::Buffer> batch = memory.allocate(memory.batch(), within(std::chrono::seconds(1)));
    if (!batch) return 1;
    batches.push_back(std::move(*batch));
  }
  std::printf("batch of %llu KiB granted\n", static_cast<unsigned long long>(batches.back().size() / 1_KiB));

  // All of it is in use: who asks for more waits, and is told when nothing came back in time.
  Result<ProducerMemory::Buffer> late = memory.allocate(16_KiB, within(std::chrono::milliseconds(10)));
  if (!late) std::printf("a batch was refused: %s\n", late.error().what);

  // A batch that was sent comes back while somebody waits.
  std::thread sender([&] { batches.pop_back(); });
  Result<ProducerMemory::Buffer> next = memory.allocate(16_KiB, within(std::chrono::seconds(30)));
  sender.join();
  std::printf("after one came back: %s\n", next ? "granted" : next.error().what);

  batches.clear();
  if (next) next->release();
  std::printf("available at the end: %llu KiB of %llu KiB\n",
              static_cast<unsigned long long>(memory.available() / 1_KiB),
              static_cast<unsigned long long>(memory.total() / 1_KiB));
  return 0;
}
