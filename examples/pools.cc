// Pools of buffers, small and large by size, and a pool of blocks of one type: what comes back is used again.
//
//   cmake --build --preset release --target example_pools && build/release/example_pools
#include <array>
#include <cstdio>
#include <cstring>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/buffer_pool.h"
#include "plimsoll/pool/object_pool.h"

using namespace plimsoll::literals;

namespace {

struct Row {
  std::array<char, 300> bytes;
};

void show(const char* what, plimsoll::Bytes size, plimsoll::Bytes capacity) {
  const bool large = capacity >= 1_MiB;
  std::printf("%s of %llu bytes in a buffer of %llu %s\n", what,
              static_cast<unsigned long long>(size.count()),
              static_cast<unsigned long long>(capacity / (large ? 1_MiB : 1_KiB)), large ? "MiB" : "KiB");
}

}  // namespace

int main() {
  // Whatever is held is charged to an account of the line; the line is the bound on all of it.
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 64_MiB});
  plimsoll::Account& account = line.open({.name = "pools"});
  plimsoll::Account& idle = line.open({.name = "pools_idle", .kind = plimsoll::AccountKind::kDroppable});
  plimsoll::SlabAllocator slabs({.account = account, .idle = idle, .pages = pages, .line = line.line()});

  // The smallest size that holds the request: from slabs where it is small, mapped where it is large.
  plimsoll::BufferPool buffers({.slabs = slabs, .pages = pages, .account = account, .idle = idle});
  {
    plimsoll::BufferPool::Buffer row = buffers.acquire(300_B);
    plimsoll::BufferPool::Buffer image = buffers.acquire(700'000_B);
    if (!row || !image) return 1;  // refused: the line is full
    std::memset(row.data(), 0, row.size().count());
    show("a row", row.size(), buffers.capacity_for(row.size()));
    show("an image", image.size(), buffers.capacity_for(image.size()));
  }  // both return by themselves

  // Blocks of one type stay constructed between uses.
  plimsoll::ObjectPool<Row> rows({.slabs = slabs, .account = account});
  for (int i = 0; i < 100; ++i) {
    plimsoll::ObjectPool<Row>::Handle row = rows.try_acquire();
    if (row) row->bytes[0] = 'x';
  }
  const plimsoll::ObjectPoolStats stats = rows.stats();
  std::printf("100 rows: %llu made, %llu reused\n", static_cast<unsigned long long>(stats.created),
              static_cast<unsigned long long>(stats.reused));
  return 0;
}
