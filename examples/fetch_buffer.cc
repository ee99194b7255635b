// Buffers of requests: three kinds of size, and a bound on the bytes of all that are in flight. A refusal is
// a value, for the server to answer with.
//
//   cmake --build --preset release --target example_fetch_buffer && build/release/example_fetch_buffer
#include <cstdio>
#include <cstring>

#include "plimsoll/alloc/slab.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/buffer_pool.h"
#include "plimsoll/pool/request_buffers.h"

using namespace plimsoll::literals;
using plimsoll::RequestBuffers;

namespace {

unsigned long long kib(plimsoll::Bytes bytes) { return bytes / 1_KiB; }

}  // namespace

int main() {
  plimsoll::SystemPages pages;
  plimsoll::LoadLine line({.limit = 128_MiB});
  plimsoll::Account& account = line.open({.name = "requests"});
  plimsoll::Account& idle = line.open({.name = "requests_idle", .kind = plimsoll::AccountKind::kDroppable});
  plimsoll::SlabAllocator slabs({.account = account, .idle = idle, .pages = pages, .line = line.line()});
  plimsoll::BufferPool pool({.slabs = slabs, .pages = pages, .account = account, .idle = idle});
  RequestBuffers requests(
      {.buffers = pool, .pages = pages, .account = account, .idle = idle, .in_flight = 8_MiB});
  {
    RequestBuffers::Buffer metadata = requests.acquire(200_B);
    RequestBuffers::Buffer fetch = requests.acquire(40_KiB);
    RequestBuffers::Buffer large = requests.acquire(3_MiB);  // at least 1 MiB, rounded up to a power of two
    if (!metadata || !fetch || !large) return 1;
    std::memset(fetch.data(), 0, fetch.size().count());  // what the log answered
    std::printf("metadata: %llu KiB\nfetch: %llu KiB\nlarge: %llu KiB\n", kib(metadata.capacity()),
                kib(fetch.capacity()), kib(large.capacity()));

    RequestBuffers::Buffer another = requests.acquire(4_MiB);
    std::printf("over the bound: %s\n", another ? "granted" : "refused");
  }
  std::printf("in flight at the end: %llu KiB\n", kib(requests.in_flight()));
  return 0;
}
