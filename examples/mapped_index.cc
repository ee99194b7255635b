// An index in a file that is memory: grown in small steps, told how it is read, looked up by loads alone, and
// as long as its entries at the end.
//
//   cmake --build --preset release --target example_mapped_index && build/release/example_mapped_index
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "plimsoll/os/mapped_file.h"

using namespace plimsoll::literals;
using plimsoll::Bytes;
using plimsoll::MappedFile;

struct Entry {
  std::uint32_t offset = 0;    // of a record
  std::uint32_t position = 0;  // of its batch in the log
};

int main() {
  char folder[] = "/tmp/plimsoll-example-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 1;
  const std::string path = std::string(folder) + "/index";
  plimsoll::Result<MappedFile> file = MappedFile::create(path, 4_KiB);
  if (!file) return 1;

  std::size_t count = 0;
  for (std::uint32_t offset = 0; offset < 10'000; offset += 10) {
    const Bytes needed((count + 1) * sizeof(Entry));
    if (needed > file->size() && !file->grow(file->size() + 4_KiB)) return 1;  // the disk is full
    auto* entries = reinterpret_cast<Entry*>(file->writable_bytes().data());
    entries[count++] = {.offset = offset, .position = offset * 100};
  }
  std::printf("%zu entries in %llu KiB\n", count, static_cast<unsigned long long>(file->size() / 1_KiB));
  static_cast<void>(
      file->advise(plimsoll::MapAdvice::kRandom));  // a hint: refused, it changes nothing but speed

  const std::span entries(reinterpret_cast<const Entry*>(file->bytes().data()), count);
  const auto behind =
      std::upper_bound(entries.begin(), entries.end(), 4'242u,
                       [](std::uint32_t offset, const Entry& entry) { return offset < entry.offset; });
  std::printf("offset 4242: from offset %u, byte %u\n", std::prev(behind)->offset,
              std::prev(behind)->position);

  if (!file->trim(Bytes(count * sizeof(Entry))) || !file->flush()) return 1;
  std::printf("sealed at %llu bytes\n", static_cast<unsigned long long>(file->size().count()));
  ::unlink(path.c_str());
  ::rmdir(folder);
  return 0;
}
