#include "plimsoll/wire/internal/inline_request.h"

namespace plimsoll::detail {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
// Vertical tab and form feed are blanks between words, but not within one.
bool ends_word(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads one word at a time; `emit` gets each character of it.
class Scanner {
 public:
  Scanner(std::string_view line, std::size_t at) : line_(line), at_(at) {}

  bool skip_blanks() {
    while (at_ < line_.size() && is_blank(line_[at_])) ++at_;
    return at_ < line_.size();
  }

  // False when the quotes are not balanced. REQUIRES: skip_blanks() found a word.
  template <typename Emit>
  bool word(Emit emit) {
    while (at_ < line_.size() && !ends_word(line_[at_])) {
      const char c = line_[at_++];
      if (c == '"' || c == '\'') return c == '"' ? double_quoted(emit) : single_quoted(emit);
      emit(c);
    }
    return true;
  }

  std::size_t at() const { return at_; }

 private:
  bool closed() const { return at_ == line_.size() || is_blank(line_[at_]); }

  template <typename Emit>
  bool double_quoted(Emit emit) {
    while (at_ < line_.size()) {
      char c = line_[at_++];
      if (c == '"') return closed();
      if (c == '\\' && at_ < line_.size()) {
        const int byte = hex_pair();
        if (byte >= 0) {
          c = static_cast<char>(byte);
          at_ += 3;
        } else {
          c = unescaped(line_[at_++]);
        }
      }
      emit(c);
    }
    return false;
  }

  template <typename Emit>
  bool single_quoted(Emit emit) {
    while (at_ < line_.size()) {
      char c = line_[at_++];
      if (c == '\'') return closed();
      if (c == '\\' && at_ < line_.size() && line_[at_] == '\'') c = line_[at_++];
      emit(c);
    }
    return false;
  }

  // The value of "xHH" at at_; negative when there is none.
  int hex_pair() const {
    if (line_.size() - at_ < 3 || line_[at_] != 'x') return -1;
    const int high = hex_value(line_[at_ + 1]);
    const int low = hex_value(line_[at_ + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }

  std::string_view line_;
  std::size_t at_;
};

}  // namespace

std::optional<std::size_t> count_inline_arguments(std::string_view line) {
  Scanner scanner(line, 0);
  std::size_t count = 0;
  for (; scanner.skip_blanks(); ++count) {
    if (!scanner.word([](char) {})) return std::nullopt;
  }
  return count;
}

std::string_view InlineReader::take() {
  Scanner scanner({line_.data(), line_.size()}, at_);
  scanner.skip_blanks();
  char* const begin = line_.data() + scanner.at();
  char* end = begin;
  scanner.word([&end](char c) { *end++ = c; });
  at_ = scanner.at();
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace plimsoll::detail
