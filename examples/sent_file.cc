// A part of a file into a socket, without passing through the process: what a reader has not taken yet is a
// place in a file, and no memory.
//
//   cmake --build --preset release --target example_sent_file && build/release/example_sent_file
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "plimsoll/os/send_file.h"
#include "plimsoll/os/storage.h"

int main() {
  char path[] = "/tmp/plimsoll-example-XXXXXX";
  const int made = ::mkstemp(path);
  int sockets[2];
  if (made < 0 || ::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) return 1;
  ::close(made);
  plimsoll::SystemStorage storage;
  auto file = storage.open(path, plimsoll::OpenMode::kWrite);
  const std::string records(1 << 20, 'r');
  if (!file || !(*file)->write_at(0, records)) return 1;
  ::unlink(path);  // who is being sent it still has it
  ::fcntl(sockets[0], F_SETFL, O_NONBLOCK);

  // The reader asked for all but the first 1,000 bytes.
  plimsoll::FileRange left{.position = 1000, .size = records.size() - 1000};
  std::vector<char> taken(64 << 10);
  std::size_t received = 0;
  unsigned waits = 0;
  while (left.size > 0) {
    plimsoll::Result<plimsoll::SentFile> sent = plimsoll::send_file(sockets[0], **file, left);
    if (!sent) return 1;  // the reader is gone, or the disk is
    left.position += sent->size;
    left.size -= sent->size;
    if (!sent->would_block) continue;
    ++waits;  // the socket is full: here, its reader takes some; a server waits for the socket
    received += static_cast<std::size_t>(::read(sockets[1], taken.data(), taken.size()));
  }
  ::shutdown(sockets[0], SHUT_WR);
  for (ssize_t got = 0; (got = ::read(sockets[1], taken.data(), taken.size())) > 0;)
    received += static_cast<std::size_t>(got);
  std::printf("sent from the file: %zu of %zu bytes received, %s\n", received, records.size() - 1000,
              waits > 0 ? "with waits for the reader" : "at once");
  return received == records.size() - 1000 ? 0 : 1;
}
