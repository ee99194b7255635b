// Encoder: the visitor that writes a message's fields, or counts what they would take.
//
// Both are one walk with two ends (Output into a sink, ByteCount), so that a size that is announced is the
// size that follows. Small fields are gathered in 256 bytes on the stack, as asking a sink for two bytes at a
// time would cost more than the fields. encode() and encoded_size() in kafka_codec.h are this with the
// versions looked up.
//
// Invariant: for the same message and version, Output writes ByteCount::size bytes, those spliced in
// included, or says that it did not.
//
// Thread-safety: one thread. Cost: 1-2 ns a field and the copy of its bytes; counting is additions. Limits:
// strings to 32767 bytes, records and counts to 2^31-1. Errors: ok() is false when the sink refused, when
// something is longer than that, or is null where the version allows none; what the sink has then is to be
// thrown away. Ownership: refers to the sink.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

#include "plimsoll/wire/byte_sink.h"
#include "plimsoll/wire/kafka_array.h"
#include "plimsoll/wire/kafka_types.h"

namespace plimsoll::kafka {

// A sink that can also put in bytes which are not in memory: those it knows by `tag`, `size` of them, after
// all that was written so far. False when it will not.
template <class Sink>
concept SplicingSink = ByteSink<Sink> && requires(Sink& sink, std::uint32_t tag, std::uint64_t size) {
  { sink.splice(tag, size) } -> std::same_as<bool>;
};

struct ByteCount {
  std::uint64_t size = 0;

  template <class Bits>
  void integer(Bits) {
    size += sizeof(Bits);
  }
  void bytes(std::string_view bytes) { size += bytes.size(); }
  void splice(std::uint32_t, std::uint64_t bytes) { size += bytes; }
};

namespace detail {

// Between the machine's order and the wire's, which on a little-endian machine is the same step both ways.
template <class Bits>
constexpr Bits big_endian(Bits bits) {
  static_assert(std::is_unsigned_v<Bits>);
  if constexpr (sizeof(Bits) == 2) return __builtin_bswap16(bits);
  if constexpr (sizeof(Bits) == 4) return __builtin_bswap32(bits);
  if constexpr (sizeof(Bits) == 8) return __builtin_bswap64(bits);
  return bits;
}

}  // namespace detail

template <ByteSink Sink>
class Output {
 public:
  explicit Output(Sink& sink) : sink_(sink) {}

  template <class Bits>
  void integer(Bits bits) {
    if (gathered_.size() - used_ < sizeof bits) flush();
    bits = detail::big_endian(bits);
    std::memcpy(gathered_.data() + used_, &bits, sizeof bits);
    used_ += sizeof bits;
  }
  void bytes(std::string_view bytes) {
    if (bytes.size() > gathered_.size() - used_) flush();
    if (bytes.size() > gathered_.size()) {
      ok_ = ok_ && write_bytes(sink_, bytes);
      return;
    }
    if (!bytes.empty()) std::memcpy(gathered_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  void splice(std::uint32_t tag, std::uint64_t size) {
    flush();
    if constexpr (SplicingSink<Sink>) {
      ok_ = ok_ && sink_.splice(tag, size);
    } else {
      ok_ = false;
    }
  }
  void flush() {
    ok_ = ok_ && write_bytes(sink_, {gathered_.data(), used_});
    used_ = 0;
  }
  bool ok() const { return ok_; }

 private:
  Sink& sink_;
  std::size_t used_ = 0;
  bool ok_ = true;
  std::array<char, 256> gathered_;
};

// `To` is an Output or a ByteCount.
template <class To>
class Encoder {
 public:
  Encoder(To& to, std::int16_t version, bool flexible) : to_(to), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(const T& field, Versions versions = {}) {
    if (versions.have(version_)) write(field, versions);
  }

  template <Described T>
  void structure(const T& value) {
    // describe() is written once, for the Reader too, which changes the fields; this visitor does not.
    const_cast<T&>(value).describe(*this);
    if (flexible_) no_tags();
  }
  template <class T>
  void element(const T& value) {
    if constexpr (Described<T>) {
      structure(value);
    } else {
      write(value, {});
    }
  }
  void no_tags() { to_.integer(std::uint8_t{0}); }

  // False when a field could not be written as its version has it.
  bool ok() const { return ok_; }

 private:
  void varint(std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) to_.integer(static_cast<std::uint8_t>(value | 0x80));
    to_.integer(static_cast<std::uint8_t>(value));
  }
  // `Plain` is the integer that a version without varints has.
  template <class Plain>
  void length(std::uint64_t length) {
    if (length > static_cast<std::uint64_t>(std::numeric_limits<Plain>::max())) ok_ = false;
    if (flexible_) {
      varint(static_cast<std::uint32_t>(length + 1));
    } else {
      to_.integer(static_cast<std::make_unsigned_t<Plain>>(length));
    }
  }
  template <class Plain>
  void null(bool allowed) {
    if (!allowed) ok_ = false;
    if (flexible_) {
      varint(0);
    } else {
      to_.integer(static_cast<std::make_unsigned_t<Plain>>(-1));
    }
  }

  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  void write(const T& field, Versions) {
    if constexpr (std::is_same_v<T, bool>) {
      to_.integer(static_cast<std::uint8_t>(field));
    } else {
      to_.integer(static_cast<std::make_unsigned_t<T>>(field));
    }
  }
  void write(const String& field, Versions) {
    length<std::int16_t>(field.size());
    to_.bytes(field);
  }
  void write(const NullableString& field, Versions versions) {
    if (field) return write(*field, versions);
    null<std::int16_t>(versions.allow_null(version_, true));
  }
  void write(const Records& field, Versions versions) {
    if (field.null) return null<std::int32_t>(versions.allow_null(version_, true));
    length<std::int32_t>(field.size());
    if (field.elsewhere != 0) {
      to_.splice(field.tag, field.elsewhere);
    } else {
      to_.bytes(field.bytes);
    }
  }
  void write(const Uuid& field, Versions) { to_.bytes({field.bytes.data(), field.bytes.size()}); }
  template <class T>
  void write(const Array<T>& field, Versions versions) {
    if (field.null()) return null<std::int32_t>(versions.allow_null(version_, false));
    length<std::int32_t>(field.size());
    for (const T& value : field) element(value);
  }

  To& to_;
  std::int16_t version_;
  bool flexible_;
  bool ok_ = true;
};

}  // namespace plimsoll::kafka
