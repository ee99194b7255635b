// What a RespDecoder makes of a client's bytes, as a list of strings: the reference caller that tests and the
// fuzzer share. The bytes are given in the pieces asked for, each time from a new allocation of just their
// size, so that a pointer kept or a byte read too far is seen by the address sanitizer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/resp_decoder.h"

namespace plimsoll::detail {

class RespTranscript {
 public:
  explicit RespTranscript(const RespDecoder::Options& options = {}) : decoder_(options) {}

  // Asked before each request and at each body: true to skip. `taken` of the body have been taken by then.
  std::function<bool()> skip = [] { return false; };

  void feed(std::string_view piece) {
    if (body_left_ > 0) piece.remove_prefix(take_body(piece));
    pending_ += piece;
    while (!closed_ && body_left_ == 0 && step()) {
    }
  }

  // "SET|key|value" for a request, "empty", "skipped", "error: <text>".
  const std::vector<std::string>& events() const { return events_; }
  const RespDecoder& decoder() const { return decoder_; }
  bool closed() const { return closed_; }
  std::size_t bodies_seen() const { return bodies_seen_; }
  std::size_t pending() const { return pending_.size(); }

 private:
  // False when more bytes are needed.
  bool step() {
    std::vector<char> copy(pending_.begin(), pending_.end());
    const std::span<char> in(copy);
    const RespDecoder::Status status = decoder_.next(in);
    decoder_.CheckInvariants(in.size());
    const bool more = handle(status, in);
    pending_.erase(0, decoder_.consumed());
    return more;
  }

  bool handle(RespDecoder::Status status, std::span<const char> in) {
    switch (status) {
      case RespDecoder::Status::kNeedMore:
        PLIMSOLL_CHECK(decoder_.needed() == 0 || decoder_.needed() > in.size());
        return false;
      case RespDecoder::Status::kCommand:
        add_command(in);
        return true;
      case RespDecoder::Status::kEmpty:
        events_.push_back("empty");
        return true;
      case RespDecoder::Status::kSkipped:
        events_.push_back("skipped");
        return true;
      case RespDecoder::Status::kGrow:
        grow_or_skip();
        return true;
      case RespDecoder::Status::kBody:
        return start_body(in);
      case RespDecoder::Status::kError:
        events_.push_back("error: " + std::string(decoder_.error().view()));
        closed_ = true;
        return false;
    }
    return false;
  }

  void add_command(std::span<const char> in) {
    PLIMSOLL_CHECK(!decoder_.args().empty());
    PLIMSOLL_CHECK(decoder_.bodies() == bodies_.size());
    std::string text;
    for (const RespArg& arg : decoder_.args()) {
      if (&arg != decoder_.args().data()) text += '|';
      if (arg.is_body) PLIMSOLL_CHECK(bodies_[arg.offset].size() == arg.size);
      text += arg.is_body ? std::string_view(bodies_[arg.offset]) : arg.view(in);
    }
    bodies_.clear();
    events_.push_back(std::move(text));
  }

  void grow_or_skip() {
    if (skip()) {
      bodies_.clear();
      return decoder_.skip();
    }
    const Bytes expected = decoder_.memory() + decoder_.growth();
    PLIMSOLL_CHECK(decoder_.grow() && decoder_.memory() == expected);
  }

  bool start_body(std::span<const char> in) {
    PLIMSOLL_CHECK(decoder_.body_index() == bodies_.size());
    ++bodies_seen_;
    if (skip()) {
      bodies_.clear();
      decoder_.skip();
      return true;
    }
    bodies_.emplace_back();
    body_left_ = decoder_.body_size();
    const std::size_t offset = decoder_.body_offset();
    PLIMSOLL_CHECK(in.size() - offset < body_left_);
    take_body({in.data() + offset, in.size() - offset});
    if (body_left_ == 0) return true;  // skipped on the way
    pending_.resize(offset);
    return false;
  }

  std::size_t take_body(std::string_view piece) {
    const std::size_t taken = std::min<std::size_t>(body_left_, piece.size());
    bodies_.back() += piece.substr(0, taken);
    body_left_ -= taken;
    if (body_left_ == 0) {
      decoder_.body_done();
    } else if (taken > 0 && skip()) {
      pending_.resize(decoder_.body_offset());
      decoder_.skip(bodies_.back().size());
      bodies_.clear();
      body_left_ = 0;
    }
    return taken;
  }

  RespDecoder decoder_;
  std::string pending_;
  std::vector<std::string> bodies_;
  std::uint64_t body_left_ = 0;
  std::vector<std::string> events_;
  std::size_t bodies_seen_ = 0;
  bool closed_ = false;
};

}  // namespace plimsoll::detail
