// Any bytes as a record batch: as they are, and with their length and checksum made right, so that what is
// behind the checksum is read too. Nothing outside them is read, and whatever passes is read as it was
// checked.
#include <cstddef>
#include <cstdint>
#include <string>

#include "plimsoll/base/check.h"
#include "plimsoll/commitlog/internal/wire_bytes.h"
#include "plimsoll/commitlog/record_batch.h"

namespace plimsoll {
namespace {

void check(std::string& bytes) {
  const BatchCheck checked = check_batch(bytes, {.require_keys = bytes.size() % 2 == 0});
  if (checked.header.codec() == 0 && bytes.size() >= BatchHeader::kSize) {
    // Also what was refused: a reader of the log may meet it.
    std::int32_t count = 0;
    RecordReader reader(bytes, checked.header);
    while (reader.next()) ++count;
    if (checked.error == LogError::kNone)
      PLIMSOLL_CHECK(!reader.malformed() && count == checked.header.count);
  }
  if (checked.error != LogError::kNone) return;
  // What a client says of its offset means nothing: the log gives it one.
  set_base_offset(bytes, 42);
  PLIMSOLL_CHECK(read_batch_header(bytes)->plausible(bytes.size()));
  set_leader_epoch(bytes, 1);
  PLIMSOLL_CHECK(check_batch(bytes, {}).error == LogError::kNone);
  set_append_time(bytes, 77);
  const BatchCheck again = check_batch(bytes, {});
  PLIMSOLL_CHECK(again.error == LogError::kNone && again.header.max_timestamp == 77);
}

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  std::string sealed = bytes;
  plimsoll::check(bytes);
  if (sealed.size() >= plimsoll::BatchHeader::kSize) {
    plimsoll::store_big(sealed.data() + 8,
                        static_cast<std::int32_t>(sealed.size() - plimsoll::BatchHeader::kPrefix));
    sealed[16] = 2;
    plimsoll::store_big(sealed.data() + 17, plimsoll::batch_crc(sealed));
    plimsoll::check(sealed);
  }
  return 0;
}
