// Output: the replies of one connection on their way to its socket.
//
// Replies are written into the loop's buffer and sent from there at the end of a batch; a connection whose
// client reads holds nothing. What the socket does not take is kept here: bytes by copy, in buffers of the
// pool, which charges them to the account of output; large values by their pin. held() is what the reader's
// share is compared with. Invariant: while pending() is not zero, all that is written goes behind it.
//
// Thread-safety: its loop. Cost: a copy into the loop's buffer; one system call a batch. Limits: none; the
// connection stops running requests when held() reaches the share. Errors: failed() after the socket's error
// or a refused charge; what is written then is dropped. Ownership: refers to the loop's buffer, the socket,
// the pool, its account and the cache.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "plimsoll/budget/account.h"
#include "plimsoll/cache/cache.h"
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
  enum class Failure : std::uint8_t { kNone, kSocket, kRefused };

  // `kept` charges `account`; `cache` gives up memory for what has to be kept.
  Output(int socket, WriteBuffer& buffer, BufferPool& kept, Account& account, Cache& cache)
      : socket_(socket), buffer_(buffer), kept_(kept), account_(account), cache_(cache) {}

  void raw(std::string_view bytes) override;
  void value(PinnedValue value) override;

  // Sends what the socket takes. Call at the end of a batch, and when the socket can be written again.
  void flush();
  // Bytes that the socket has not taken.
  std::size_t pending() const { return pending_bytes_; }
  // What is held for the reader: copies and pinned values.
  std::size_t held() const { return held_; }
  Failure failure() const { return failure_; }
  std::uint64_t sent() const { return sent_; }  // in all

 private:
  struct Piece {
    BufferPool::Buffer buffer;
    std::size_t used = 0;  // of the buffer
    PinnedValue value;
    std::size_t done = 0;
    std::string_view all() const {
      return value ? value.view() : std::string_view(reinterpret_cast<const char*>(buffer.data()), used);
    }
    std::string_view rest() const { return all().substr(done); }
    std::size_t room() const { return value ? 0 : buffer.size().count() - used; }
    std::size_t holds() const { return value ? value.view().size() : buffer.size().count(); }
  };

  void send_buffer();
  void send_pending();
  void keep(std::string_view bytes);
  [[nodiscard]] BufferPool::Buffer buffer_of(Bytes size);
  void fail(Failure failure);
  // How much of `parts` the socket took; fails the output on an error.
  std::size_t send(std::span<const std::string_view> parts);

  const int socket_;
  WriteBuffer& buffer_;
  BufferPool& kept_;
  Account& account_;
  Cache& cache_;
  std::deque<Piece> pending_;
  std::size_t pending_bytes_ = 0;
  std::size_t held_ = 0;
  std::uint64_t sent_ = 0;
  Failure failure_ = Failure::kNone;
};

}  // namespace plimsoll
