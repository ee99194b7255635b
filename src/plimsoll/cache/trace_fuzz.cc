// Whatever the bytes are, a trace is read to its end or to an error that names its line, in bounded memory.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "plimsoll/base/check.h"
#include "plimsoll/cache/trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  std::size_t at = 0;
  TraceReader reader([&](std::span<char> to) -> Result<std::size_t> {
    const std::size_t piece = std::min({to.size(), size - at, std::size_t{1} + size / 3});
    if (piece > 0) std::memcpy(to.data(), data + at, piece);
    at += piece;
    return piece;
  });
  TraceRequest request;
  std::uint64_t before = 1;
  for (std::size_t rows = 0; rows < 100'000; ++rows) {
    Result<bool> there = reader.next(request);
    PLIMSOLL_CHECK(reader.line() >= before, "line %llu", static_cast<unsigned long long>(reader.line()));
    before = reader.line();
    if (!there || !*there) break;
  }
  return 0;
}
