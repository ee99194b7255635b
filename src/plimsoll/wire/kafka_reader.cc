#include "plimsoll/wire/kafka_reader.h"

namespace plimsoll::kafka {
namespace {

constexpr char kEndsEarly[] = "the message ends within a field";
constexpr char kNull[] = "the message has a null where its version allows none";
constexpr char kNegative[] = "the message has a negative length";
constexpr char kLongString[] = "the message has a string of more than 32767 bytes";
constexpr char kLongVarint[] = "the message has a varint of more than 32 bits";
constexpr char kTrailing[] = "the message has bytes after its end";

constexpr std::int64_t kLongestString = 32767;

}  // namespace

const char* Reader::finish() const { return wrong_ != nullptr || at_ == end_ ? wrong_ : kTrailing; }

bool Reader::has(std::size_t size) {
  if (size <= left()) return true;
  refuse(kEndsEarly);
  return false;
}

std::uint32_t Reader::varint() {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (!has(1)) return 0;
    const auto byte = static_cast<std::uint8_t>(*at_++);
    if (shift == 28 && byte > 0x0f) break;
    value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  refuse(kLongVarint);
  return 0;
}

std::int64_t Reader::checked_length(std::int64_t length, bool allow_null) {
  if (failed() || length >= 0) return length;
  if (length < -1) {
    refuse(kNegative);
  } else if (!allow_null) {
    refuse(kNull);
  }
  return -1;
}

// Whether there is one: `field` is it then.
bool Reader::text(std::string_view& field, bool allow_null) {
  const std::int64_t size = length<std::int16_t>(allow_null);
  if (failed() || size < 0) return false;
  if (size > kLongestString) {
    refuse(kLongString);
    return false;
  }
  if (!has(static_cast<std::size_t>(size))) return false;
  field = take(static_cast<std::size_t>(size));
  return true;
}

void Reader::read(NullableString& field, Versions versions) {
  std::string_view value;
  if (text(value, versions.allow_null(version_, true))) {
    field = value;
  } else {
    field.reset();
  }
}

void Reader::read(Records& field, Versions versions) {
  const std::int64_t size = length<std::int32_t>(versions.allow_null(version_, true));
  if (failed()) return;
  field = Records{.null = size < 0};
  if (size > 0 && has(static_cast<std::size_t>(size))) field.bytes = take(static_cast<std::size_t>(size));
}

void Reader::skip_tags() {
  for (std::uint32_t tags = varint(); tags > 0 && !failed(); --tags) {
    varint();  // which
    const std::uint32_t size = varint();
    if (has(size)) at_ += size;
  }
}

}  // namespace plimsoll::kafka
