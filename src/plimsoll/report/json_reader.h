// JsonValue: a JSON document (RFC 8259) as a tree of values that can be asked for what may not be there.
//
// Why: the command line shows what a server answers in JSON, and a server of another version may leave a
// field away or have it otherwise. So asking never fails: what is not there is null, and null is empty, 0 and
// false.
//
//   Result<JsonValue> status = JsonValue::parse(page);
//   if (!status) return tl::unexpected(status.error());
//   double line = (*status)["memory"]["line_bytes"].number();
//   for (const JsonValue& account : (*status)["accounts"].items()) show(account["name"].text());
//
// Thread-safety: values. Cost: about 100 bytes a value, and the strings. Limits: 32 levels deep, 100,000
// values; numbers are doubles. Errors: kInvalid (no JSON, and why), kOutOfRange (a limit).
// Ownership: copies what it keeps; what operator[] and items() answer lives as long as the document.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/result.h"

namespace plimsoll {

class JsonValue {
 public:
  static constexpr std::size_t kDeepest = 32;
  static constexpr std::size_t kMostValues = 100'000;

  enum class Kind : std::uint8_t { kNull, kTruth, kNumber, kText, kArray, kObject };

  static Result<JsonValue> parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool null() const { return kind_ == Kind::kNull; }
  bool truth() const { return kind_ == Kind::kTruth && number_ != 0; }
  double number() const { return kind_ == Kind::kNumber ? number_ : 0; }
  // Of a count or a size: 0 for what is negative or no number, the largest for what is too large.
  std::uint64_t count() const;
  std::string_view text() const { return text_; }
  // Of an array in its order, of an object in the order of its names.
  std::span<const JsonValue> items() const { return items_; }
  std::span<const std::string> names() const { return names_; }
  // A member of an object, the last of that name.
  const JsonValue& operator[](std::string_view name) const;

 private:
  friend class JsonParser;

  Kind kind_ = Kind::kNull;
  double number_ = 0;
  std::string text_;
  std::vector<JsonValue> items_;
  std::vector<std::string> names_;  // of an object's items
};

}  // namespace plimsoll
