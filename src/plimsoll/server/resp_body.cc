// RespConnection's large arguments: admitted against their full size, charged as they come, read into their
// final place.
#include <algorithm>
#include <cstring>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/resp_connection.h"

namespace plimsoll {
namespace {

constexpr std::string_view kTooLarge = "OOM the value is larger than what the memory line can admit at once";
constexpr std::size_t kFirstStep = 64 * 1024;
constexpr std::size_t kLargestStep = 4 * 1024 * 1024;  // more would be evicted at once, and stall the loop
constexpr std::chrono::seconds kAdmissionWait{5};

}  // namespace

// False: the connection is at its end. A body that is refused is skipped as it comes, and the client told.
asio::awaitable<bool> RespConnection::take_body() {
  Body body;
  body.size = decoder_.body_size();
  const bool admitted = co_await admit_body(body);
  if (!admitted) co_return !closed_;
  // What came with the command's head is the body's beginning.
  std::span<char> in = input();
  std::span<char> begun = in.subspan(decoder_.body_offset());
  begun = begun.first(std::min<std::size_t>(begun.size(), body.size));
  body.since = node_.clock.monotonic_now();
  arrival_ = &body;
  bool filled = co_await reserve(body, std::max(begun.size(), std::min<std::size_t>(body.size, kFirstStep)));
  if (filled) {
    in = input();  // may have moved while waiting
    begun = in.subspan(decoder_.body_offset(), begun.size());
    std::memcpy(body.extent->data(), begun.data(), begun.size());
    body.have = begun.size();
    std::memmove(begun.data(), begun.data() + begun.size(),
                 in.size() - decoder_.body_offset() - begun.size());
    // Cut out of the input: what follows the body moves up.
    if (borrowed_ || long_input_) {
      end_ -= begun.size();
    } else {
      kept_.resize(kept_.size() - begun.size());
    }
    filled = co_await fill_body(body);
  }
  arrival_ = nullptr;
  if (closed_) co_return false;
  if (!filled) {
    refuse_request(body.have, kOutOfMemory);
    co_return true;
  }
  body.extent->set_size(body.size);
  bodies_.push_back(std::move(body.extent));
  decoder_.body_done();
  co_return true;
}

asio::awaitable<bool> RespConnection::admit_body(Body& body) {
  const Bytes size(body.size);
  const Admission admission =
      node_.board.look(body.size > kFirstStep ? RequestKind::kBody : RequestKind::kWrite);
  if (!node_.gate.could_admit(size) || admission.verdict == Admission::Verdict::kReject) {
    refuse_request(0, node_.gate.could_admit(size) ? kOutOfMemory : kTooLarge);
    co_return false;
  }
  // Several large arguments of one request hold their places together.
  bool entered = true;
  if (pass_) {
    entered = pass_->extend(size);
  } else {
    pass_.emplace(loop_);
    entered = co_await pass_->enter(size, node_.clock.monotonic_now() + kAdmissionWait);
  }
  if (!entered) {
    if (!closed_) refuse_request(0, kOutOfMemory);
    co_return false;
  }
  Result<ExtentRef> extent = node_.cache.open_extent(body.size, node_.bodies);
  if (!extent) {
    refuse_request(0, kOutOfMemory);
    co_return false;
  }
  body.extent = std::move(*extent);
  co_return true;
}

// A write at the line evicts as many bytes as it adds; when that is not enough, it waits its turn for memory.
asio::awaitable<bool> RespConnection::reserve(Body& body, std::size_t size) {
  if (node_.cache.reserve(*body.extent, size)) co_return true;
  const Bytes missing(size - body.extent->reserved() + 4096);
  keep_input();
  Charge charge = co_await wait_for_memory(loop_, node_.bodies, missing,
                                           node_.clock.monotonic_now() + std::chrono::seconds(1), "body");
  if (closed_ || !charge) co_return false;
  charge.release();
  co_return body.extent->reserve(size);
}

asio::awaitable<bool> RespConnection::fill_body(Body& body) {
  while (body.have < body.size && !closed_) {
    if (body.have == body.extent->reserved()) {
      const std::size_t step =
          std::min<std::size_t>(body.size, body.have + std::clamp(body.have, kFirstStep, kLargestStep));
      const bool reserved = co_await reserve(body, step);
      if (!reserved) co_return false;
    }
    const std::size_t room = std::min<std::size_t>(body.size, body.extent->reserved()) - body.have;
    std::size_t got = 0;
    if (!receive(body.extent->data() + body.have, room, got)) {
      close();
    } else if (got > 0) {
      body.have += got;
    } else {
      keep_input();
      const bool readable = co_await wait_readable();
      if (!readable) close();
    }
  }
  co_return !closed_;
}

}  // namespace plimsoll
