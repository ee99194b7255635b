#include "plimsoll/wire/resp_reply.h"

#include <algorithm>
#include <cstring>

#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 32;

}  // namespace

std::size_t RespReplyScanner::feed(std::span<const char> bytes) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* at = begin;
  if (complete() && at != end) {
    values_left_ = 1;
    top_level_ = true;
    this->begin(*at++);
    type_ = current_;
    number_ = 0;
  }
  while (at != end && !complete() && !failed()) at = step(at, end);
  return static_cast<std::size_t>(at - begin);
}

const char* RespReplyScanner::step(const char* at, const char* end) {
  switch (phase_) {
    case Phase::kType:
      begin(*at);
      return at + 1;
    case Phase::kText: {
      const void* found = std::memchr(at, '\r', static_cast<std::size_t>(end - at));
      if (found == nullptr) return end;
      phase_ = Phase::kLineFeed;
      return static_cast<const char*>(found) + 1;
    }
    case Phase::kNumber:
      return read_number(at, end);
    case Phase::kNumberEnd:
      expect(*at, '\n', Phase::kNumber);
      if (!failed()) number_read();
      return at + 1;
    case Phase::kPayload: {
      const std::uint64_t taken = std::min(payload_left_, static_cast<std::uint64_t>(end - at));
      payload_left_ -= taken;
      if (payload_left_ == 0) phase_ = Phase::kCarriageReturn;
      return at + taken;
    }
    case Phase::kCarriageReturn:
      expect(*at, '\r', Phase::kLineFeed);
      return at + 1;
    case Phase::kLineFeed:
      expect(*at, '\n', Phase::kLineFeed);
      if (!failed()) value_done();
      return at + 1;
    case Phase::kComplete:
    case Phase::kFailed:
      break;
  }
  return end;
}

void RespReplyScanner::begin(char type) {
  current_ = type;
  digits_ = 0;
  const bool text = type == '+' || type == '-';
  const bool number = type == ':' || type == '$' || type == '*';
  phase_ = text ? Phase::kText : number ? Phase::kNumber : Phase::kFailed;
}

const char* RespReplyScanner::read_number(const char* at, const char* end) {
  for (; at != end; ++at) {
    if (*at == '\r') {
      phase_ = Phase::kNumberEnd;
      return at + 1;
    }
    if (digits_ == text_.size()) {
      phase_ = Phase::kFailed;
      return at;
    }
    text_[digits_++] = *at;
  }
  return at;
}

void RespReplyScanner::number_read() {
  const std::optional<std::int64_t> number = parse_redis_int64({text_.data(), digits_});
  const bool size = current_ != ':';
  if (!number || (size && (*number < -1 || *number > kMost))) {
    phase_ = Phase::kFailed;
    return;
  }
  if (top_level_) number_ = *number;
  if (current_ == '$' && *number >= 0) {
    payload_left_ = static_cast<std::uint64_t>(*number);
    phase_ = payload_left_ == 0 ? Phase::kCarriageReturn : Phase::kPayload;
    return;
  }
  if (current_ == '*' && *number > 0) values_left_ += static_cast<std::uint64_t>(*number);
  if (values_left_ > static_cast<std::uint64_t>(kMost)) {
    phase_ = Phase::kFailed;
    return;
  }
  value_done();
}

void RespReplyScanner::expect(char got, char wanted, Phase then) {
  phase_ = got == wanted ? then : Phase::kFailed;
}

void RespReplyScanner::value_done() {
  --values_left_;
  top_level_ = false;
  phase_ = values_left_ == 0 ? Phase::kComplete : Phase::kType;
}

std::optional<RespValue> take_resp_value(std::string_view& bytes) {
  RespReplyScanner scanner;
  const std::size_t size = scanner.feed(bytes);
  if (size == 0 || !scanner.complete()) return std::nullopt;
  std::string_view content = bytes.substr(1, size - 1);
  bytes.remove_prefix(size);

  RespValue value{.type = scanner.type(), .number = scanner.number()};
  if (value.type == RespType::kSimple || value.type == RespType::kError) {
    content.remove_suffix(2);
    value.text = content;
    return value;
  }
  value.null = value.number < 0 && value.type != RespType::kInteger;
  if (value.type == RespType::kInteger || value.null) return value;
  content.remove_prefix(content.find('\n') + 1);
  if (value.type == RespType::kBulk) content.remove_suffix(2);
  value.text = content;
  return value;
}

}  // namespace plimsoll
