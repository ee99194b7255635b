#include "plimsoll/wire/resp_decoder.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "plimsoll/wire/internal/inline_request.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::uint32_t kMaxSize = std::numeric_limits<std::int32_t>::max();
constexpr std::uint32_t kFirstHeapArgs = 64;
constexpr std::int64_t kUnauthenticatedArgs = 10;
constexpr std::int64_t kUnauthenticatedBulk = 16384;

std::uint32_t to_size(Bytes bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes.count(), kMaxSize));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

enum class RespDecoder::Fault : std::uint8_t {
  kBigInline,
  kUnbalancedQuotes,
  kBigCount,
  kBadCount,
  kUnauthenticatedCount,
  kBigLength,
  kBadLength,
  kUnauthenticatedLength,
  kNoDollar,
  kBigRequest,
};

RespDecoder::RespDecoder(const Options& options)
    : authenticated_(options.authenticated),
      max_bulk_(to_size(options.max_bulk)),
      body_threshold_(to_size(options.body_threshold)),
      max_line_(to_size(options.max_line)),
      max_args_(std::min(options.max_args, kMaxSize)) {}

RespDecoder::RespDecoder() : RespDecoder(Options{}) {}

void RespDecoder::set_max_bulk(Bytes bytes) { max_bulk_ = to_size(bytes); }

RespDecoder::Status RespDecoder::next(std::span<char> in) {
  consumed_ = 0;
  if (phase_ == Phase::kFailed) return Status::kError;
  if (phase_ == Phase::kDone) reset();
  if (in.size() > kMaxRequest) return failed(Fault::kBigRequest);
  if (phase_ == Phase::kStart || phase_ == Phase::kLine) {
    if (in.empty()) return Status::kNeedMore;
    phase_ = Phase::kLine;
    if (in[0] != '*') return next_inline(in);
    Status status = read_count(in);
    if (phase_ != Phase::kArgs) return status;
  }
  return skipping_ ? skip_args(in) : read_args(in);
}

void RespDecoder::reset() {
  at_ = scanned_ = 0;
  count_ = remaining_ = bodies_ = 0;
  has_bulk_ = skipping_ = false;
  phase_ = Phase::kStart;
}

RespDecoder::Status RespDecoder::failed(Fault fault) {
  phase_ = Phase::kFailed;
  fault_ = fault;
  return Status::kError;
}

// The request ends at at_.
RespDecoder::Status RespDecoder::finished(Status status) {
  phase_ = Phase::kDone;
  consumed_ = at_;
  return status;
}

// Moves scanned_ to the first `end` at or after at_. A NUL hides what follows it, since Redis searches its
// buffer as a C string: the search stays there until the line is too long.
bool RespDecoder::find_line_end(std::span<const char> in, char end) {
  scanned_ = std::max(scanned_, at_);
  const char* from = in.data() + scanned_;
  std::size_t left = in.size() - scanned_;
  if (left == 0) return false;
  const void* found = std::memchr(from, end, left);
  if (found != nullptr) left = static_cast<std::size_t>(static_cast<const char*>(found) - from);
  const void* nul = left == 0 ? nullptr : std::memchr(from, '\0', left);
  if (nul != nullptr) left = static_cast<std::size_t>(static_cast<const char*>(nul) - from);
  scanned_ += left;
  return found != nullptr && nul == nullptr;
}

RespDecoder::Status RespDecoder::next_inline(std::span<char> in) {
  if (!find_line_end(in, '\n')) {
    return in.size() > max_line_ ? failed(Fault::kBigInline) : Status::kNeedMore;
  }
  std::size_t size = scanned_;
  if (size > 0 && in[size - 1] == '\r') --size;
  std::optional<std::size_t> arguments = detail::count_inline_arguments({in.data(), size});
  if (!arguments) return failed(Fault::kUnbalancedQuotes);
  remaining_ = static_cast<std::uint32_t>(*arguments);
  if (!skipping_ && remaining_ > capacity_) return Status::kGrow;
  at_ = scanned_ + 1;
  if (skipping_) return finished(Status::kSkipped);
  if (remaining_ == 0) return finished(Status::kEmpty);
  detail::InlineReader reader(in.first(size));
  for (; remaining_ > 0; --remaining_) {
    std::string_view argument = reader.take();
    store(static_cast<std::size_t>(argument.data() - in.data()), argument.size(), false);
  }
  return finished(Status::kCommand);
}

// "*<count>\r\n".
RespDecoder::Status RespDecoder::read_count(std::span<const char> in) {
  // One digit is what nearly all requests have.
  if (in.size() >= 4 && in[2] == '\r' && in[1] >= '1' && in[1] <= '9') {
    at_ = 4;
    return counted(in[1] - '0');
  }
  if (!find_line_end(in, '\r')) {
    return in.size() > max_line_ ? failed(Fault::kBigCount) : Status::kNeedMore;
  }
  if (scanned_ + 2 > in.size()) return Status::kNeedMore;
  std::optional<std::int64_t> count = parse_redis_int64({in.data() + 1, scanned_ - 1});
  if (!count) return failed(Fault::kBadCount);
  at_ = scanned_ + 2;
  return counted(*count);
}

RespDecoder::Status RespDecoder::counted(std::int64_t count) {
  if (count > max_args_) return failed(Fault::kBadCount);
  if (count > kUnauthenticatedArgs && !authenticated_) return failed(Fault::kUnauthenticatedCount);
  if (count <= 0) return finished(skipping_ ? Status::kSkipped : Status::kEmpty);
  remaining_ = static_cast<std::uint32_t>(count);
  phase_ = Phase::kArgs;
  return Status::kNeedMore;
}

RespDecoder::Status RespDecoder::read_args(std::span<const char> in) {
  if (phase_ == Phase::kBody) return Status::kBody;
  if (phase_ == Phase::kBodyEnd) {
    if (in.size() < at_ + 2) return Status::kNeedMore;
    at_ += 2;
    phase_ = Phase::kArgs;
  }
  for (; remaining_ > 0; --remaining_) {
    if (!has_bulk_) {
      if (count_ == capacity_) return Status::kGrow;
      Status status = read_length(in);
      if (!has_bulk_) return status;
    }
    const std::size_t left = in.size() - at_;
    if (left < std::size_t{bulk_} + 2) {
      if (bulk_ < body_threshold_ || left >= bulk_) return Status::kNeedMore;
      phase_ = Phase::kBody;
      return Status::kBody;
    }
    store(at_, bulk_, false);
    at_ += std::size_t{bulk_} + 2;
    has_bulk_ = false;
  }
  return finished(Status::kCommand);
}

// "$<length>\r\n", in the form every client sends; what is cut, or odd, goes the slow way.
RespDecoder::Status RespDecoder::read_length(std::span<const char> in) {
  constexpr std::size_t kMostDigits = 9;
  const char* p = in.data() + at_;
  const std::size_t left = in.size() - at_;
  const std::size_t most = std::min(left, kMostDigits + 1);
  std::uint32_t length = 0;
  std::size_t i = 1;
  for (; i < most && is_digit(p[i]); ++i) length = length * 10 + static_cast<std::uint32_t>(p[i] - '0');
  const bool plain = i > 1 && i + 1 < left && p[0] == '$' && p[i] == '\r' && (p[1] != '0' || i == 2);
  if (!plain || length > max_bulk_ || !authenticated_) return read_length_slowly(in);
  at_ += i + 2;
  bulk_ = length;
  has_bulk_ = true;
  return Status::kNeedMore;
}

RespDecoder::Status RespDecoder::read_length_slowly(std::span<const char> in) {
  if (!find_line_end(in, '\r')) {
    return in.size() - at_ > max_line_ ? failed(Fault::kBigLength) : Status::kNeedMore;
  }
  if (scanned_ + 2 > in.size()) return Status::kNeedMore;
  if (in[at_] != '$') {
    got_ = in[at_];
    return failed(Fault::kNoDollar);
  }
  std::optional<std::int64_t> length = parse_redis_int64({in.data() + at_ + 1, scanned_ - at_ - 1});
  if (!length || *length < 0 || *length > max_bulk_) return failed(Fault::kBadLength);
  if (*length > kUnauthenticatedBulk && !authenticated_) return failed(Fault::kUnauthenticatedLength);
  at_ = scanned_ + 2;
  bulk_ = static_cast<std::uint32_t>(*length);
  has_bulk_ = true;
  return Status::kNeedMore;
}

RespDecoder::Status RespDecoder::skip_args(std::span<const char> in) {
  while (remaining_ > 0) {
    if (!has_bulk_) {
      Status status = read_length(in);
      if (status == Status::kError) return status;
      if (!has_bulk_) break;
      bulk_ += 2;
    }
    const std::size_t dropped = std::min<std::size_t>(bulk_, in.size() - at_);
    at_ += dropped;
    bulk_ -= static_cast<std::uint32_t>(dropped);
    if (bulk_ > 0) break;
    has_bulk_ = false;
    --remaining_;
  }
  if (remaining_ == 0) return finished(Status::kSkipped);
  consumed_ = at_;
  scanned_ -= std::min(scanned_, at_);
  at_ = 0;
  return Status::kNeedMore;
}

void RespDecoder::skip(std::uint64_t body_taken) {
  PLIMSOLL_CHECK(!between_requests() && !skipping_);
  PLIMSOLL_CHECK(body_taken == 0 || (phase_ == Phase::kBody && body_taken <= bulk_));
  if (phase_ == Phase::kBodyEnd) {
    bulk_ = 2;
    has_bulk_ = true;
    ++remaining_;
    phase_ = Phase::kArgs;
  } else if (has_bulk_) {
    bulk_ = bulk_ - static_cast<std::uint32_t>(body_taken) + 2;
    phase_ = Phase::kArgs;
  }
  skipping_ = true;
  count_ = bodies_ = 0;
}

void RespDecoder::store(std::size_t offset, std::size_t size, bool is_body) {
  PLIMSOLL_DCHECK(count_ < capacity_);
  RespArg& arg = data()[count_++];
  arg.offset = static_cast<std::uint32_t>(offset);
  arg.size = static_cast<std::uint32_t>(size) & kMaxSize;
  arg.is_body = is_body ? 1 : 0;
}

void RespDecoder::body_done() {
  PLIMSOLL_CHECK(phase_ == Phase::kBody);
  store(bodies_++, bulk_, true);
  has_bulk_ = false;
  --remaining_;
  phase_ = Phase::kBodyEnd;
}

// Doubles, but never beyond what was announced.
std::uint32_t RespDecoder::grown_capacity() const {
  const std::uint32_t doubled = std::max(kFirstHeapArgs, capacity_ * 2);
  return std::min(std::max(doubled, phase_ == Phase::kLine ? remaining_ : 0), count_ + remaining_);
}

Bytes RespDecoder::growth() const {
  return Bytes(std::uint64_t{grown_capacity()} * sizeof(RespArg)) - memory();
}

bool RespDecoder::grow() noexcept {
  const std::uint32_t capacity = grown_capacity();
  std::unique_ptr<RespArg[]> grown(new (std::nothrow) RespArg[capacity]);
  if (!grown) return false;
  std::copy_n(data(), count_, grown.get());
  heap_ = std::move(grown);
  capacity_ = capacity;
  return true;
}

void RespDecoder::trim() {
  if (!between_requests()) return;
  reset();
  heap_.reset();
  capacity_ = kInlineArgs;
}

RespErrorText RespDecoder::error() const {
  PLIMSOLL_CHECK(phase_ == Phase::kFailed);
  static constexpr std::string_view kTexts[] = {
      "ERR Protocol error: too big inline request",
      "ERR Protocol error: unbalanced quotes in request",
      "ERR Protocol error: too big mbulk count string",
      "ERR Protocol error: invalid multibulk length",
      "ERR Protocol error: unauthenticated multibulk length",
      "ERR Protocol error: too big bulk count string",
      "ERR Protocol error: invalid bulk length",
      "ERR Protocol error: unauthenticated bulk length",
      "ERR Protocol error: expected '$', got '?'",
      "ERR Protocol error: too big request",
  };
  const std::string_view text = kTexts[static_cast<std::size_t>(fault_)];
  RespErrorText error{};
  static_assert(sizeof(error.text) > 52);
  std::copy(text.begin(), text.end(), error.text.begin());
  error.size = static_cast<std::uint8_t>(text.size());
  if (fault_ == Fault::kNoDollar) {
    error.text[text.size() - 2] = got_ == '\r' || got_ == '\n' ? ' ' : got_;  // it must stay one line
  }
  return error;
}

void RespDecoder::CheckInvariants(std::size_t in_size) const {
  PLIMSOLL_CHECK(at_ <= in_size, "read %zu of %zu bytes", at_, in_size);
  PLIMSOLL_CHECK(consumed_ <= in_size);
  PLIMSOLL_CHECK(count_ <= capacity_);
  PLIMSOLL_CHECK(capacity_ == kInlineArgs || heap_);
  std::size_t bodies = 0;
  for (const RespArg& arg : args()) {
    if (arg.is_body) {
      PLIMSOLL_CHECK(arg.offset == bodies);
      ++bodies;
    } else {
      PLIMSOLL_CHECK(arg.offset + std::size_t{arg.size} <= at_);
    }
  }
  PLIMSOLL_CHECK(bodies == bodies_);
}

}  // namespace plimsoll
