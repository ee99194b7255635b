#include "plimsoll/wire/internal/resp_decoder_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::detail::fuzz_resp_decoder({data, size});
  return 0;
}
