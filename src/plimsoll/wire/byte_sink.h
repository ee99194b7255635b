// ByteSink: where encoders put bytes; the seam between this room, which owns no memory, and whoever does.
//
// A sink gives room and is told how much of it was used. reserve() answers null when it will not: an encoder
// then writes nothing of that item, says so, and the caller decides (in the server a reader that does not
// read is charged for its output, and refused).
//
//   char buffer[64];
//   SpanSink sink(buffer);
//   RespWriter writer(sink);
//   writer.integer(42);
//   send(sink.written());
//
// Invariant: a commit is never more than the reserve before it.
//
// Thread-safety: one thread. Cost: a comparison a reserve. Limits: what the sink gives. Errors: null from
// reserve(). Ownership: sinks here point at memory of the caller's.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "plimsoll/base/check.h"

namespace plimsoll {

template <typename Sink>
concept ByteSink = requires(Sink& sink, std::size_t size) {
  // `size` bytes in one piece to write to, good until the next call; null when there will be none.
  { sink.reserve(size) } -> std::same_as<char*>;
  // The first `size` bytes of what was reserved are written.
  { sink.commit(size) } -> std::same_as<void>;
};

template <ByteSink Sink>
bool write_bytes(Sink& sink, std::string_view bytes) {
  char* to = sink.reserve(bytes.size());
  if (to == nullptr) return false;
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  sink.commit(bytes.size());
  return true;
}

// Writes into memory of a fixed size. After a refusal it refuses everything, so that what is written is a
// prefix, and goes on counting: a buffer of needed() bytes would have been enough.
class SpanSink {
 public:
  explicit SpanSink(std::span<char> to) : to_(to) {}

  char* reserve(std::size_t size) {
    if (overflowed_ || to_.size() - used_ < size) {
      overflowed_ = true;
      refused_ += size;
      return nullptr;
    }
    return to_.data() + used_;
  }
  void commit(std::size_t size) {
    PLIMSOLL_DCHECK(size <= to_.size() - used_);
    used_ += size;
  }
  std::string_view written() const { return {to_.data(), used_}; }
  bool overflowed() const { return overflowed_; }
  std::size_t needed() const { return used_ + refused_; }

 private:
  std::span<char> to_;
  std::size_t used_ = 0;
  std::size_t refused_ = 0;
  bool overflowed_ = false;
};

// Appends to a string, which allocates as strings do: for clients and tests, not for a server's replies.
class StringSink {
 public:
  explicit StringSink(std::string& to) : to_(to), used_(to.size()) {}

  char* reserve(std::size_t size) {
    to_.resize(used_ + size);
    return to_.data() + used_;
  }
  void commit(std::size_t size) {
    used_ += size;
    to_.resize(used_);
  }

 private:
  std::string& to_;
  std::size_t used_;
};

}  // namespace plimsoll
