#include "plimsoll/wire/internal/resp_reply_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::detail::fuzz_resp_reply({data, size});
  return 0;
}
