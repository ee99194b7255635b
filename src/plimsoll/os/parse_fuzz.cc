// Everything this room reads from the kernel and from container run-times, as an adversary would write it.
#include <cstddef>
#include <cstdint>

#include "plimsoll/os/internal/parse_everything.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::parse_everything({reinterpret_cast<const char*>(data), size});
  return 0;
}
