#include "plimsoll/wire/internal/kafka_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::kafka::detail::fuzz_kafka_response({data, size});
  return 0;
}
