// Decompressor: the records of a compressed batch as they were before, a piece at a time.
//
// The log keeps batches as they came and sends them as they are; only a search by time and the check of keys
// look into one, and want the fronts of its records. So they pass through a small window, however much a
// batch unfolds to.
//
//   std::unique_ptr<Decompressor> pieces = Decompressor::of(header.codec(), {.file = &file, .range = range});
//   while (std::optional<std::string_view> piece = pieces->next(); piece && !piece->empty()) ...
//
// Thread-safety: one thread. Cost: the memory that it is given at most, on the heap; gzip 0.3, the others 1
// GB a second and more. Limits: with kMemory windows of zstd to 2 MiB, blocks of snappy to 3 MiB and of lz4
// to 1 MiB; with kMostMemory 8, 8 and 4 MiB, which is what zstd's format asks every reader to take. Errors:
// nothing when the bytes are malformed, beyond a limit, or cannot be read. Ownership: a piece is good until
// the next; the file or the bytes outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

class Decompressor {
 public:
  static constexpr Bytes kMemory = 4_MiB;
  static constexpr Bytes kMostMemory = 13_MiB;

  // Compressed bytes: a part of a file, or without a file those that are held.
  struct From {
    const StoredFile* file = nullptr;
    FileRange range;
    std::string_view held;
  };

  virtual ~Decompressor() = default;
  // `codec`: as a batch's attributes have it, 1 to 4. Null for another, or when there is no memory for it.
  // REQUIRES: `memory` is kMemory or kMostMemory.
  static std::unique_ptr<Decompressor> of(unsigned codec, const From& from, Bytes memory = kMemory);

  // Empty at the end.
  virtual std::optional<std::string_view> next() = 0;
  // After nothing: what is there may be well formed, but wants more memory than was given.
  virtual bool too_large() const = 0;
};

}  // namespace plimsoll
