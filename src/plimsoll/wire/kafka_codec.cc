#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll::kafka {
namespace {

constexpr char kHeaderEndsEarly[] = "the message ends within its header";

}  // namespace

Result<RequestHeader> decode_header(std::string_view& frame) {
  Reader reader(frame, 0, false);
  RequestHeader header;
  reader.structure(header);
  const Api* api = find_api(header.key);
  if (api != nullptr && api->describes(header.version) && api->flexible(header.version)) reader.skip_tags();
  if (reader.failed()) return fail(ErrorCode::kInvalid, kHeaderEndsEarly);
  frame = reader.rest();
  return header;
}

Result<std::int32_t> decode_response_header(std::string_view& frame, const Api& api, std::int16_t version) {
  Reader reader(frame, version, false);
  std::int32_t correlation_id = 0;
  reader(correlation_id);
  if (api.flexible_response_header(version)) reader.skip_tags();
  if (reader.failed()) return fail(ErrorCode::kInvalid, kHeaderEndsEarly);
  frame = reader.rest();
  return correlation_id;
}

}  // namespace plimsoll::kafka
