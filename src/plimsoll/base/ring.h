// Ring<T>: the last N values, oldest first; adding to a full one forgets the oldest.
//
// Invariant: size() <= capacity(); element 0 is the oldest kept.
//
// Thread-safety: one thread, or the owner's lock. Cost: O(1), no allocation after construction.
// Limits: N is fixed at construction and at least 1. Errors: an index out of range aborts.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "plimsoll/base/check.h"

namespace plimsoll {

template <typename T>
class Ring {
 public:
  explicit Ring(std::size_t capacity) : slots_(capacity) { PLIMSOLL_CHECK(capacity > 0); }

  void push(T value) {
    slots_[(first_ + size_) % slots_.size()] = std::move(value);
    if (size_ < slots_.size()) {
      ++size_;
    } else {
      first_ = (first_ + 1) % slots_.size();
    }
  }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size(); }
  bool empty() const { return size_ == 0; }
  const T& operator[](std::size_t index) const {
    PLIMSOLL_CHECK(index < size_, "index %zu of %zu", index, size_);
    return slots_[(first_ + index) % slots_.size()];
  }
  T& operator[](std::size_t index) {
    PLIMSOLL_CHECK(index < size_, "index %zu of %zu", index, size_);
    return slots_[(first_ + index) % slots_.size()];
  }
  const T& newest() const { return (*this)[size_ - 1]; }
  const T& oldest() const { return (*this)[0]; }
  void clear() { first_ = size_ = 0; }

 private:
  std::vector<T> slots_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace plimsoll
