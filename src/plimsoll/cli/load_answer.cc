#include "plimsoll/cli/load_answer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace plimsoll {

bool AnswerScanner::take_line(std::string_view& input) {
  if (line_done_) {
    line_.clear();
    line_done_ = false;
  }
  std::size_t end = input.find('\n');
  std::size_t taken = end == std::string_view::npos ? input.size() : end + 1;
  line_.append(input.substr(0, taken));
  input.remove_prefix(taken);
  if (line_.size() > kLongestLine) {
    part_ = Part::kBroken;
    return false;
  }
  if (end == std::string_view::npos) return false;
  line_done_ = true;
  if (line_.size() < 3 || line_[line_.size() - 2] != '\r') part_ = Part::kBroken;
  return part_ != Part::kBroken;
}

void AnswerScanner::element_ends(AnswerKind kind, std::uint64_t size) {
  if (outermost_) {
    whole_.kind = kind;
    whole_.size = size;
    outermost_ = false;
  }
  if (kind == AnswerKind::kArray) elements_ += size;
  --elements_;
}

void AnswerScanner::read_length(AnswerKind kind, const ExpectedValue& expected) {
  std::int64_t length = 0;
  const char* end = line_.data() + line_.size() - 2;
  auto [stop, error] = std::from_chars(line_.data() + 1, end, length);
  if (error != std::errc() || stop != end || length < -1) {
    part_ = Part::kBroken;
    return;
  }
  if (length == -1) return element_ends(AnswerKind::kNil, 0);
  auto size = static_cast<std::uint64_t>(length);
  if (kind == AnswerKind::kArray) return element_ends(kind, size);
  part_ = Part::kBulk;
  bulk_size_ = size;
  bulk_seen_ = 0;
  bool checked = outermost_ && expected.values != nullptr;
  alive_ = !checked ? 0 : ~std::uint32_t{0} >> (32 - std::clamp(expected.versions, 1U, 32U));
  whole_.right = !checked || size == expected.size;
  if (checked && !whole_.right) alive_ = 0;
}

void AnswerScanner::read_line(const ExpectedValue& expected) {
  switch (line_[0]) {
    case '+':
      return element_ends(AnswerKind::kStatus, 0);
    case '-':
      return element_ends(AnswerKind::kError, 0);
    case ':':
      return element_ends(AnswerKind::kInteger, 0);
    case '$':
      return read_length(AnswerKind::kBulk, expected);
    case '*':
      return read_length(AnswerKind::kArray, expected);
    default:
      part_ = Part::kBroken;
  }
}

void AnswerScanner::compare(std::string_view piece, const ExpectedValue& expected) {
  if (alive_ == 0) return;
  for (std::uint32_t version = 0; version < 32 && alive_ >> version != 0; ++version) {
    if ((alive_ >> version & 1) == 0) continue;
    std::string_view whole = expected.values->value(expected.key, version, expected.size);
    if (std::memcmp(whole.data() + bulk_seen_, piece.data(), piece.size()) != 0) alive_ &= ~(1U << version);
  }
  if (alive_ == 0) whole_.right = false;
}

AnswerScanner::State AnswerScanner::next(std::string_view& input, const ExpectedValue& expected,
                                         Answer& answer) {
  while (part_ != Part::kBroken) {
    if (elements_ == 0) {
      elements_ = 1;
      outermost_ = true;
      answer = whole_;
      answer.line = std::string_view(line_).substr(1, line_.size() - 3);
      whole_ = Answer();
      return State::kAnswer;
    }
    if (input.empty()) return State::kNeedMore;
    if (part_ == Part::kLine) {
      if (take_line(input)) read_line(expected);
      continue;
    }
    std::uint64_t whole_size = part_ == Part::kBulk ? bulk_size_ : 2;
    std::size_t taken = std::min<std::uint64_t>(whole_size - bulk_seen_, input.size());
    if (part_ == Part::kBulk) {
      compare(input.substr(0, taken), expected);
    } else if (input.substr(0, taken) != std::string_view("\r\n").substr(bulk_seen_, taken)) {
      part_ = Part::kBroken;
      break;
    }
    input.remove_prefix(taken);
    bulk_seen_ += taken;
    if (bulk_seen_ < whole_size) continue;
    bulk_seen_ = 0;
    if (part_ == Part::kBulkEnd) element_ends(AnswerKind::kBulk, bulk_size_);
    part_ = part_ == Part::kBulk ? Part::kBulkEnd : Part::kLine;
  }
  return State::kBroken;
}

}  // namespace plimsoll
