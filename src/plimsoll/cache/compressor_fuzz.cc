// Whatever the bytes are, they unpack to the length they name or are refused; and what was packed comes back.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plimsoll/base/check.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/compressor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  static LoadLine line({.limit = 64_MiB});
  static Account& account = line.open({.name = "cold", .kind = AccountKind::kPinned, .guarantee = {}});
  static Compressor compressor({.account = account});
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const Result<Compressor::Buffer> plain = compressor.unpack(bytes)) {
    PLIMSOLL_CHECK(plain->view().size() == Compressor::unpacked_size(bytes), "%zu bytes",
                   plain->view().size());
  }
  for (Compression with : kCompressions) {
    const Compressor::Buffer packed = compressor.pack(with, bytes);
    if (!packed) continue;
    const Result<Compressor::Buffer> plain = compressor.unpack(packed.view());
    PLIMSOLL_CHECK(plain && plain->view() == bytes);
  }
  return 0;
}
