// Whatever the bytes are, the reader says yes or no, and what it accepts can be walked to its end.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plimsoll/base/check.h"
#include "plimsoll/report/json_reader.h"

namespace {

std::size_t walk(const plimsoll::JsonValue& value, std::size_t depth) {
  PLIMSOLL_CHECK(depth < plimsoll::JsonValue::kDeepest, "a document deeper than the limit");
  const bool object = value.kind() == plimsoll::JsonValue::Kind::kObject;
  PLIMSOLL_CHECK(value.names().size() == (object ? value.items().size() : 0), "names without their values");
  std::size_t values = 1;
  for (const plimsoll::JsonValue& item : value.items()) values += walk(item, depth + 1);
  for (const std::string& name : value.names()) static_cast<void>(value[name].count());
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const plimsoll::Result<plimsoll::JsonValue> value = plimsoll::JsonValue::parse(text);
  if (value)
    PLIMSOLL_CHECK(walk(*value, 0) <= plimsoll::JsonValue::kMostValues, "more values than the limit");
  return 0;
}
