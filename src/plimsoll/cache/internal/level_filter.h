// LevelFilter: which generations of a level may hold a key: Bloom filters that are dropped with what they
// tell of.
//
// A look costs no trip to the level for keys that it never held, and names the generation for those it may
// hold. A filter that has its keys is followed by one of twice its size (scalable Bloom filters, Almeida et
// al., IPL 2007); a key's bits lie in one cache line (blocked ones, Putze et al., JEA 2009). Keys are never
// taken out: what is said too much costs a look below, what is said too little would be a wrong answer.
// Invariant: a key that was added to a generation is found in it until the generation is dropped.
//
// Thread-safety: one thread at a time. Cost: 2 bytes a key, about 0.1 % false answers a filter; a cache line
// a filter and look. Limits: none. Errors: add() says no when its memory is refused. Ownership: the account
// must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "plimsoll/budget/account.h"

namespace plimsoll {

class LevelFilter {
 public:
  // `first`: keys of the first filter of a generation.
  explicit LevelFilter(Account& account, std::size_t first = 1024) : account_(account), first_(first) {}

  // False: no memory; the key must not go below then. REQUIRES: no later generation was added to.
  bool add(std::uint64_t hash, std::uint32_t generation);
  bool may_hold(std::uint64_t hash) const;
  // Of those generations, the newest first.
  void find(std::uint64_t hash, std::vector<std::uint32_t>& generations) const;
  void drop_before(std::uint32_t generation);
  void clear() { parts_.clear(); }
  Bytes memory() const;

 private:
  struct Line {
    std::array<std::uint64_t, 8> words;
  };
  struct Part {
    std::uint32_t generation;
    std::size_t capacity;  // in keys
    std::size_t keys;
    std::vector<Line> lines;
    Charge charge;

    void set(std::uint64_t hash);
    bool has(std::uint64_t hash) const;
  };
  static constexpr std::size_t kKeysPerLine = 32;  // 16 bits a key
  static constexpr unsigned kBits = 6;             // of a key

  Account& account_;
  const std::size_t first_;
  std::deque<Part> parts_;  // by generation, and within it by age
};

}  // namespace plimsoll
