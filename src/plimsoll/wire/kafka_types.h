// The kinds of fields that Kafka's messages are made of, and in which versions a field is there.
//
// A message is a struct whose describe() names its fields in the order of the wire, each with the versions
// that have it. That is the one place where the protocol is written down: reading, writing and counting are
// visitors that walk it (kafka_reader.h, kafka_encoder.h). Names, versions and defaults are those of Apache
// Kafka 3.4's message definitions.
//
//   struct Partition {
//     std::int32_t index = 0;
//     Records records;
//     std::int64_t log_start_offset = -1;      // what a version without the field means
//     template <class F> void describe(F& f) { f(index); f(records); f(log_start_offset, since(5)); }
//   };
//
// Integers are big endian; an enum is its integer. From a message's first flexible version on, lengths and
// counts are varints ("compact"), and every struct ends with tagged fields: none of those is needed here, so
// that they are skipped on reading and none is written.
//
// Invariant: none of these owns memory.
//
// Thread-safety: values. Cost: two words or three. Limits: strings to 32767 bytes, as the protocol's. Errors:
// none of its own. Ownership: views of the caller's bytes, for as long as those stay.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll::kafka {

using String = std::string_view;
using NullableString = std::optional<std::string_view>;

// Record batches: bytes in memory; or, when `elsewhere` is not 0, that many bytes which the sink of an
// encoder puts in by itself (a range of a file), known to it by `tag`.
struct Records {
  std::string_view bytes = {};
  bool null = false;
  std::uint64_t elsewhere = 0;
  std::uint32_t tag = 0;

  std::uint64_t size() const { return elsewhere != 0 ? elsewhere : bytes.size(); }
};

struct Uuid {
  std::array<char, 16> bytes{};

  bool operator==(const Uuid&) const = default;
};

// The versions of a message that have a field, and from which on it may be null. Without the latter a
// NullableString and Records may always be null, and an array never.
struct Versions {
  static constexpr std::int16_t kForEver = 32767;
  static constexpr std::int16_t kAsItsKind = -1;

  std::int16_t first = 0;
  std::int16_t last = kForEver;
  std::int16_t null_first = kAsItsKind;

  constexpr Versions until(std::int16_t version) const { return {first, version, null_first}; }
  constexpr Versions nullable_since(std::int16_t version) const { return {first, last, version}; }
  constexpr Versions nullable() const { return nullable_since(0); }

  constexpr bool have(std::int16_t version) const { return first <= version && version <= last; }
  constexpr bool allow_null(std::int16_t version, bool kind_allows) const {
    return null_first == kAsItsKind ? kind_allows : version >= null_first;
  }
};

constexpr Versions since(std::int16_t version) { return {version, Versions::kForEver, Versions::kAsItsKind}; }
constexpr Versions until(std::int16_t version) { return Versions{}.until(version); }
constexpr Versions nullable_since(std::int16_t version) { return Versions{}.nullable_since(version); }
constexpr Versions nullable() { return Versions{}.nullable(); }

namespace detail {

struct AnyVisitor {
  template <class T>
  void operator()(T& field, Versions versions = {});
};

}  // namespace detail

// A struct that describes its fields: a message, or an element of one of its arrays.
template <class T>
concept Described = requires(T& value, detail::AnyVisitor& visitor) { value.describe(visitor); };

}  // namespace plimsoll::kafka
