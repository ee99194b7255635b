#include "plimsoll/commitlog/internal/record_fronts.h"

#include <algorithm>
#include <utility>

namespace plimsoll {
namespace {

constexpr std::size_t kWindow = std::size_t{32} << 10;

// From behind a record's length: attributes, both deltas, and a length of the key that is -1 for none.
// Nothing when it is malformed.
std::optional<bool> has_key(std::string_view front, std::int32_t index) {
  front.remove_prefix(1);
  const std::optional<std::int64_t> time = take_varint(front);
  const std::optional<std::int64_t> offset = take_varint(front);
  const std::optional<std::int64_t> size = take_varint(front);
  if (!time || !offset || *offset != index || !size || *size < -1) return std::nullopt;
  return *size >= 0;
}

}  // namespace

// False when the bytes end or cannot be unfolded.
bool RecordFronts::refill() {
  if (rest_.empty()) {
    const std::optional<std::string_view> piece = pieces_.next();
    if (piece) unfolded_ += Bytes(piece->size());
    if (!piece || unfolded_ > kMostUnfolded) state_ = State::kNotUnfolded;
    ended_ = state_ != State::kGood || piece->empty();
    if (ended_) return false;
    rest_ = *piece;
  }
  const std::uint64_t passed = std::min<std::uint64_t>(skip_, rest_.size());
  rest_.remove_prefix(passed);
  skip_ -= passed;
  window_.erase(0, std::exchange(at_, 0));
  const std::string_view part = rest_.substr(0, kWindow - std::min(kWindow, window_.size()));
  window_ += part;
  rest_.remove_prefix(part.size());
  return true;
}

std::optional<std::string_view> RecordFronts::next() {
  if (state_ != State::kGood) return std::nullopt;
  while (!ended_ && (skip_ > 0 || window_.size() - at_ < kFront)) {
    if (!refill()) break;
  }
  if (state_ != State::kGood) return std::nullopt;
  const std::string_view seen = std::string_view(window_).substr(at_, kFront);
  std::string_view front = seen;
  state_ = seen.empty() && skip_ == 0 ? State::kEnd : State::kMalformed;
  const std::optional<std::int64_t> length = take_varint(front);
  if (!length || *length <= 0 || front.empty()) return std::nullopt;
  state_ = State::kGood;
  const std::uint64_t whole = seen.size() - front.size() + static_cast<std::uint64_t>(*length);
  const std::uint64_t inside = std::min<std::uint64_t>(whole, window_.size() - at_);
  at_ += inside;
  skip_ = whole - inside;
  return front.substr(0, static_cast<std::size_t>(*length));
}

BatchCheck check_compressed_keys(std::span<const char> batch, const BatchHeader& header, Bytes memory) {
  BatchCheck check{.error = LogError::kInvalidRecord, .header = header};
  const std::string_view records = std::string_view(batch.data(), batch.size()).substr(BatchHeader::kSize);
  const std::unique_ptr<Decompressor> pieces =
      Decompressor::of(header.codec(), {.file = nullptr, .range = {}, .held = records}, memory);
  if (!pieces) {
    check.error = LogError::kNoMemory;
    return check;
  }
  RecordFronts fronts(*pieces);
  std::int32_t index = 0;
  while (const std::optional<std::string_view> front = fronts.next()) {
    if (index == header.count || !has_key(*front, index).value_or(false)) break;
    ++index;
  }
  if (fronts.state() == RecordFronts::State::kEnd && index == header.count) {
    check.error = LogError::kNone;
  } else if (fronts.state() == RecordFronts::State::kNotUnfolded && pieces->too_large()) {
    check.error = LogError::kUnsupportedCodec;
  } else {
    check.record_index = std::min(index, header.count - 1);
  }
  return check;
}

}  // namespace plimsoll
