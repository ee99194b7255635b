#include "plimsoll/report/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

// The length of the well-formed UTF-8 sequence at the beginning of `text`, or 0 (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
  auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto follows = [&at](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  unsigned first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    bool overlong = first == 0xE0 && second < 0xA0;
    bool surrogate = first == 0xED && second > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    bool overlong = first == 0xF0 && second < 0x90;
    bool too_large = first == 0xF4 && second > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  auto code = static_cast<unsigned char>(c);
  if (code >= 0x20 && code != 0x7F) {
    out += c;
    return;
  }
  out += "\\u00";
  out += kHex[code >> 4];
  out += kHex[code & 15];
}

}  // namespace

JsonWriter& JsonWriter::begin_object() { return begin(Place::kObject, '{'); }
JsonWriter& JsonWriter::begin_array() { return begin(Place::kArray, '['); }

JsonWriter& JsonWriter::begin(Place place, char bracket) {
  before_value();
  text_ += bracket;
  open_.push_back(place);
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end() {
  PLIMSOLL_CHECK(!open_.empty() && !after_key_, "nothing to end");
  text_ += open_.back() == Place::kObject ? '}' : ']';
  open_.pop_back();
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  PLIMSOLL_CHECK(!open_.empty() && open_.back() == Place::kObject && !after_key_, "a key outside an object");
  if (!first_) text_ += ',';
  append_string(name);
  text_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  before_value();
  append_string(text);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return value(nullptr);
  std::array<char, 32> buffer{};
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  PLIMSOLL_CHECK(error == std::errc());
  return raw({buffer.data(), end});
}

JsonWriter& JsonWriter::value(std::nullptr_t) { return raw("null"); }

std::string JsonWriter::take() {
  PLIMSOLL_CHECK(open_.empty() && !text_.empty(), "%zu objects and arrays are open", open_.size());
  first_ = true;
  return std::exchange(text_, {});
}

JsonWriter& JsonWriter::raw(std::string_view text) {
  before_value();
  text_ += text;
  return *this;
}

void JsonWriter::before_value() {
  if (open_.empty()) {
    PLIMSOLL_CHECK(text_.empty(), "a second document");
  } else if (open_.back() == Place::kObject) {
    PLIMSOLL_CHECK(after_key_, "a value without a key");
  } else if (!first_) {
    text_ += ',';
  }
  after_key_ = false;
  first_ = false;
}

void JsonWriter::append_string(std::string_view text) {
  text_ += '"';
  while (!text.empty()) {
    std::size_t length = utf8_length(text);
    if (length == 0)
      text_ += "\xEF\xBF\xBD";  // U+FFFD
    else if (length == 1)
      append_escaped(text_, text[0]);
    else
      text_ += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  text_ += '"';
}

}  // namespace plimsoll
