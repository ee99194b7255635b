#include "plimsoll/server/output.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace plimsoll {
namespace {

constexpr std::size_t kMaxParts = 16;
constexpr std::size_t kPieceSize = 16 * 1024;  // small pieces are joined up to here

}  // namespace

std::size_t Output::send(std::span<const std::string_view> parts) {
  std::array<iovec, kMaxParts> vectors{};
  std::size_t count = std::min(parts.size(), kMaxParts);
  for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  while (true) {
    ssize_t taken = ::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
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
  charge_.release();
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
    pending_.push_back({{}, std::move(value), taken});
    taken = view.size();
  }
  keep(std::string_view("\r\n").substr(taken - view.size()));
}

void Output::flush() {
  if (pending_bytes_ > 0) send_pending();
  if (buffer_.used > 0) send_buffer();
}

void Output::send_buffer() {
  const std::string_view all(buffer_.bytes.data(), std::exchange(buffer_.used, 0));
  if (all.empty() || failure_ != Failure::kNone) return;
  std::size_t taken = pending_bytes_ == 0 ? send({{all}}) : 0;
  if (failure_ == Failure::kNone) keep(all.substr(taken));
}

bool Output::charge(Bytes more) {
  Charge charge = account_.charge(more);
  if (!charge && cache_.make_room_for(account_, more)) charge = account_.charge(more);
  if (!charge) return false;
  charge_.merge(std::move(charge));
  return true;
}

void Output::keep(std::string_view bytes) {
  while (!bytes.empty() && failure_ == Failure::kNone) {
    if (pending_.empty() || pending_.back().value ||
        pending_.back().bytes.size() == pending_.back().bytes.capacity()) {
      Piece piece;
      piece.bytes.reserve(std::max(bytes.size(), kPieceSize));
      if (!charge(Bytes(piece.bytes.capacity()))) return fail(Failure::kRefused);
      held_ += piece.bytes.capacity();
      pending_.push_back(std::move(piece));
    }
    std::string& last = pending_.back().bytes;
    std::size_t part = std::min(bytes.size(), last.capacity() - last.size());
    last.append(bytes.substr(0, part));
    pending_bytes_ += part;
    bytes.remove_prefix(part);
  }
}

void Output::send_pending() {
  while (pending_bytes_ > 0) {
    std::array<std::string_view, kMaxParts> parts;
    std::size_t count = 0;
    std::size_t offered = 0;
    for (const Piece& piece : pending_) {
      if (count == kMaxParts) break;
      parts[count++] = piece.rest();
      offered += piece.rest().size();
    }
    std::size_t taken = send({parts.data(), count});
    if (failure_ != Failure::kNone) return;
    pending_bytes_ -= taken;
    const bool full = taken < offered;
    while (!pending_.empty() && taken >= pending_.front().rest().size()) {
      Piece& piece = pending_.front();
      taken -= piece.rest().size();
      held_ -= piece.holds();
      if (!piece.value) charge_.shrink(Bytes(piece.bytes.capacity()));
      pending_.pop_front();
    }
    if (!pending_.empty()) pending_.front().done += taken;
    if (full) return;
  }
  charge_.release();
}

}  // namespace plimsoll
