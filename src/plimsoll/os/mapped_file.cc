#include "plimsoll/os/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "plimsoll/base/check.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {
namespace {

tl::unexpected<Error> refused(const char* what, int error = errno) {
  return fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kSystem, what, error);
}

int number_of(MapAdvice advice) {
  switch (advice) {
    case MapAdvice::kNormal:
      return MADV_NORMAL;
    case MapAdvice::kSequential:
      return MADV_SEQUENTIAL;
    case MapAdvice::kRandom:
      return MADV_RANDOM;
    case MapAdvice::kWillNeed:
      return MADV_WILLNEED;
    case MapAdvice::kDontNeed:
      return MADV_DONTNEED;
    case MapAdvice::kFree:
      return MADV_FREE;
    case MapAdvice::kRemove:
      return MADV_REMOVE;
    case MapAdvice::kHugePage:
      return MADV_HUGEPAGE;
    case MapAdvice::kNoHugePage:
      return MADV_NOHUGEPAGE;
    case MapAdvice::kMergeable:
      return MADV_MERGEABLE;
    case MapAdvice::kUnmergeable:
      return MADV_UNMERGEABLE;
  }
  return MADV_NORMAL;
}

}  // namespace

Result<MappedFile> MappedFile::create(const std::string& path, Bytes size) {
  FileDescriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!descriptor.open()) return refused("a file to be mapped cannot be made");
  MappedFile file(std::move(descriptor), Access::kWrite);
  if (Result<void> done = file.grow(size); !done) return tl::unexpected(done.error());
  return file;
}

Result<MappedFile> MappedFile::open(const std::string& path, Access access) {
  const int mode = access == Access::kRead ? O_RDONLY : O_RDWR;
  FileDescriptor descriptor(::open(path.c_str(), mode | O_CLOEXEC));
  if (!descriptor.open()) return refused("a file to be mapped cannot be opened");
  struct stat status{};
  if (::fstat(descriptor.number(), &status) != 0) return refused("a file's size cannot be read");
  MappedFile file(std::move(descriptor), access);
  if (Result<void> done = file.map(Bytes(static_cast<std::uint64_t>(status.st_size))); !done) {
    return tl::unexpected(done.error());
  }
  return file;
}

Bytes MappedFile::mapped() const { return size_.rounded_up(system_page_size()); }

std::span<std::byte> MappedFile::writable_bytes() {
  PLIMSOLL_CHECK(writable());
  return {begin_, size_.count()};
}

Result<void> MappedFile::map(Bytes size) {
  std::byte* begin = nullptr;
  if (!size.zero()) {
    const int protection = writable() ? PROT_READ | PROT_WRITE : PROT_READ;
    void* address = ::mmap(nullptr, size.count(), protection, MAP_SHARED, descriptor_.number(), 0);
    if (address == MAP_FAILED) return refused("a file cannot be mapped");
    begin = static_cast<std::byte*>(address);
  }
  unmap();
  begin_ = begin;
  size_ = size;
  return {};
}

void MappedFile::unmap() {
  if (begin_ != nullptr) ::munmap(begin_, size_.count());
  begin_ = nullptr;
  size_ = Bytes();
}

Result<void> MappedFile::grow(Bytes size) {
  PLIMSOLL_CHECK(writable() && size >= size_);
  if (size == size_) return {};
  const auto old = static_cast<off_t>(size_.count());
  // It returns its error, writes zeros where the file system cannot reserve, and may have grown the file by a
  // part when it fails.
  const int error = ::posix_fallocate(descriptor_.number(), old, static_cast<off_t>((size - size_).count()));
  if (error != 0) {
    if (::ftruncate(descriptor_.number(), old) != 0) return refused("a file that did not grow cannot be cut");
    return refused("a file to be mapped cannot grow", error);
  }
  Result<void> done = map(size);
  if (!done && ::ftruncate(descriptor_.number(), old) != 0) {
    return refused("a file that did not grow cannot be cut");
  }
  return done;
}

Result<void> MappedFile::trim(Bytes size) {
  PLIMSOLL_CHECK(writable() && size <= size_);
  if (size == size_) return {};
  const Bytes old = size_;
  // The new map first: pages behind a file's end may not be touched, so what is cut is unmapped before.
  if (Result<void> done = map(size); !done) return done;
  if (::ftruncate(descriptor_.number(), static_cast<off_t>(size.count())) == 0) return {};
  const tl::unexpected<Error> failure = refused("a mapped file cannot be cut");
  if (Result<void> done = map(old); !done) return done;
  return failure;
}

std::span<std::byte> MappedFile::part(MapRange range) const {
  PLIMSOLL_CHECK(range.offset <= size_);
  const Bytes size = range.size.zero() ? size_ - range.offset : range.size;
  PLIMSOLL_CHECK(range.offset + size <= size_);
  return {begin_ + range.offset.count(), size.count()};
}

Result<void> MappedFile::flush(MapRange range) {
  const std::span<std::byte> bytes = part(range);
  if (bytes.empty()) return {};
  if (::msync(bytes.data(), bytes.size(), MS_SYNC) != 0) return refused("a mapped file cannot be flushed");
  return {};
}

Result<void> MappedFile::advise(MapAdvice advice, MapRange range) {
  const std::span<std::byte> bytes = part(range);
  if (bytes.empty()) return {};
  if (::madvise(bytes.data(), bytes.size(), number_of(advice)) == 0) return {};
  if (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EACCES) {
    return fail(ErrorCode::kUnsupported, "this kernel or kind of file refuses the advice", errno);
  }
  return refused("advice on a mapped file failed");
}

Result<void> MappedFile::lock(MapRange range) {
  const std::span<std::byte> bytes = part(range);
  if (bytes.empty()) return {};
  if (::mlock(bytes.data(), bytes.size()) != 0) return refused("a mapped file cannot be locked in memory");
  return {};
}

Result<void> MappedFile::unlock(MapRange range) {
  const std::span<std::byte> bytes = part(range);
  if (bytes.empty()) return {};
  if (::munlock(bytes.data(), bytes.size()) != 0) return refused("a mapped file cannot be unlocked");
  return {};
}

}  // namespace plimsoll
