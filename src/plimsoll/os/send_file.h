// send_file: a part of a file into a socket, from the page cache, without passing through the process.
//
// One byte in user memory is one that has to be charged; a slow reader of a log then holds nothing but its
// place in a file. sendfile(2) of 1 MiB moves 3.7 to 7.3 GB a second of one thread here, reading and sending
// 2.3 to 2.9; at 4 KiB there is little gain, and one gathered write is simpler.
//
// Thread-safety: any thread. Cost: one system call. Limits: 2^31 - 4096 bytes a call; the page cache is read
// by the calling thread, which waits for the disk where a page is not there. Errors: kSystem with errno
// (EPIPE, ECONNRESET: the reader is gone; EIO: the disk). Ownership: none taken.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plimsoll/base/result.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

struct SentFile {
  std::size_t size = 0;  // bytes that went out; fewer than asked for when the socket is full or the file ends
  bool would_block = false;  // nothing went out: wait until the socket takes more
};

Result<SentFile> send_file(int socket, const StoredFile& file, FileRange range);

}  // namespace plimsoll
