// Shows a MemoryPool: blocks of mixed sizes below one cap, each of which returns by itself; what exhausted
// looks like; and how well the pool uses what it holds.
//
// Run: build/release/example_pool_block
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "plimsoll/alloc/memory_pool.h"

using namespace plimsoll::literals;

namespace {

unsigned long long number(plimsoll::Bytes bytes) { return bytes.count(); }

// A request's body, read into a block that ends with the request.
plimsoll::Result<std::size_t> serve(plimsoll::MemoryPool& pool, std::size_t body_size) {
  plimsoll::Result<plimsoll::MemoryBlock> body = pool.block(plimsoll::Bytes(body_size));
  if (!body) return tl::unexpected(body.error());
  std::memset(body->bytes().data(), 'x', body->bytes().size());
  return body->bytes().size();
}

}  // namespace

int main() {
  plimsoll::MemoryPool pool(4_MiB);

  if (auto served = serve(pool, 200'000)) std::printf("body of %zu bytes served\n", *served);

  // Blocks that are kept, until there is no room.
  std::vector<plimsoll::MemoryBlock> kept;
  for (;;) {
    auto block = pool.block(1_KiB);
    if (!block) {
      std::printf("exhausted: %s\n", block.error().message().c_str());
      break;
    }
    kept.push_back(std::move(*block));
  }
  if (auto served = serve(pool, 200'000); !served) std::printf("no room for a body either\n");

  const plimsoll::MemoryPool::Stats full = pool.stats();
  std::printf("used %llu of %llu bytes held, capacity %llu: efficiency %.2f, fragmentation %.2f\n",
              number(full.used), number(full.held), number(full.capacity), full.efficiency(),
              full.fragmentation());

  kept.clear();
  std::printf("held %llu bytes in blocks, %llu refused\n", number(pool.stats().used),
              static_cast<unsigned long long>(pool.stats().refused));
  return 0;
}
