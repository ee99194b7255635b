#include "plimsoll/wire/internal/http_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::detail::fuzz_http({data, size});
  return 0;
}
