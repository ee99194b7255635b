#include "plimsoll/cli/load_outbox.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace plimsoll {

void LoadOutbox::view(std::string_view bytes) {
  segments_.push_back({text_.size(), bytes});
  viewed_ += bytes.size();
}

void LoadOutbox::clear() {
  text_.clear();
  segments_.clear();
  viewed_ = sent_ = segment_ = text_at_ = part_sent_ = 0;
}

// What one system call is given.
struct LoadOutbox::Parts {
  std::array<iovec, 2 * kSegments + 1> vectors;
  std::size_t count = 0;
  std::size_t skip = 0;  // bytes at the front that are sent already

  void add(std::string_view bytes) {
    std::size_t cut = std::min(skip, bytes.size());
    skip -= cut;
    bytes.remove_prefix(cut);
    if (!bytes.empty()) vectors[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
};

void LoadOutbox::gather(Parts& parts) const {
  parts.skip = part_sent_;
  std::string_view text = text_;
  std::size_t text_at = text_at_;
  std::size_t last = std::min(segments_.size(), segment_ + kSegments);
  for (std::size_t i = segment_; i < last; ++i) {
    parts.add(text.substr(text_at, segments_[i].text_until - text_at));
    parts.add(segments_[i].view);
    text_at = segments_[i].text_until;
  }
  if (last == segments_.size()) parts.add(text.substr(text_at));
}

void LoadOutbox::advance(std::size_t written) {
  sent_ += written;
  part_sent_ += written;
  while (segment_ < segments_.size()) {
    const Segment& segment = segments_[segment_];
    std::size_t size = segment.text_until - text_at_ + segment.view.size();
    if (part_sent_ < size) break;
    part_sent_ -= size;
    text_at_ = segment.text_until;
    ++segment_;
  }
}

Result<std::size_t> LoadOutbox::flush(int socket) {
  std::size_t taken = 0;
  while (!empty()) {
    Parts parts;
    gather(parts);
    msghdr message{};
    message.msg_iov = parts.vectors.data();
    message.msg_iovlen = parts.count;
    ssize_t written = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return taken;
    if (written < 0) return fail(ErrorCode::kSystem, "the connection was lost", errno);
    advance(static_cast<std::size_t>(written));
    taken += static_cast<std::size_t>(written);
  }
  clear();
  return taken;
}

}  // namespace plimsoll
