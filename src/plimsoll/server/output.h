// Output: the replies of one connection on their way to its socket.
//
// Replies are written into the loop's buffer and sent from there at the end of a batch; a connection whose
// client reads holds nothing. What the socket does not take is kept here: bytes by copy, in buffers of the
// pool, which charges them to the account of output; large values by their pin; ranges of files by their
// place, so that a slow reader of a log holds nothing else. held() is what the reader's share is compared
// with. Invariant: while pending() is not zero, all that is written goes behind it.
//
// Thread-safety: its loop. Cost: a copy into the loop's buffer, and none of a file's range
// above 16 KiB (sendfile); one system call a batch. Limits: a non-blocking socket; the
// connection stops running requests when held() reaches the share. Errors: failed() after the socket's error
// or a refused charge; what is written then is dropped. Ownership: refers to the loop's buffer, the socket,
// the pool, its account and the cache.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "plimsoll/budget/account.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/os/storage.h"
#include "plimsoll/pool/buffer_pool.h"
#include "plimsoll/server/reply.h"

namespace plimsoll {

// A loop's buffer for replies, used by one connection at a time.
struct WriteBuffer {
  explicit WriteBuffer(std::size_t size) : bytes(size, '\0') {}
  std::string bytes;
  std::size_t used = 0;
};

class Output final : public Reply {
 public:
  enum class Failure : std::uint8_t { kNone, kSocket, kRefused, kFile };

  // `kept` charges `account`; `cache` gives up memory for what has to be kept.
  Output(int socket, WriteBuffer& buffer, BufferPool& kept, Account& account, ByteCache& cache)
      : socket_(socket), buffer_(buffer), kept_(kept), account_(account), cache_(cache) {}

  void raw(std::string_view bytes) override;
  void value(PinnedValue value) override;

  // Room in the loop's buffer, to be committed as written; null when the output has failed.
  // REQUIRES: size is below the buffer's.
  char* reserve(std::size_t size);
  void commit(std::size_t size) { buffer_.used += size; }
  // The range comes next; small ones are read into the buffer, the others never leave the kernel. The file
  // stays open until they are sent. False when the output has failed.
  bool file(std::shared_ptr<const StoredFile> file, FileRange range);

  // Sends what the socket takes. Call at the end of a batch, and when the socket can be written again.
  void flush();
  // While held back nothing is sent: replies to writes that a level below has yet to follow.
  void hold_back(bool hold) { held_back_ = hold; }
  // Out of the loop's buffer, without sending. REQUIRES: held back.
  void park() { send_buffer(); }
  bool held_back() const { return held_back_; }
  // Bytes that the socket has not taken.
  std::size_t pending() const { return pending_bytes_; }
  // What is held for the reader: copies and pinned values, but no files.
  std::size_t held() const { return held_; }
  Failure failure() const { return failure_; }
  std::uint64_t sent() const { return sent_; }                        // in all
  std::uint64_t sent_from_files() const { return sent_from_files_; }  // of those, without a copy

 private:
  struct Piece {
    BufferPool::Buffer buffer;
    std::size_t used = 0;  // of the buffer
    PinnedValue value;
    std::shared_ptr<const StoredFile> file;  // of `range`, instead of the two
    FileRange range;
    std::size_t done = 0;
    std::string_view all() const {
      return value ? value.view() : std::string_view(reinterpret_cast<const char*>(buffer.data()), used);
    }
    std::string_view rest() const { return all().substr(done); }
    std::size_t room() const { return value || file ? 0 : buffer.size().count() - used; }
    std::size_t holds() const {
      if (file) return 0;
      return value ? value.view().size() : buffer.size().count();
    }
  };

  // `more`: what follows at once belongs to it.
  void send_buffer(bool more = false);
  void send_pending();
  // Both: false when the socket is full.
  bool send_pending_memory();
  bool send_pending_file();
  // As much of the range as the socket takes, cut off its front.
  void send_range(const StoredFile& file, FileRange& range);
  void push();
  void keep(std::string_view bytes);
  [[nodiscard]] BufferPool::Buffer buffer_of(Bytes size);
  void fail(Failure failure);
  // How much of `parts` the socket took; fails the output on an error.
  std::size_t send(std::span<const std::string_view> parts, int flags = 0);

  const int socket_;
  WriteBuffer& buffer_;
  BufferPool& kept_;
  Account& account_;
  ByteCache& cache_;
  std::list<Piece> pending_;  // nothing on the heap while it is empty
  std::size_t pending_bytes_ = 0;
  std::size_t held_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t sent_from_files_ = 0;
  std::uint64_t turn_ = 0;  // bytes of files sent since the last flush()
  Failure failure_ = Failure::kNone;
  bool held_back_ = false;
};

}  // namespace plimsoll
