#include "plimsoll/report/json_reader.h"

#include <charconv>
#include <limits>

namespace plimsoll {

// One run over the text. A fault is kept and ends everything, so that each step only says whether to go on.
class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  Result<JsonValue> document() {
    JsonValue root;
    if (value(root, 0)) {
      skip_space();
      if (at_ == text_.size()) return root;
      wrong("no JSON: more after the end");
    }
    return fail(code_, what_);
  }

 private:
  bool wrong(const char* what, ErrorCode code = ErrorCode::kInvalid) {
    what_ = what;
    code_ = code;
    return false;
  }
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char wanted) {
    if (here() != wanted) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  bool value(JsonValue& to, std::size_t depth) {
    if (depth == JsonValue::kDeepest) return wrong("no JSON: nested too deep", ErrorCode::kOutOfRange);
    if (++values_ > JsonValue::kMostValues) return wrong("no JSON: too many values", ErrorCode::kOutOfRange);
    skip_space();
    switch (here()) {
      case '{':
        return object(to, depth);
      case '[':
        return array(to, depth);
      case '"':
        to.kind_ = JsonValue::Kind::kText;
        return string(to.text_);
      case 't':
        to.number_ = 1;
        to.kind_ = JsonValue::Kind::kTruth;
        return word("true");
      case 'f':
        to.kind_ = JsonValue::Kind::kTruth;
        return word("false");
      case 'n':
        return word("null");
      default:
        return number(to);
    }
  }

  bool word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return wrong("no JSON: no value");
    at_ += wanted.size();
    return true;
  }

  bool number(JsonValue& to) {
    // from_chars also reads "inf" and "01"; JSON's numbers begin with a minus or a digit.
    const std::size_t digit = at_ + (here() == '-' ? 1 : 0);
    auto is_digit = [this](std::size_t at) {
      return at < text_.size() && text_[at] >= '0' && text_[at] <= '9';
    };
    if (!is_digit(digit) || (text_[digit] == '0' && is_digit(digit + 1))) return wrong("no JSON: no value");
    const auto read = std::from_chars(text_.data() + at_, text_.data() + text_.size(), to.number_);
    if (read.ec == std::errc::result_out_of_range)
      return wrong("no JSON: a number out of range", ErrorCode::kOutOfRange);
    if (read.ec != std::errc()) return wrong("no JSON: no number");
    to.kind_ = JsonValue::Kind::kNumber;
    at_ = static_cast<std::size_t>(read.ptr - text_.data());
    return true;
  }

  bool array(JsonValue& to, std::size_t depth) {
    to.kind_ = JsonValue::Kind::kArray;
    ++at_;
    skip_space();
    if (take(']')) return true;
    while (value(to.items_.emplace_back(), depth + 1)) {
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return wrong("no JSON: no , or ] in an array");
    }
    return false;
  }

  bool object(JsonValue& to, std::size_t depth) {
    to.kind_ = JsonValue::Kind::kObject;
    ++at_;
    skip_space();
    if (take('}')) return true;
    for (;;) {
      skip_space();
      if (here() != '"') return wrong("no JSON: no name in an object");
      if (!string(to.names_.emplace_back())) return false;
      skip_space();
      if (!take(':')) return wrong("no JSON: no : after a name");
      if (!value(to.items_.emplace_back(), depth + 1)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return wrong("no JSON: no , or } in an object");
    }
  }

  bool string(std::string& to) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return wrong("no JSON: a control character in a text");
      ++at_;
      if (c != '\\') {
        to += c;
      } else if (!escape(to)) {
        return false;
      }
    }
    return wrong("no JSON: a text without its end");
  }

  bool escape(std::string& to) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const char c = here();
    if (c == 'u') return unicode(to);
    const std::size_t which = at_ < text_.size() ? kLetters.find(c) : std::string_view::npos;
    if (which == std::string_view::npos) return wrong("no JSON: an unknown escape");
    to += kMeant[which];
    ++at_;
    return true;
  }

  bool unit(std::uint32_t& to) {
    const std::string_view digits = text_.substr(at_).substr(0, 5);
    if (digits.size() < 5 || digits[0] != 'u') return wrong("no JSON: no \\u with four digits");
    const auto read = std::from_chars(digits.data() + 1, digits.data() + 5, to, 16);
    if (read.ec != std::errc() || read.ptr != digits.data() + 5)
      return wrong("no JSON: no \\u with four digits");
    at_ += 5;
    return true;
  }

  // Halves of a pair that stand alone become U+FFFD, as they are no character.
  bool unicode(std::string& to) {
    std::uint32_t point = 0;
    if (!unit(point)) return false;
    if (point >= 0xd800 && point < 0xdc00 && here() == '\\' && text_.substr(at_ + 1).starts_with('u')) {
      std::uint32_t low = 0;
      ++at_;
      if (!unit(low)) return false;
      point = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
    }
    if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
    auto put = [&to](std::uint32_t byte) { to += static_cast<char>(byte); };
    if (point < 0x80) return put(point), true;
    if (point < 0x800) return put(0xc0 | point >> 6), put(0x80 | (point & 0x3f)), true;
    if (point < 0x10000) {
      put(0xe0 | point >> 12);
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3f));
    }
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
  const char* what_ = "";
  ErrorCode code_ = ErrorCode::kInvalid;
};

Result<JsonValue> JsonValue::parse(std::string_view text) { return JsonParser(text).document(); }

std::uint64_t JsonValue::count() const {
  const double value = number();
  if (!(value > 0)) return 0;
  // 2^64 is the smallest double that no count reaches.
  return value >= 18446744073709551616.0 ? std::numeric_limits<std::uint64_t>::max()
                                         : static_cast<std::uint64_t>(value);
}

const JsonValue& JsonValue::operator[](std::string_view name) const {
  static const JsonValue kNone;
  for (std::size_t i = names_.size(); i-- > 0;) {
    if (names_[i] == name) return items_[i];
  }
  return kNone;
}

}  // namespace plimsoll
