// LoadOutbox: what a client has yet to send on one socket: own text, and views of values that live elsewhere.
//
// Large values are never copied: they are handed to writev where they lie, beside the text around them.
//
// Thread-safety: one thread. Cost: a copy of the text; 16 bytes a segment. Limits: kSegments segments a
// system call. Errors: flush() gives the errno of a connection that is lost. Ownership: what view() was given
// must live until it has been flushed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/result.h"

namespace plimsoll {

class LoadOutbox {
 public:
  static constexpr std::size_t kSegments = 64;

  std::string& text() { return text_; }  // append to it only
  void view(std::string_view bytes);
  bool empty() const { return sent_ == size(); }
  // Bytes that wait.
  std::size_t size_left() const { return size() - sent_; }
  void clear();
  // Writes what the socket takes now; the number of bytes it took. Empty afterwards: all memory is kept for
  // reuse.
  Result<std::size_t> flush(int socket);

 private:
  // `text_until` says how much of text_ goes before the view.
  struct Segment {
    std::size_t text_until;
    std::string_view view;
  };
  struct Parts;
  std::size_t size() const { return text_.size() + viewed_; }
  void gather(Parts& parts) const;
  void advance(std::size_t written);

  std::string text_;
  std::vector<Segment> segments_;
  std::size_t viewed_ = 0;     // bytes of all views
  std::size_t sent_ = 0;       // bytes of all that is here
  std::size_t segment_ = 0;    // the first that is not fully sent,
  std::size_t text_at_ = 0;    // where its text starts,
  std::size_t part_sent_ = 0;  // and how much of its text and view is sent
};

}  // namespace plimsoll
