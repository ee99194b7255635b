// MappedFile: a file as memory, that grows, is trimmed, and says what the kernel thinks of each advice.
//
// For indexes and other files that are read at random and in small pieces: a look-up is a load, and what is
// not looked at costs no memory. Growing backs the new part with disk blocks first, because a store into a
// hole of a full disk is a SIGBUS and not an error.
//
//   Result<MappedFile> file = MappedFile::create(path, 4_KiB);
//   if (Result<void> done = file->grow(8_KiB); !done) return tl::unexpected(done.error());
//
// Invariant: bytes() is size() long; the file is as long as size() says, as long as nobody else cuts it. The
// address changes with grow() and trim().
//
// Thread-safety: one thread at a time; what is mapped may be read by others while nobody grows or trims.
// Cost: a system call each; grow() and trim() map anew. Limits: half the address space; a process has 65,530
// maps. Errors: kNotFound, kSystem with errno; kUnsupported where this kernel or kind of file refuses the
// advice. A disk that cannot read a page ends the process (SIGBUS): keep what may fail under read_at().
// Ownership: unmapped and closed with its owner; changes to a shared map belong to the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

enum class MapAdvice : std::uint8_t {
  kNormal,      // takes back kSequential and kRandom
  kSequential,  // read ahead, drop behind
  kRandom,      // do not read ahead
  kWillNeed,    // read ahead now
  kDontNeed,    // out of this map now; a file's contents stay, and are read again
  kFree,        // lazily, for private memory: kernels refuse it for files
  kRemove,      // punch a hole: the blocks go too, and it reads as zero
  kHugePage,
  kNoHugePage,
  kMergeable,  // for same-page merging: kernels ignore or refuse it for shared maps
  kUnmergeable,
};

struct MapRange {
  Bytes offset;
  Bytes size;  // 0: to the end
};

class MappedFile {
 public:
  enum class Access : std::uint8_t { kRead, kWrite };

  // Made new, or emptied, with `size` bytes of zero.
  static Result<MappedFile> create(const std::string& path, Bytes size);
  // All of a file that exists. An empty file has no map.
  static Result<MappedFile> open(const std::string& path, Access access);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
      : descriptor_(std::move(other.descriptor_)),
        begin_(std::exchange(other.begin_, nullptr)),
        size_(std::exchange(other.size_, Bytes())),
        access_(other.access_) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    std::swap(access_, other.access_);
    return *this;
  }
  ~MappedFile() { unmap(); }

  Bytes size() const { return size_; }
  Bytes mapped() const;  // size() in whole pages
  bool writable() const { return access_ == Access::kWrite; }
  std::span<const std::byte> bytes() const { return {begin_, size_.count()}; }
  // REQUIRES: writable().
  std::span<std::byte> writable_bytes();

  // REQUIRES of both: writable(). grow() to a size that is not smaller, trim() to one that is not larger. An
  // error leaves file and map as they were.
  Result<void> grow(Bytes size);
  Result<void> trim(Bytes size);
  // Waits until what was stored is on the disk.
  Result<void> flush(MapRange range = {});

  // REQUIRES: the range begins on a page.
  Result<void> advise(MapAdvice advice, MapRange range = {});
  // Stays in memory, and is read into it now. Errors: ENOMEM above RLIMIT_MEMLOCK.
  Result<void> lock(MapRange range = {});
  Result<void> unlock(MapRange range = {});

 private:
  MappedFile(FileDescriptor descriptor, Access access)
      : descriptor_(std::move(descriptor)), access_(access) {}
  Result<void> map(Bytes size);
  void unmap();
  std::span<std::byte> part(MapRange range) const;

  FileDescriptor descriptor_;
  std::byte* begin_ = nullptr;
  Bytes size_;
  Access access_ = Access::kRead;
};

}  // namespace plimsoll
