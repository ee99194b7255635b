#include "plimsoll/wire/internal/glob_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::detail::fuzz_glob({data, size});
  return 0;
}
