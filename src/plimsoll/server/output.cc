#include "plimsoll/server/output.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "plimsoll/os/send_file.h"

namespace plimsoll {
namespace {

constexpr std::size_t kMaxParts = 16;
// What is kept lies in buffers of one of these sizes: what is small is joined, and little is left empty.
constexpr std::size_t kPieceSize = 16 * 1024;
constexpr std::size_t kLongPieceSize = 64 * 1024;
// A range of a file up to this goes through the buffer, in one system call with what is around it: sendfile
// gains little there.
constexpr std::uint64_t kCopiedRange = 16 * 1024;
// What one flush sends of files at most: other connections of the loop wait meanwhile.
constexpr std::uint64_t kTurn = 2 * 1024 * 1024;

}  // namespace

std::size_t Output::send(std::span<const std::string_view> parts, int flags) {
  if (held_back_) return 0;
  std::array<iovec, kMaxParts> vectors{};
  std::size_t count = std::min(parts.size(), kMaxParts);
  for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  while (true) {
    ssize_t taken = ::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
    if (taken >= 0) {
      sent_ += static_cast<std::uint64_t>(taken);
      return static_cast<std::size_t>(taken);
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) fail(Failure::kSocket);
    return 0;
  }
}

void Output::fail(Failure failure) {
  if (failure_ == Failure::kNone) failure_ = failure;
  buffer_.used = 0;
  pending_.clear();
  pending_bytes_ = held_ = 0;
}

void Output::raw(std::string_view bytes) {
  if (failure_ != Failure::kNone || bytes.empty()) return;
  if (buffer_.used + bytes.size() > buffer_.bytes.size()) {
    send_buffer();
    if (failure_ != Failure::kNone) return;
    if (bytes.size() > buffer_.bytes.size()) {
      // Longer than the buffer: sent from where it is, and only what the socket leaves is copied.
      std::size_t taken = pending_bytes_ == 0 ? send({{bytes}}) : 0;
      keep(bytes.substr(taken));
      return;
    }
  }
  std::memcpy(buffer_.bytes.data() + buffer_.used, bytes.data(), bytes.size());
  buffer_.used += bytes.size();
}

void Output::value(PinnedValue value) {
  const std::string_view view = value.view();
  bulk_header(view.size());
  if (failure_ != Failure::kNone) return;
  std::size_t taken = 0;
  if (pending_bytes_ == 0) {
    const std::size_t head = buffer_.used;
    taken = send({{std::string_view(buffer_.bytes.data(), head), view, std::string_view("\r\n")}});
    if (failure_ != Failure::kNone) return;
    buffer_.used = 0;
    if (taken == head + view.size() + 2) return;
    if (taken < head) {
      keep({buffer_.bytes.data() + taken, head - taken});
      taken = 0;
    } else {
      taken -= head;
    }
  } else {
    send_buffer();
  }
  if (failure_ != Failure::kNone) return;
  if (taken < view.size()) {
    pending_bytes_ += view.size() - taken;
    held_ += view.size();
    pending_.push_back(
        {.buffer = {}, .used = 0, .value = std::move(value), .file = {}, .range = {}, .done = taken});
    taken = view.size();
  }
  keep(std::string_view("\r\n").substr(taken - view.size()));
}

char* Output::reserve(std::size_t size) {
  PLIMSOLL_CHECK(size <= buffer_.bytes.size());
  if (buffer_.used + size > buffer_.bytes.size()) send_buffer();
  return failure_ == Failure::kNone ? buffer_.bytes.data() + buffer_.used : nullptr;
}

bool Output::file(std::shared_ptr<const StoredFile> file, FileRange range) {
  if (failure_ != Failure::kNone || range.size == 0) return failure_ == Failure::kNone;
  if (pending_bytes_ == 0 && range.size <= kCopiedRange &&
      buffer_.used + range.size <= buffer_.bytes.size()) {
    const Result<std::size_t> read =
        file->read_at(range.position, {buffer_.bytes.data() + buffer_.used, range.size});
    // A file that is shorter than what was promised of it cannot be made good: the length is already told.
    if (!read || *read < range.size) {
      fail(Failure::kFile);
      return false;
    }
    buffer_.used += range.size;
    return true;
  }
  send_buffer(true);
  if (pending_bytes_ == 0) send_range(*file, range);
  if (failure_ != Failure::kNone) return false;
  if (range.size > 0) {
    pending_bytes_ += range.size;
    pending_.push_back(
        {.buffer = {}, .used = 0, .value = {}, .file = std::move(file), .range = range, .done = 0});
  }
  return true;
}

void Output::send_range(const StoredFile& file, FileRange& range) {
  while (range.size > 0 && turn_ < kTurn) {
    const Result<SentFile> sent =
        send_file(socket_, file, {range.position, std::min(range.size, kTurn - turn_)});
    if (!sent || (sent->size == 0 && !sent->would_block)) {
      const bool reader_left =
          !sent && (sent.error().errno_value == EPIPE || sent.error().errno_value == ECONNRESET);
      return fail(reader_left ? Failure::kSocket : Failure::kFile);
    }
    sent_ += sent->size;
    sent_from_files_ += sent->size;
    turn_ += sent->size;
    range.position += sent->size;
    range.size -= sent->size;
    if (sent->would_block) break;
  }
  if (range.size > 0) push();
}

// sendfile(2) hands the file over in pieces and says of each that more will follow, so that the last that
// fits may lie in a full socket, unsent: below a segment (64 KiB on loopback) nobody acknowledges anything
// and the socket never becomes writable. Seen with buffers of 60 KiB: 64 KiB each 200 ms. Setting the option
// again sends it.
void Output::push() {
  const int on = 1;
  static_cast<void>(::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

void Output::flush() {
  if (held_back_) return;
  turn_ = 0;
  if (pending_bytes_ > 0) send_pending();
  if (buffer_.used > 0) send_buffer();
}

void Output::send_buffer(bool more) {
  const std::string_view all(buffer_.bytes.data(), std::exchange(buffer_.used, 0));
  if (all.empty() || failure_ != Failure::kNone) return;
  std::size_t taken = pending_bytes_ == 0 ? send({{all}}, more ? MSG_MORE : 0) : 0;
  if (failure_ == Failure::kNone) keep(all.substr(taken));
}

BufferPool::Buffer Output::buffer_of(Bytes size) {
  BufferPool::Buffer buffer = kept_.acquire(size);
  const Bytes needed = std::max(kept_.capacity_for(size), SlabAllocator::kLargestCharge);
  if (!buffer && cache_.make_room_for(account_, needed)) buffer = kept_.acquire(size);
  return buffer;
}

void Output::keep(std::string_view bytes) {
  while (!bytes.empty() && failure_ == Failure::kNone) {
    if (pending_.empty() || pending_.back().room() == 0) {
      Piece piece;
      piece.buffer = buffer_of(Bytes(bytes.size() < kLongPieceSize ? kPieceSize : kLongPieceSize));
      if (!piece.buffer) return fail(Failure::kRefused);
      held_ += piece.holds();
      pending_.push_back(std::move(piece));
    }
    Piece& last = pending_.back();
    const std::size_t part = std::min(bytes.size(), last.room());
    std::memcpy(last.buffer.data() + last.used, bytes.data(), part);
    last.used += part;
    pending_bytes_ += part;
    bytes.remove_prefix(part);
  }
}

void Output::send_pending() {
  while (pending_bytes_ > 0) {
    const bool takes_more = pending_.front().file ? send_pending_file() : send_pending_memory();
    if (!takes_more || failure_ != Failure::kNone) return;
  }
}

bool Output::send_pending_file() {
  Piece& piece = pending_.front();
  const std::uint64_t before = piece.range.size;
  send_range(*piece.file, piece.range);
  if (failure_ != Failure::kNone) return false;
  pending_bytes_ -= before - piece.range.size;
  if (piece.range.size > 0) return false;
  pending_.pop_front();
  return true;
}

bool Output::send_pending_memory() {
  std::array<std::string_view, kMaxParts> parts;
  std::size_t count = 0;
  std::size_t offered = 0;
  for (const Piece& piece : pending_) {
    if (count == kMaxParts || piece.file) break;
    parts[count++] = piece.rest();
    offered += piece.rest().size();
  }
  std::size_t taken = send({parts.data(), count});
  if (failure_ != Failure::kNone) return false;
  pending_bytes_ -= taken;
  const bool all = taken == offered;
  while (!pending_.empty() && !pending_.front().file && taken >= pending_.front().rest().size()) {
    Piece& piece = pending_.front();
    taken -= piece.rest().size();
    held_ -= piece.holds();
    pending_.pop_front();
  }
  if (!pending_.empty() && !pending_.front().file) pending_.front().done += taken;
  return all;
}

}  // namespace plimsoll
