// JsonWriter: writes one JSON document front to back into a string.
//
// What it writes is always valid: strings are escaped, bytes that are not UTF-8 become U+FFFD, and numbers
// that JSON has no word for become null. Invariant: the text so far is the beginning of a valid document.
//
//   JsonWriter json;
//   json.begin_object().field("line", line).begin_array("accounts");
//   for (const Account* account : accounts) json.begin_object().field("name", account->name()).end();
//   std::string document = json.end().end().take();
//
// Thread-safety: one thread. Cost: an append a call, and the string. Limits: depth only by memory.
// Errors: calls that would make no document (a value without a key in an object, a key in an array, an end
// too many or too few) abort. Ownership: copies all it is given.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/bytes.h"

namespace plimsoll {

class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& begin_array();
  JsonWriter& end();  // of the innermost object or array
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  JsonWriter& value(std::nullptr_t);
  JsonWriter& value(Bytes bytes) { return raw(std::to_string(bytes.count())); }
  template <std::integral Integer>
  JsonWriter& value(Integer number) {
    if constexpr (std::same_as<Integer, bool>)
      return raw(number ? "true" : "false");
    else
      return raw(std::to_string(number));
  }

  template <typename Value>
  JsonWriter& field(std::string_view name, const Value& v) {
    return key(name).value(v);
  }
  JsonWriter& begin_object(std::string_view name) { return key(name).begin_object(); }
  JsonWriter& begin_array(std::string_view name) { return key(name).begin_array(); }

  // The document. REQUIRES: all that was begun is ended, and something was written.
  std::string take();

 private:
  enum class Place : char { kObject, kArray };

  JsonWriter& raw(std::string_view text);
  JsonWriter& begin(Place place, char bracket);
  void before_value();
  void append_string(std::string_view text);

  std::string text_;
  std::vector<Place> open_;
  bool first_ = true;  // nothing yet in the innermost object or array
  bool after_key_ = false;
};

}  // namespace plimsoll
