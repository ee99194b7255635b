#include "plimsoll/commitlog/record_batch.h"

#include <algorithm>
#include <limits>

#include "plimsoll/base/check.h"
#include "plimsoll/base/crc32c.h"
#include "plimsoll/commitlog/internal/wire_bytes.h"

namespace plimsoll {
namespace {

constexpr unsigned kLastCodec = static_cast<unsigned>(BatchCodec::kZstd);
constexpr std::int32_t kMinimumLength = static_cast<std::int32_t>(BatchHeader::kSize - BatchHeader::kPrefix);

// A length of 32 bits and as many bytes; -1 is null where it may be. False: malformed.
bool take_bytes(std::string_view& in, std::optional<std::string_view>& out) {
  const std::optional<std::int64_t> size = take_varint(in);
  if (!size || *size < -1 || *size > static_cast<std::int64_t>(in.size())) return false;
  if (*size == -1) {
    out.reset();
    return true;
  }
  out = in.substr(0, static_cast<std::size_t>(*size));
  in.remove_prefix(out->size());
  return true;
}

bool take_headers(std::string_view in, std::int32_t count) {
  std::optional<std::string_view> text;
  for (std::int32_t i = 0; i < count; ++i) {
    if (!take_bytes(in, text) || !text) return false;
    if (!take_bytes(in, text)) return false;
  }
  return in.empty();
}

LogError check_frame(std::span<const char> batch, const BatchHeader& header, const BatchLimits& limits) {
  if (header.length < kMinimumLength || header.size() > batch.size()) return LogError::kCorrupt;
  if (header.size() < batch.size()) return LogError::kInvalidRecord;  // one batch a partition
  if (batch.size() > limits.max_bytes) return LogError::kTooLarge;
  if (batch_crc(batch) != header.crc) return LogError::kCorrupt;
  return LogError::kNone;
}

LogError check_fields(const BatchHeader& header, const BatchLimits& limits) {
  if (header.count <= 0 || header.last_offset_delta != header.count - 1) return LogError::kInvalidRecord;
  if (header.control() && !limits.allow_control) return LogError::kInvalidRecord;
  if (header.codec() > kLastCodec) return LogError::kUnsupportedCodec;
  if (header.producer_id >= 0 && (header.base_sequence < 0 || header.producer_epoch < 0)) {
    return LogError::kInvalidRecord;
  }
  return LogError::kNone;
}

// Malformed records would be stored and sent to every reader, so they are found here; what is compressed is
// its readers' to find.
void check_records(std::span<const char> batch, bool require_keys, BatchCheck& check) {
  RecordReader reader(batch, check.header);
  while (reader.next()) {
    if (require_keys && !reader.record().key) {
      check.error = LogError::kInvalidRecord;
      check.record_index = reader.index();
      return;
    }
  }
  if (reader.malformed()) {
    check.error = LogError::kInvalidRecord;
    check.record_index = reader.index();
  }
}

}  // namespace

std::optional<std::int64_t> take_varint(std::string_view& in) {
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 10 && i < in.size(); ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    bits |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80) == 0) {
      in.remove_prefix(i + 1);
      return static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
    }
  }
  return std::nullopt;
}

bool BatchHeader::plausible(std::uint64_t most) const {
  return magic == 2 && base_offset >= 0 && length >= kMinimumLength && size() <= most && count >= 0 &&
         last_offset_delta >= 0 &&
         base_offset <= std::numeric_limits<std::int64_t>::max() - last_offset_delta;
}

std::optional<BatchHeader> read_batch_header(std::span<const char> bytes) {
  if (bytes.size() < BatchHeader::kSize) return std::nullopt;
  const char* at = bytes.data();
  return BatchHeader{
      .base_offset = load_big<std::int64_t>(at),
      .length = load_big<std::int32_t>(at + 8),
      .leader_epoch = load_big<std::int32_t>(at + 12),
      .magic = static_cast<std::int8_t>(at[16]),
      .crc = load_big<std::uint32_t>(at + 17),
      .attributes = load_big<std::uint16_t>(at + 21),
      .last_offset_delta = load_big<std::int32_t>(at + 23),
      .base_timestamp = load_big<std::int64_t>(at + 27),
      .max_timestamp = load_big<std::int64_t>(at + 35),
      .producer_id = load_big<std::int64_t>(at + 43),
      .producer_epoch = load_big<std::int16_t>(at + 51),
      .base_sequence = load_big<std::int32_t>(at + 53),
      .count = load_big<std::int32_t>(at + 57),
  };
}

std::uint32_t batch_crc(std::span<const char> batch) {
  PLIMSOLL_CHECK(batch.size() >= BatchHeader::kChecked);
  return crc32c(0, batch.data() + BatchHeader::kChecked, batch.size() - BatchHeader::kChecked);
}

BatchCheck check_batch(std::span<const char> batch, const BatchLimits& limits) {
  BatchCheck check;
  // Older formats have their version in the same place, and may be shorter.
  constexpr std::size_t kMagic = 16;
  if (batch.size() <= kMagic) {
    check.error = LogError::kCorrupt;
    return check;
  }
  if (batch[kMagic] != 2) {
    check.error = LogError::kUnsupportedFormat;
    return check;
  }
  const std::optional<BatchHeader> header = read_batch_header(batch);
  if (!header) {
    check.error = LogError::kCorrupt;
    return check;
  }
  check.header = *header;
  check.error = check_frame(batch, *header, limits);
  if (check.error == LogError::kNone) check.error = check_fields(*header, limits);
  if (check.error == LogError::kNone && header->codec() == 0)
    check_records(batch, limits.require_keys, check);
  return check;
}

void set_base_offset(std::span<char> batch, std::int64_t offset) {
  PLIMSOLL_CHECK(batch.size() >= BatchHeader::kSize);
  store_big(batch.data(), offset);
}

void set_leader_epoch(std::span<char> batch, std::int32_t epoch) {
  PLIMSOLL_CHECK(batch.size() >= BatchHeader::kSize);
  store_big(batch.data() + 12, epoch);
}

void set_append_time(std::span<char> batch, std::int64_t ms) {
  PLIMSOLL_CHECK(batch.size() >= BatchHeader::kSize);
  const auto attributes = load_big<std::uint16_t>(batch.data() + 21);
  store_big(batch.data() + 21, static_cast<std::uint16_t>(attributes | BatchHeader::kAppendTime));
  store_big(batch.data() + 35, ms);
  store_big(batch.data() + 17, batch_crc(batch));
}

RecordReader::RecordReader(std::span<const char> batch, const BatchHeader& header) : header_(header) {
  PLIMSOLL_CHECK(header.codec() == 0);
  rest_ = std::string_view(batch.data(), batch.size());
  rest_.remove_prefix(std::min(rest_.size(), BatchHeader::kSize));
}

bool RecordReader::next() {
  if (malformed_) return false;
  if (index_ + 1 >= header_.count) {
    malformed_ = !rest_.empty();
    return false;
  }
  ++index_;
  std::optional<std::string_view> body;
  malformed_ = !take_bytes(rest_, body) || !body || !read_record(*body);
  return !malformed_;
}

bool RecordReader::read_record(std::string_view body) {
  if (body.empty()) return false;
  body.remove_prefix(1);  // attributes, of which none is in use
  const std::optional<std::int64_t> timestamp = take_varint(body);
  const std::optional<std::int64_t> offset = take_varint(body);
  if (!timestamp || !offset || *offset != index_) return false;
  if (!take_bytes(body, record_.key) || !take_bytes(body, record_.value)) return false;
  const std::optional<std::int64_t> headers = take_varint(body);
  if (!headers || *headers < 0 || *headers > static_cast<std::int64_t>(body.size())) return false;
  record_.headers = static_cast<std::int32_t>(*headers);
  record_.header_bytes = body;
  if (!take_headers(body, record_.headers)) return false;
  if (__builtin_add_overflow(header_.base_offset, *offset, &record_.offset)) return false;
  if (header_.append_time()) {
    record_.timestamp = header_.max_timestamp;
    return true;
  }
  return !__builtin_add_overflow(header_.base_timestamp, *timestamp, &record_.timestamp);
}

}  // namespace plimsoll
