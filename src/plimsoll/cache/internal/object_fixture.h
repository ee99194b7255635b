// What the tests of Cache<K, V> stand on: a line with an account, and objects that are counted.
#pragma once

#include <atomic>

#include "plimsoll/budget/load_line.h"

namespace plimsoll {

// Counts those that live, so that a leak is seen without a sanitizer.
struct Counted {
  static inline std::atomic<int> alive{0};
  explicit Counted(int n) : number(n) { ++alive; }
  Counted(Counted&& other) noexcept : number(other.number) { ++alive; }
  ~Counted() { --alive; }
  int number;
};

struct ObjectLine {
  explicit ObjectLine(Bytes limit = 64_MiB)
      : line({.limit = limit}),
        account(line.open({.name = "objects", .kind = AccountKind::kDroppable, .guarantee = {}})) {}
  LoadLine line;
  Account& account;
};

}  // namespace plimsoll
