// RespDecoder: finds the requests in a RESP2 client's bytes, as a Redis 7.0 server does.
//
// It allocates and copies nothing on the usual path: arguments are offsets into the caller's bytes. State is
// kept between calls, so that a request that comes a byte at a time costs no more than one that comes whole.
// Large arguments are announced (kBody) before they are there, so that the caller can admit their memory and
// read them from the socket into their final place. Behaviour and error texts are those of Redis 7.0.15,
// oddities included: the two bytes after an argument, and the one after a '\r', are not looked at; a request
// of no or fewer arguments is ignored; a NUL ends the search for the end of a line.
//
// `in` always begins where the request under way begins, and holds what has come since. It may lie at another
// address in each call. After every call, first drop consumed() bytes from its front:
//
//   for (bool more = true; more; in = in.subspan(decoder.consumed())) {
//     switch (decoder.next(in)) {
//       case RespDecoder::Status::kCommand:   // arguments are views until the next call of next()
//         execute(decoder.args(), in, bodies);
//         bodies.clear();
//         break;
//       case RespDecoder::Status::kBody:      // to the end of `in` there is nothing but the body's beginning
//         if (!admit(decoder.body_size())) {
//           decoder.skip();                   // the decoder throws the body away, and ends with kSkipped
//           break;
//         }
//         bodies.start(decoder.body_size(), in.subspan(decoder.body_offset()));
//         keep(in.first(decoder.body_offset()));
//         return;  // read body_size() bytes in all into the body; then decoder.body_done(), and go on with
//                  // in = what was kept + what follows the body
//       case RespDecoder::Status::kGrow:      // rare: more than kInlineArgs arguments
//         if (!charge(decoder.growth()) || !decoder.grow()) decoder.skip();
//         break;
//       case RespDecoder::Status::kEmpty: break;
//       case RespDecoder::Status::kSkipped: reply.error("OOM ..."); break;
//       case RespDecoder::Status::kError: reply.error(decoder.error().view()); close(); return;
//       case RespDecoder::Status::kNeedMore: more = false; break;
//     }
//   }
//   keep(in);  // and read more behind it
//
// Invariant: every argument that is not a body lies within the bytes of `in` read so far; the bodies among
// args() are numbered in their order.
//
// Thread-safety: one thread. Cost: 20-30 ns a request of two or three arguments, O(1) for each byte however
// they are cut; sizeof is below 192. Limits: 2^31-1 arguments, arguments to Options::max_bulk, 1 GiB of `in`.
// Errors: the client's are kError and error(); nothing the client sends aborts. Ownership: it keeps no
// pointer into `in`; it owns the argument list, of which memory() bytes are on the heap (only after grow()).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/check.h"

namespace plimsoll {

// Where an argument is: in the bytes of the request, or, when it was taken as a body, which of the request's
// bodies it is (0, 1, ...).
struct RespArg {
  std::uint32_t offset;
  std::uint32_t size : 31;
  std::uint32_t is_body : 1;

  // REQUIRES: not is_body; `in` is what next() was given.
  std::string_view view(std::span<const char> in) const {
    PLIMSOLL_DCHECK(!is_body && offset + std::size_t{size} <= in.size());
    return {in.data() + offset, size};
  }
};

// The text of an error reply, without the leading '-' and the line end.
struct RespErrorText {
  std::array<char, 63> text;
  std::uint8_t size;

  std::string_view view() const { return {text.data(), size}; }
};

class RespDecoder {
 public:
  static constexpr std::size_t kInlineArgs = 8;
  static constexpr std::size_t kMaxRequest = std::size_t{1} << 30;  // Redis's client-query-buffer-limit

  struct Options {
    Bytes max_bulk = 512_MiB;       // proto-max-bulk-len; at most 2^31-1
    Bytes body_threshold = 16_KiB;  // an argument of this size or more that is not all there is a kBody
    Bytes max_line = 64_KiB;        // of a line whose end has not come; a whole one may be longer
    std::uint32_t max_args = std::numeric_limits<std::int32_t>::max();
    bool authenticated = true;  // if not: at most 10 arguments of at most 16 KiB
  };

  enum class Status : std::uint8_t {
    kNeedMore,  // no whole request in `in`
    kCommand,   // args(); the request takes consumed() bytes
    kBody,      // body_size() bytes that begin at body_offset() are for the caller to take, or to skip()
    kGrow,      // the argument list is full: grow() or skip(), then next() with the same bytes
    kEmpty,     // a request without arguments, to be ignored
    kSkipped,   // the request that was skipped ends here
    kError,     // error(); the connection is to be closed. Final.
  };

  explicit RespDecoder(const Options& options);
  RespDecoder();

  // Not const: inline requests with quotes are unquoted where they are.
  Status next(std::span<char> in);

  // Bytes at the front of `in` that are done with. 0 but for kCommand, kEmpty, kSkipped and while skipping.
  std::size_t consumed() const { return consumed_; }

  // All arguments at kCommand; those before the body at kBody. Never empty at kCommand.
  std::span<const RespArg> args() const { return {data(), count_}; }
  // Arguments the client announced for the request under way, this far known; 0 if none is.
  std::size_t announced_args() const { return count_ + remaining_; }
  std::size_t bodies() const { return bodies_; }  // among args()

  std::uint64_t body_size() const { return bulk_; }   // REQUIRES: kBody
  std::size_t body_offset() const { return at_; }     // REQUIRES: kBody
  std::size_t body_index() const { return bodies_; }  // REQUIRES: kBody
  // The caller has taken all of the body, and no byte more: the next byte of `in` at body_offset() is the one
  // after the body. REQUIRES: kBody.
  void body_done();

  // What memory() will rise by (old and new exist together for the time of a copy). REQUIRES: kGrow.
  Bytes growth() const;
  bool grow() noexcept;  // false when the heap refused. REQUIRES: kGrow.
  // Throws the request under way away as it comes, in as little memory as there is: next() answers kNeedMore
  // with consumed() bytes to drop, and at the request's end kSkipped. `body_taken` is what the caller has
  // taken already of the body under way. REQUIRES: a request is under way.
  void skip(std::uint64_t body_taken = 0);

  RespErrorText error() const;  // REQUIRES: kError

  // No request is under way: the next byte begins one.
  bool between_requests() const { return phase_ == Phase::kStart || phase_ == Phase::kDone; }
  // How long `in` must be before next() gets any further, to size buffers by; 0 when that is not known.
  std::size_t needed() const { return has_bulk_ && !skipping_ ? at_ + bulk_ + 2 : 0; }
  Bytes memory() const { return Bytes(heap_ ? capacity_ * sizeof(RespArg) : 0); }
  // Gives the heap's part of the argument list back, if no request is under way. Ends args().
  void trim();

  void set_authenticated(bool yes) { authenticated_ = yes; }
  void set_max_bulk(Bytes bytes);

  void CheckInvariants(std::size_t in_size) const;

 private:
  enum class Phase : std::uint8_t { kStart, kLine, kArgs, kBody, kBodyEnd, kDone, kFailed };
  enum class Fault : std::uint8_t;

  RespArg* data() { return heap_ ? heap_.get() : inline_.data(); }
  const RespArg* data() const { return heap_ ? heap_.get() : inline_.data(); }
  void reset();
  Status failed(Fault fault);
  Status finished(Status status);
  bool find_line_end(std::span<const char> in, char end);
  Status next_inline(std::span<char> in);
  Status read_count(std::span<const char> in);
  Status counted(std::int64_t count);
  Status read_args(std::span<const char> in);
  Status skip_args(std::span<const char> in);
  Status read_length(std::span<const char> in);
  Status read_length_slowly(std::span<const char> in);
  void store(std::size_t offset, std::size_t size, bool is_body);
  std::uint32_t grown_capacity() const;

  // Of the request under way:
  std::size_t at_ = 0;       // read this far
  std::size_t scanned_ = 0;  // searched this far for the end of a line
  std::size_t consumed_ = 0;
  std::uint32_t count_ = 0;      // arguments read
  std::uint32_t remaining_ = 0;  // arguments to come
  std::uint32_t bodies_ = 0;
  std::uint32_t bulk_ = 0;  // bytes of the argument at at_, if has_bulk_; while skipping, what is left of it
  bool has_bulk_ = false;
  bool skipping_ = false;
  Phase phase_ = Phase::kStart;
  Fault fault_{};
  char got_ = 0;  // what came instead of '$'

  bool authenticated_;
  std::uint32_t max_bulk_;
  std::uint32_t body_threshold_;
  std::uint32_t max_line_;
  std::uint32_t max_args_;
  std::uint32_t capacity_ = kInlineArgs;
  std::unique_ptr<RespArg[]> heap_;
  std::array<RespArg, kInlineArgs> inline_;
};

}  // namespace plimsoll
