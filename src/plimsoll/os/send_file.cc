#include "plimsoll/os/send_file.h"

#include <sys/sendfile.h>

#include <algorithm>
#include <cerrno>

namespace plimsoll {

Result<SentFile> send_file(int socket, const StoredFile& file, FileRange range) {
  constexpr std::uint64_t kMost = 0x7ffff000;  // what one call moves
  auto position = static_cast<off_t>(range.position);
  for (;;) {
    const ssize_t sent = ::sendfile(socket, file.descriptor(), &position,
                                    static_cast<std::size_t>(std::min(range.size, kMost)));
    if (sent >= 0) return SentFile{.size = static_cast<std::size_t>(sent)};
    if (errno == EAGAIN) return SentFile{.would_block = true};
    if (errno != EINTR) return fail(ErrorCode::kSystem, "a file cannot be sent", errno);
  }
}

}  // namespace plimsoll
