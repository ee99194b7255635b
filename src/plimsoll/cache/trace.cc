#include "plimsoll/cache/trace.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr int kLargestWindow = 27;  // bits: what `zstd --long` makes
constexpr unsigned char kZstdMagic[4] = {0x28, 0xb5, 0x2f, 0xfd};

bool looks_compressed(std::string_view bytes) {
  return bytes.size() >= sizeof kZstdMagic && std::memcmp(bytes.data(), kZstdMagic, sizeof kZstdMagic) == 0;
}

}  // namespace

// A zstd stream between the source and the lines.
class TraceReader::Unfolder {
 public:
  explicit Unfolder(std::string_view begun) : input_(begun.begin(), begun.end()), end_(begun.size()) {
    input_.resize(std::max(input_.size(), kPiece));
    if (stream_ != nullptr) ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kLargestWindow);
  }
  ~Unfolder() { ZSTD_freeDCtx(stream_); }
  Unfolder(const Unfolder&) = delete;
  Unfolder& operator=(const Unfolder&) = delete;

  Result<std::size_t> read(const Source& source, std::span<char> to) {
    if (stream_ == nullptr) return fail(ErrorCode::kSystem, "there is no memory to decompress with");
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    while (out.pos == 0) {
      // What is unfolded already comes before more is read.
      ZSTD_inBuffer in{input_.data(), end_, begin_};
      const std::size_t left = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(left)) return fail(ErrorCode::kInvalid, "the zstd stream is damaged");
      // Asked with nothing behind a whole frame, it says how much the next one would need.
      if (in.pos > begin_ || out.pos > 0) within_frame_ = left != 0;
      begin_ = in.pos;
      if (out.pos > 0 || begin_ < end_) continue;
      Result<std::size_t> got = source(input_);
      if (!got) return got;
      if (*got == 0) {
        if (within_frame_) return fail(ErrorCode::kInvalid, "the zstd stream ends too early");
        return std::size_t{0};
      }
      begin_ = 0;
      end_ = *got;
    }
    return out.pos;
  }

 private:
  ZSTD_DCtx* stream_ = ZSTD_createDCtx();
  std::vector<char> input_;
  std::size_t begin_ = 0;
  std::size_t end_;
  bool within_frame_ = false;
};

TraceReader::TraceReader(Source source) : source_(std::move(source)), text_(kPiece + kLongestLine) {}
TraceReader::~TraceReader() = default;

Result<std::size_t> TraceReader::fill() {
  std::memmove(text_.data(), text_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const std::span<char> free(text_.data() + end_, text_.size() - end_);
  Result<std::size_t> got = unfolder_ ? unfolder_->read(source_, free) : source_(free);
  if (got) end_ += *got;
  return got;
}

Result<bool> TraceReader::next_line(std::string_view& line) {
  while (true) {
    const char* begin = text_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', end_ - begin_));
    if (newline == nullptr) {
      if (end_ - begin_ >= kLongestLine) {
        ++line_;
        return fail(ErrorCode::kInvalid, "a line is longer than 4096 bytes");
      }
      Result<std::size_t> more = fill();
      if (!more) {
        ++line_;
        return tl::unexpected(more.error());
      }
      if (*more > 0) continue;
      if (begin_ == end_) return false;
    }
    // The last line may have no end.
    begin = text_.data() + begin_;
    const std::size_t length = newline ? static_cast<std::size_t>(newline - begin) : end_ - begin_;
    line = {begin, length};
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin_ += length + (newline != nullptr ? 1 : 0);
    ++line_;
    return true;
  }
}

Result<void> TraceReader::read_header() {
  started_ = true;
  while (end_ < sizeof kZstdMagic) {
    Result<std::size_t> more = fill();
    if (!more) return tl::unexpected(more.error());
    if (*more == 0) break;
  }
  if (looks_compressed({text_.data(), end_})) {
    unfolder_ = std::make_unique<Unfolder>(std::string_view(text_.data(), end_));
    begin_ = end_ = 0;
  }
  std::string_view header;
  Result<bool> there = next_line(header);
  if (!there) return tl::unexpected(there.error());
  line_ = 1;
  bool key = false;
  for (std::size_t column = 0; *there && !header.empty(); ++column) {
    const std::string_view name = trim(take_until(header, ','));
    if (name == "key") key = true, key_column_ = column;
    if (name == "size") size_column_ = column;
  }
  if (!key) {
    return tl::unexpected(
        Error{ErrorCode::kInvalid, 0, "the first line must name the columns, as in key,size,ttl_s,time_s"});
  }
  return {};
}

Result<bool> TraceReader::next(TraceRequest& request) {
  if (!started_) {
    if (Result<void> header = read_header(); !header) {
      line_ = std::max<std::uint64_t>(line_, 1);
      return tl::unexpected(header.error());
    }
  }
  std::string_view line;
  do {
    Result<bool> there = next_line(line);
    if (!there || !*there) return there;
  } while (line.empty());
  request = {};
  bool key = false;
  for (std::size_t column = 0; !line.empty(); ++column) {
    const std::string_view field = take_until(line, ',');
    if (column != key_column_ && column != size_column_) continue;
    const std::optional<std::uint64_t> number = parse_uint64(field);
    if (!number) {
      return fail(ErrorCode::kInvalid, column == key_column_ ? "the key is not an unsigned 64-bit number"
                                                             : "the size is not a number of bytes");
    }
    (column == key_column_ ? request.key : request.size) = *number;
    key |= column == key_column_;
  }
  if (!key) return fail(ErrorCode::kInvalid, "the line has no key");
  return true;
}

Result<Trace> read_trace(TraceReader& reader) {
  Trace trace;
  std::unordered_set<std::uint64_t> keys;
  TraceRequest request;
  while (true) {
    Result<bool> there = reader.next(request);
    if (!there) return tl::unexpected(there.error());
    if (!*there) break;
    trace.requests.push_back(request);
    if (keys.insert(request.key).second) trace.unique_bytes += request.size;
  }
  trace.unique_keys = keys.size();
  return trace;
}

}  // namespace plimsoll
