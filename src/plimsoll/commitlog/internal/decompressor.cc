#include "plimsoll/commitlog/internal/decompressor.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace plimsoll {
namespace {

constexpr std::size_t kChunk = std::size_t{16} << 10;
constexpr std::size_t kPiece = std::size_t{32} << 10;
constexpr std::size_t kLargestFolded = std::size_t{1} << 20;  // of snappy's blocks
constexpr std::size_t kLargestUnfolded = std::size_t{3} << 20;
constexpr int kWindowLog = 21;
enum Codec : unsigned { kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

// The compressed bytes, a chunk at a time.
class Input {
 public:
  Input(const StoredFile& file, FileRange range) : file_(file), range_(range) {}

  // Reads on when what is there is used up; false when the disk does not read.
  bool fill() {
    if (used_ < size_ || range_.size == 0) return true;
    const std::size_t wanted = std::min<std::size_t>(kChunk, range_.size);
    const Result<std::size_t> got = file_.read_at(range_.position, {chunk_.data(), wanted});
    if (!got || *got == 0) return false;
    used_ = 0;
    size_ = *got;
    range_.position += *got;
    range_.size -= *got;
    return true;
  }
  std::string_view rest() const { return {chunk_.data() + used_, size_ - used_}; }
  void use(std::size_t bytes) { used_ += bytes; }
  std::uint64_t left() const { return size_ - used_ + range_.size; }
  // The next `bytes` of all, in one piece.
  bool take(std::size_t bytes, std::string& into) {
    into.clear();
    while (into.size() < bytes) {
      if (!fill() || rest().empty()) return false;
      const std::string_view part = rest().substr(0, bytes - into.size());
      into += part;
      use(part.size());
    }
    return true;
  }

 private:
  const StoredFile& file_;
  FileRange range_;
  std::size_t used_ = 0;
  std::size_t size_ = 0;
  std::array<char, kChunk> chunk_;
};

// gzip, lz4 and zstd are streams: `Stream` turns some of the input into some of a piece.
template <typename Stream>
class Streamed final : public Decompressor {
 public:
  Streamed(const StoredFile& file, FileRange range) : input_(file, range) {}
  bool ready() const { return stream_.ready(); }

  std::optional<std::string_view> next() override {
    while (!stream_.ended()) {
      if (!input_.fill()) return std::nullopt;
      const std::string_view from = input_.rest();
      std::size_t used = 0;
      std::size_t made = 0;
      if (!stream_.run(from, used, {piece_.data(), piece_.size()}, made)) return std::nullopt;
      input_.use(used);
      if (made > 0) return std::string_view(piece_.data(), made);
      if (used == 0 && from.empty()) return std::nullopt;  // it wants more than there is
    }
    return std::string_view();
  }

 private:
  Input input_;
  Stream stream_;
  std::vector<char> piece_ = std::vector<char>(kPiece);
};

class GzipStream {
 public:
  GzipStream() : ready_(inflateInit2(&stream_, 15 + 32) == Z_OK) {}  // 32: gzip's header or zlib's
  ~GzipStream() {
    if (ready_) inflateEnd(&stream_);
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  bool ready() const { return ready_; }
  bool ended() const { return ended_; }
  bool run(std::string_view from, std::size_t& used, std::span<char> to, std::size_t& made) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from.data()));
    stream_.avail_in = static_cast<uInt>(from.size());
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = static_cast<uInt>(to.size());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    used = from.size() - stream_.avail_in;
    made = to.size() - stream_.avail_out;
    ended_ = status == Z_STREAM_END;
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
  }

 private:
  z_stream stream_{};
  bool ready_;
  bool ended_ = false;
};

class Lz4Stream {
 public:
  Lz4Stream() { ready_ = LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) == 0; }
  ~Lz4Stream() { LZ4F_freeDecompressionContext(context_); }
  Lz4Stream(const Lz4Stream&) = delete;
  Lz4Stream& operator=(const Lz4Stream&) = delete;

  bool ready() const { return ready_; }
  bool ended() const { return ended_; }
  bool run(std::string_view from, std::size_t& used, std::span<char> to, std::size_t& made) {
    // The sixth byte tells how large blocks are; two of the largest, 4 MiB, would be held.
    constexpr unsigned kFourMiB = 7;
    if (!std::exchange(begun_, true) &&
        (from.size() < 6 || (static_cast<unsigned char>(from[5]) >> 4 & 7u) == kFourMiB))
      return false;
    used = from.size();
    made = to.size();
    const std::size_t hint = LZ4F_decompress(context_, to.data(), &made, from.data(), &used, nullptr);
    ended_ = hint == 0;
    return LZ4F_isError(hint) == 0;
  }

 private:
  LZ4F_dctx* context_ = nullptr;
  bool begun_ = false;
  bool ready_ = false;
  bool ended_ = false;
};

class ZstdStream {
 public:
  ZstdStream() : stream_(ZSTD_createDStream()) {
    if (stream_ != nullptr) ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kWindowLog);
  }
  ~ZstdStream() { ZSTD_freeDStream(stream_); }
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

  bool ready() const { return stream_ != nullptr; }
  bool ended() const { return ended_; }
  bool run(std::string_view from, std::size_t& used, std::span<char> to, std::size_t& made) {
    ZSTD_inBuffer in{from.data(), from.size(), 0};
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    const std::size_t hint = ZSTD_decompressStream(stream_, &out, &in);
    used = in.pos;
    made = out.pos;
    ended_ = hint == 0;
    return ZSTD_isError(hint) == 0;
  }

 private:
  ZSTD_DStream* stream_;
  bool ended_ = false;
};

// Blocks, each behind its length, after a header of 16 bytes (Java's clients, and those that follow them), or
// one block that is all there is.
class SnappyBlocks final : public Decompressor {
 public:
  SnappyBlocks(const StoredFile& file, FileRange range) : input_(file, range) {}

  std::optional<std::string_view> next() override {
    static constexpr std::string_view kMagic("\x82SNAPPY\0", 8);
    if (input_.left() == 0) return std::string_view();
    if (!begun_) {
      begun_ = true;
      if (!input_.fill()) return std::nullopt;
      framed_ = input_.rest().starts_with(kMagic);
      if (framed_ && !input_.take(16, block_)) return std::nullopt;
      if (framed_ && input_.left() == 0) return std::string_view();
    }
    std::uint64_t size = input_.left();
    if (framed_) {
      if (!input_.take(4, block_)) return std::nullopt;
      size = 0;
      for (char c : block_) size = size << 8 | static_cast<unsigned char>(c);
    }
    if (size > kLargestFolded || !input_.take(size, block_)) return std::nullopt;
    std::size_t unfolded = 0;
    if (!snappy::GetUncompressedLength(block_.data(), block_.size(), &unfolded) ||
        unfolded > kLargestUnfolded)
      return std::nullopt;
    piece_.resize(unfolded);
    if (!snappy::RawUncompress(block_.data(), block_.size(), piece_.data())) return std::nullopt;
    if (unfolded == 0) return next();
    return piece_;
  }

 private:
  Input input_;
  std::string block_;
  std::string piece_;
  bool begun_ = false;
  bool framed_ = false;
};

template <typename Stream>
std::unique_ptr<Decompressor> streamed(const StoredFile& file, FileRange range) {
  auto made = std::make_unique<Streamed<Stream>>(file, range);
  return made->ready() ? std::move(made) : nullptr;
}

}  // namespace

std::unique_ptr<Decompressor> Decompressor::of(unsigned codec, const StoredFile& file, FileRange range) {
  switch (codec) {
    case kGzip:
      return streamed<GzipStream>(file, range);
    case kSnappy:
      return std::make_unique<SnappyBlocks>(file, range);
    case kLz4:
      return streamed<Lz4Stream>(file, range);
    case kZstd:
      return streamed<ZstdStream>(file, range);
    default:
      return nullptr;
  }
}

}  // namespace plimsoll
