#include "plimsoll/commitlog/batch_builder.h"

#include <algorithm>
#include <cstring>

#include "plimsoll/commitlog/internal/wire_bytes.h"

namespace plimsoll {
namespace {

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::size_t varint_size(std::int64_t value) {
  std::size_t size = 1;
  for (std::uint64_t bits = zigzag(value); bits >= 0x80; bits >>= 7) ++size;
  return size;
}

// Counts when it has no place to write to, so that sizes and bytes cannot differ.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}

  void byte(char value) {
    if (at_ != nullptr) at_[size_] = value;
    ++size_;
  }
  void varint(std::int64_t value) {
    std::uint64_t bits = zigzag(value);
    for (; bits >= 0x80; bits >>= 7) byte(static_cast<char>(bits | 0x80));
    byte(static_cast<char>(bits));
  }
  void bytes(std::optional<std::string_view> value) {
    varint(value ? static_cast<std::int64_t>(value->size()) : -1);
    if (!value || value->empty()) return;
    if (at_ != nullptr) std::memcpy(at_ + size_, value->data(), value->size());
    size_ += value->size();
  }
  std::size_t size() const { return size_; }

 private:
  char* const at_;
  std::size_t size_ = 0;
};

void write_body(Writer& out, const NewRecord& record, std::int64_t timestamp_delta, std::int32_t index) {
  out.byte(0);
  out.varint(timestamp_delta);
  out.varint(index);
  out.bytes(record.key);
  out.bytes(record.value);
  out.varint(static_cast<std::int64_t>(record.headers.size()));
  for (const RecordHeader& header : record.headers) {
    out.bytes(header.name);
    out.bytes(header.value);
  }
}

}  // namespace

bool BatchBuilder::add(const NewRecord& record) {
  const std::int64_t base = count_ == 0 ? record.timestamp : base_timestamp_;
  Writer counting(nullptr);
  write_body(counting, record, record.timestamp - base, count_);
  const auto body = static_cast<std::int64_t>(counting.size());
  const std::size_t size = counting.size() + varint_size(body);
  if (into_.size() < size_ || into_.size() - size_ < size) return false;
  Writer out(into_.data() + size_);
  out.varint(body);
  write_body(out, record, record.timestamp - base, count_);
  size_ += size;
  max_timestamp_ = count_ == 0 ? record.timestamp : std::max(max_timestamp_, record.timestamp);
  base_timestamp_ = base;
  ++count_;
  return true;
}

std::span<char> BatchBuilder::finish(const Producer& producer) {
  PLIMSOLL_CHECK(into_.size() >= BatchHeader::kSize);
  char* at = into_.data();
  store_big(at, producer.base_offset);
  store_big(at + 8, static_cast<std::int32_t>(size_ - BatchHeader::kPrefix));
  store_big(at + 12, std::int32_t{0});
  at[16] = 2;
  store_big(at + 21, std::uint16_t{0});
  store_big(at + 23, count_ - 1);
  store_big(at + 27, base_timestamp_);
  store_big(at + 35, max_timestamp_);
  store_big(at + 43, producer.id);
  store_big(at + 51, producer.epoch);
  store_big(at + 53, producer.base_sequence);
  store_big(at + 57, count_);
  const std::span<char> batch = into_.first(size_);
  store_big(at + 17, batch_crc(batch));
  return batch;
}

}  // namespace plimsoll
