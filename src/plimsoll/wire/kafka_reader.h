// Reader: the visitor that reads a message's fields from bytes, in the order in which they are described.
//
// Nothing that a client wrote is believed: every length is held against the bytes that are left, a count
// against the least that so many elements take before any of them is looked at, and a null stands only where
// the version allows one. The first thing that is wrong ends the reading; fields after it keep their
// defaults. Arrays are walked here once, element by element, so that they can be walked later without asking
// again.
//
//   Reader reader(body, version, flexible);
//   reader.structure(request);
//   if (const char* wrong = reader.finish()) return refuse(wrong);
//
// decode() in kafka_codec.h is this with the versions looked up.
//
// Invariant: it never reads beyond the bytes it was given, and takes at most as many steps as there are
// bytes, for each level of nesting (which the types bound).
//
// Thread-safety: one thread. Cost: 1-3 ns a field. Limits: lengths to 2^31-1, strings to 32767. Errors: a
// static text from finish(); texts are not checked to be UTF-8. Ownership: what it reads points into the
// bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/kafka_array.h"
#include "plimsoll/wire/kafka_encoder.h"
#include "plimsoll/wire/kafka_types.h"

namespace plimsoll::kafka {

class Reader {
 public:
  Reader(std::string_view bytes, std::int16_t version, bool flexible)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(T& field, Versions versions = {}) {
    if (versions.have(version_)) read(field, versions);
  }

  template <Described T>
  void structure(T& value) {
    value.describe(*this);
    if (flexible_) skip_tags();
  }
  // An element of an array: a struct, or a field without versions.
  template <class T>
  void element(T& value) {
    if constexpr (Described<T>) {
      structure(value);
    } else {
      read(value, {});
    }
  }

  // Skips a section of tagged fields.
  void skip_tags();

  bool failed() const { return wrong_ != nullptr; }
  std::string_view rest() const { return {at_, left()}; }
  // Null if all was well and nothing is left, or what was wrong.
  const char* finish() const;
  // The same, whatever is left.
  const char* fault() const { return wrong_; }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  void refuse(const char* what) {
    if (wrong_ == nullptr) wrong_ = what;
    at_ = end_;  // so that nothing more is found
  }
  bool has(std::size_t size);
  std::string_view take(std::size_t size) {
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }

  std::uint32_t varint();
  // A length or count before what it counts; -1 for null, which is refused unless it is allowed. `plain` is
  // the integer that a version without varints has.
  template <class Plain>
  std::int64_t length(bool allow_null);
  std::int64_t checked_length(std::int64_t length, bool allow_null);
  bool text(std::string_view& field, bool allow_null);

  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  void read(T& field, Versions) {
    if (!has(sizeof(T))) return;
    if constexpr (std::is_same_v<T, bool>) {
      field = *at_ != 0;
    } else {
      std::make_unsigned_t<T> bits;
      std::memcpy(&bits, at_, sizeof bits);
      field = static_cast<T>(detail::big_endian(bits));
    }
    at_ += sizeof(T);
  }
  void read(String& field, Versions) { text(field, false); }
  void read(NullableString& field, Versions versions);
  void read(Records& field, Versions versions);
  void read(Uuid& field, Versions) {
    if (has(field.bytes.size())) std::memcpy(field.bytes.data(), take(field.bytes.size()).data(), 16);
  }
  template <class T>
  void read(Array<T>& field, Versions versions);

  const char* at_;
  const char* end_;
  std::int16_t version_;
  bool flexible_;
  const char* wrong_ = nullptr;
};

namespace detail {

inline constexpr const char kCountTooLarge[] = "the message announces more elements than it has bytes for";

// What an element takes at least, which is what one takes whose strings and arrays are empty.
template <class T>
std::uint64_t least_size(std::int16_t version, bool flexible) {
  if constexpr (std::is_integral_v<T>) return sizeof(T);
  ByteCount count;
  Encoder encoder(count, version, flexible);
  encoder.element(T{});
  return count.size;
}

}  // namespace detail

template <class Plain>
std::int64_t Reader::length(bool allow_null) {
  if (flexible_) return checked_length(static_cast<std::int64_t>(varint()) - 1, allow_null);
  Plain plain = 0;
  read(plain, {});
  return checked_length(plain, allow_null);
}

template <class T>
void Reader::read(Array<T>& field, Versions versions) {
  const std::int64_t count = length<std::int32_t>(versions.allow_null(version_, false));
  if (failed()) return;
  if (count < 0) {
    field = Array<T>::none();
    return;
  }
  const auto elements = static_cast<std::uint64_t>(count);
  if (elements > left() / detail::least_size<T>(version_, flexible_)) return refuse(detail::kCountTooLarge);
  const char* const begin = at_;
  if constexpr (std::is_integral_v<T>) {
    at_ += elements * sizeof(T);
  } else {
    for (std::uint64_t i = 0; i < elements && !failed(); ++i) {
      T skipped{};
      element(skipped);
    }
  }
  if (failed()) return;
  field = Array<T>::on_wire({begin, static_cast<std::size_t>(at_ - begin)}, elements, version_, flexible_);
}

template <class T>
T detail::take_element(std::string_view& bytes, std::int16_t version, bool flexible) {
  Reader reader(bytes, version, flexible);
  T element{};
  reader.element(element);
  PLIMSOLL_DCHECK(!reader.failed());
  bytes = reader.rest();
  return element;
}

}  // namespace plimsoll::kafka
