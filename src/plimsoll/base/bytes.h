// Bytes: a count of bytes that cannot be mixed with other integers.
//
// Why: a size, a count and an offset in one signature have been swapped in every project that let them
// (after tcmalloc's internal/bytes.h). Arithmetic that would wrap is a programmer's error and aborts; where a
// difference may honestly be negative, minus_clamped() says so.
//
//   Bytes segment = 64_KiB;
//   Bytes rest = line.minus_clamped(used);
//
// Thread-safety: a value. Cost: an integer, and one predicted branch an operation. Limits: 2^63-1, so that
// signed counters hold every Bytes. Errors: aborts on overflow.
#pragma once

#include <compare>
#include <cstdint>

#include "plimsoll/base/check.h"

namespace plimsoll {

class Bytes {
 public:
  static constexpr std::uint64_t kMax = (std::uint64_t{1} << 63) - 1;

  constexpr Bytes() = default;
  explicit constexpr Bytes(std::uint64_t count) : count_(count) {
    PLIMSOLL_CHECK(count <= kMax, "%llu bytes", static_cast<unsigned long long>(count));
  }

  // For counters that are signed because they are added to from many threads; below zero reads as zero.
  static constexpr Bytes clamped(std::int64_t count) {
    return Bytes(count < 0 ? 0 : static_cast<std::uint64_t>(count));
  }
  static constexpr Bytes max() { return Bytes(kMax); }

  constexpr std::uint64_t count() const { return count_; }
  constexpr std::int64_t signed_count() const { return static_cast<std::int64_t>(count_); }
  constexpr bool zero() const { return count_ == 0; }
  constexpr double as_double() const { return static_cast<double>(count_); }

  constexpr Bytes minus_clamped(Bytes other) const {
    return Bytes(count_ > other.count_ ? count_ - other.count_ : 0);
  }
  // Saturates at max(), for sums of limits one of which may be "no limit".
  constexpr Bytes plus_clamped(Bytes other) const {
    return Bytes(count_ > kMax - other.count_ ? kMax : count_ + other.count_);
  }
  // The share of this, rounded down; REQUIRES: 0 <= ratio.
  constexpr Bytes scaled(double ratio) const {
    double product = as_double() * ratio;
    return product >= static_cast<double>(kMax) ? max() : Bytes(static_cast<std::uint64_t>(product));
  }
  // REQUIRES: unit is a power of two.
  constexpr Bytes rounded_up(Bytes unit) const {
    return Bytes((count_ + unit.count_ - 1) & ~(unit.count_ - 1));
  }
  constexpr Bytes rounded_down(Bytes unit) const { return Bytes(count_ & ~(unit.count_ - 1)); }

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes(a.count_ + b.count_); }
  friend constexpr Bytes operator-(Bytes a, Bytes b) {
    PLIMSOLL_CHECK(a.count_ >= b.count_, "%llu - %llu bytes", static_cast<unsigned long long>(a.count_),
                   static_cast<unsigned long long>(b.count_));
    return Bytes(a.count_ - b.count_);
  }
  friend constexpr Bytes operator*(Bytes a, std::uint64_t n) {
    std::uint64_t product = 0;
    PLIMSOLL_CHECK(!__builtin_mul_overflow(a.count_, n, &product));
    return Bytes(product);
  }
  friend constexpr Bytes operator*(std::uint64_t n, Bytes a) { return a * n; }
  friend constexpr Bytes operator/(Bytes a, std::uint64_t n) { return Bytes(a.count_ / n); }
  friend constexpr std::uint64_t operator/(Bytes a, Bytes b) { return a.count_ / b.count_; }
  constexpr Bytes& operator+=(Bytes other) { return *this = *this + other; }
  constexpr Bytes& operator-=(Bytes other) { return *this = *this - other; }

 private:
  std::uint64_t count_ = 0;
};

constexpr double ratio(Bytes part, Bytes whole) {
  return whole.zero() ? 0.0 : part.as_double() / whole.as_double();
}

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return Bytes(n); }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(n) * 1024; }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(n) * 1024 * 1024; }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(n) * 1024 * 1024 * 1024; }
}  // namespace literals

}  // namespace plimsoll
