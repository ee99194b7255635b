// Decompressor: the records of a compressed batch as they were before, a piece at a time.
//
// The log keeps batches as they came and sends them as they are; only a search by time looks into one, and
// wants the fronts of its records. So they pass through a small window, however much a batch unfolds to.
//
//   std::unique_ptr<Decompressor> pieces = Decompressor::of(header.codec(), file, range);
//   while (std::optional<std::string_view> piece = pieces->next(); piece && !piece->empty()) ...
//
// Thread-safety: one thread. Cost: what kMemory says at most, on the heap; gzip 0.3, the others 1 GB a second
// and more. Limits: windows of zstd to 2 MiB, blocks of snappy to 3 MiB, of lz4 to 1 MiB. Errors: nothing
// when the bytes are malformed, beyond a limit, or cannot be read. Ownership: a piece is good until the next;
// the file outlives it.
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

  virtual ~Decompressor() = default;
  // `codec`: as a batch's attributes have it, 1 to 4. Null for another, or when there is no memory for it.
  static std::unique_ptr<Decompressor> of(unsigned codec, const StoredFile& file, FileRange range);

  // Empty at the end.
  virtual std::optional<std::string_view> next() = 0;
};

}  // namespace plimsoll
