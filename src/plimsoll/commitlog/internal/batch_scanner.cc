#include "plimsoll/commitlog/internal/batch_scanner.h"

#include <memory>

#include "plimsoll/base/crc32c.h"
#include "plimsoll/commitlog/internal/record_fronts.h"

namespace plimsoll {
namespace {

constexpr std::size_t kFront = 32;  // length, attributes, both deltas: three varints and a byte

// From behind a record's length.
bool take_time(std::string_view front, std::int64_t base, std::int64_t& at) {
  front.remove_prefix(1);
  const std::optional<std::int64_t> delta = take_varint(front);
  return delta && !__builtin_add_overflow(base, *delta, &at);
}

}  // namespace

std::span<const char> BatchScanner::view(std::uint64_t position, std::size_t wanted) {
  wanted = std::min({wanted, kBuffer, static_cast<std::size_t>(end_ - std::min(position, end_))});
  const bool inside =
      position >= buffer_position_ && position + wanted <= buffer_position_ + buffer_size_ && wanted != 0;
  if (!inside) {
    const std::size_t size =
        std::min<std::uint64_t>(std::max(wanted, chunk_), end_ - std::min(position, end_));
    buffer_size_ = 0;
    buffer_position_ = position;
    Result<std::size_t> got = file_.read_at(position, {buffer_.data(), size});
    if (!got) failed_ = true;
    if (!got) return {};
    buffer_size_ = *got;
  }
  const auto offset = static_cast<std::size_t>(position - buffer_position_);
  return {buffer_.data() + offset, std::min(wanted, buffer_size_ - offset)};
}

bool BatchScanner::checksum_matches() {
  std::uint32_t crc = 0;
  for (std::uint64_t at = position_ + BatchHeader::kChecked; at < next_position_;) {
    const std::span<const char> part = view(at, static_cast<std::size_t>(next_position_ - at));
    if (part.empty()) return false;
    crc = crc32c(crc, part.data(), part.size());
    at += part.size();
  }
  return crc == header_.crc;
}

BatchScanner::Status BatchScanner::next(bool verify) {
  position_ = next_position_;
  if (position_ >= end_) return Status::kEnd;
  const std::optional<BatchHeader> header = read_batch_header(view(position_, BatchHeader::kSize));
  if (failed_) return Status::kFailed;
  if (!header || !header->plausible(end_ - position_)) return Status::kBad;
  if (next_offset_ >= 0 && header->base_offset != next_offset_) return Status::kBad;
  header_ = *header;
  next_position_ = position_ + header_.size();
  if (verify && !checksum_matches()) {
    next_position_ = position_;
    return failed_ ? Status::kFailed : Status::kBad;
  }
  next_offset_ = header_.last_offset() + 1;
  return Status::kBatch;
}

bool BatchScanner::find_time(std::int64_t timestamp, std::int64_t from, std::int64_t& offset,
                             std::int64_t& at) {
  if (header_.append_time()) {
    offset = std::max(header_.base_offset, from);
    at = header_.max_timestamp;
    return at >= timestamp;
  }
  return header_.codec() == 0 ? find_plain_time(timestamp, from, offset, at)
                              : find_compressed_time(timestamp, from, offset, at);
}

bool BatchScanner::find_plain_time(std::int64_t timestamp, std::int64_t from, std::int64_t& offset,
                                   std::int64_t& at) {
  std::uint64_t position = position_ + BatchHeader::kSize;
  for (std::int32_t i = 0; i < header_.count && position < next_position_; ++i) {
    const std::span<const char> bytes = view(position, kFront);
    std::string_view front(bytes.data(), bytes.size());
    const std::optional<std::int64_t> length = take_varint(front);
    if (!length || *length <= 0 || front.empty()) return false;
    position += bytes.size() - front.size() + static_cast<std::uint64_t>(*length);
    if (!take_time(front, header_.base_timestamp, at)) return false;
    offset = header_.base_offset + i;
    if (offset >= from && at >= timestamp) return true;
  }
  return false;
}

bool BatchScanner::find_compressed_time(std::int64_t timestamp, std::int64_t from, std::int64_t& offset,
                                        std::int64_t& at) {
  const FileRange records{position_ + BatchHeader::kSize, header_.size() - BatchHeader::kSize};
  const std::unique_ptr<Decompressor> pieces =
      Decompressor::of(header_.codec(), {.file = &file_, .range = records, .held = {}});
  if (!pieces) return false;
  RecordFronts fronts(*pieces);
  for (std::int32_t i = 0; i < header_.count; ++i) {
    const std::optional<std::string_view> front = fronts.next();
    if (!front || !take_time(*front, header_.base_timestamp, at)) return false;
    offset = header_.base_offset + i;
    if (offset >= from && at >= timestamp) return true;
  }
  return false;
}

}  // namespace plimsoll
