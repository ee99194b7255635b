#include "plimsoll/commitlog/internal/decompressor.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

constexpr std::size_t kChunk = std::size_t{16} << 10;
constexpr std::size_t kPiece = std::size_t{32} << 10;

// What of each codec fits into the memory that is given.
struct Room {
  std::size_t snappy_folded;  // of a block
  std::size_t snappy_unfolded;
  unsigned lz4_block;  // as its header numbers them: 6 is 1 MiB, 7 is 4 MiB; two of them are held
  int zstd_window_log;
};
constexpr Room kUsual{std::size_t{1} << 20, std::size_t{3} << 20, 6, 21};
constexpr Room kMost{std::size_t{4} << 20, std::size_t{8} << 20, 7, 23};

enum Codec : unsigned { kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

// The compressed bytes, of a file a chunk at a time.
class Input {
 public:
  explicit Input(const Decompressor::From& from) : file_(from.file), range_(from.range) {
    if (file_ != nullptr) return;
    range_ = {};
    here_ = from.held;
  }

  // Reads on when what is there is used up; false when the disk does not read.
  bool fill() {
    if (!here_.empty() || range_.size == 0) return true;
    chunk_.resize(kChunk);
    const std::size_t wanted = std::min<std::size_t>(kChunk, range_.size);
    const Result<std::size_t> got = file_->read_at(range_.position, {chunk_.data(), wanted});
    if (!got || *got == 0) return false;
    here_ = {chunk_.data(), *got};
    range_.position += *got;
    range_.size -= *got;
    return true;
  }
  std::string_view rest() const { return here_; }
  void use(std::size_t bytes) { here_.remove_prefix(bytes); }
  std::uint64_t left() const { return here_.size() + range_.size; }
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
  const StoredFile* file_;
  FileRange range_;
  std::string_view here_;  // what is in memory and not used
  std::vector<char> chunk_;
};

// gzip, lz4 and zstd are streams: `Stream` turns some of the input into some of a piece.
template <typename Stream>
class Streamed final : public Decompressor {
 public:
  Streamed(const Decompressor::From& from, const Room& room) : input_(from), stream_(room) {}
  bool ready() const { return stream_.ready(); }
  bool too_large() const override { return stream_.too_large(); }

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
  explicit GzipStream(const Room&)
      : ready_(inflateInit2(&stream_, 15 + 32) == Z_OK) {}  // 32: gzip's header or zlib's
  ~GzipStream() {
    if (ready_) inflateEnd(&stream_);
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  bool ready() const { return ready_; }
  bool too_large() const { return false; }
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
  explicit Lz4Stream(const Room& room) : largest_block_(room.lz4_block) {
    ready_ = LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) == 0;
  }
  ~Lz4Stream() { LZ4F_freeDecompressionContext(context_); }
  Lz4Stream(const Lz4Stream&) = delete;
  Lz4Stream& operator=(const Lz4Stream&) = delete;

  bool ready() const { return ready_; }
  bool too_large() const { return too_large_; }
  bool ended() const { return ended_; }
  bool run(std::string_view from, std::size_t& used, std::span<char> to, std::size_t& made) {
    // The sixth byte tells how large blocks are.
    if (!std::exchange(begun_, true)) {
      if (from.size() < 6) return false;
      too_large_ = (static_cast<unsigned char>(from[5]) >> 4 & 7u) > largest_block_;
      if (too_large_) return false;
    }
    used = from.size();
    made = to.size();
    const std::size_t hint = LZ4F_decompress(context_, to.data(), &made, from.data(), &used, nullptr);
    ended_ = hint == 0;
    return LZ4F_isError(hint) == 0;
  }

 private:
  const unsigned largest_block_;
  LZ4F_dctx* context_ = nullptr;
  bool begun_ = false;
  bool too_large_ = false;
  bool ready_ = false;
  bool ended_ = false;
};

class ZstdStream {
 public:
  explicit ZstdStream(const Room& room) : stream_(ZSTD_createDStream()) {
    if (stream_ != nullptr) ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, room.zstd_window_log);
  }
  ~ZstdStream() { ZSTD_freeDStream(stream_); }
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

  bool ready() const { return stream_ != nullptr; }
  bool too_large() const { return too_large_; }
  bool ended() const { return ended_; }
  bool run(std::string_view from, std::size_t& used, std::span<char> to, std::size_t& made) {
    ZSTD_inBuffer in{from.data(), from.size(), 0};
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    const std::size_t hint = ZSTD_decompressStream(stream_, &out, &in);
    used = in.pos;
    made = out.pos;
    ended_ = hint == 0;
    too_large_ = ZSTD_getErrorCode(hint) == ZSTD_error_frameParameter_windowTooLarge;
    return ZSTD_isError(hint) == 0;
  }

 private:
  ZSTD_DStream* stream_;
  bool ended_ = false;
  bool too_large_ = false;
};

// Blocks, each behind its length, after a header of 16 bytes (Java's clients, and those that follow them), or
// one block that is all there is.
class SnappyBlocks final : public Decompressor {
 public:
  SnappyBlocks(const Decompressor::From& from, const Room& room) : input_(from), room_(room) {}
  bool too_large() const override { return too_large_; }

  std::optional<std::string_view> next() override {
    static constexpr std::string_view kMagic("\x82SNAPPY\0", 8);
    if (input_.left() == 0) return std::string_view();
    if (!begun_) {
      begun_ = true;
      if (!input_.fill()) return std::nullopt;
      framed_ = input_.rest().starts_with(kMagic);
      if (framed_ && !input_.take(16, block_)) return std::nullopt;
    }
    // Empty blocks are passed over, of which a batch may be full.
    while (input_.left() != 0) {
      if (!unfold()) return std::nullopt;
      if (!piece_.empty()) return piece_;
    }
    return std::string_view();
  }

 private:
  // The next block, into piece_.
  bool unfold() {
    std::uint64_t size = input_.left();
    if (framed_) {
      if (!input_.take(4, block_)) return false;
      size = 0;
      for (char c : block_) size = size << 8 | static_cast<unsigned char>(c);
    }
    too_large_ = size > room_.snappy_folded && size <= input_.left();
    if (too_large_ || !input_.take(size, block_)) return false;
    std::size_t unfolded = 0;
    if (!snappy::GetUncompressedLength(block_.data(), block_.size(), &unfolded)) return false;
    too_large_ = unfolded > room_.snappy_unfolded;
    if (too_large_) return false;
    piece_.resize(unfolded);
    return snappy::RawUncompress(block_.data(), block_.size(), piece_.data());
  }

  Input input_;
  const Room& room_;
  std::string block_;
  std::string piece_;
  bool begun_ = false;
  bool framed_ = false;
  bool too_large_ = false;
};

template <typename Stream>
std::unique_ptr<Decompressor> streamed(const Decompressor::From& from, const Room& room) {
  auto made = std::make_unique<Streamed<Stream>>(from, room);
  return made->ready() ? std::move(made) : nullptr;
}

}  // namespace

std::unique_ptr<Decompressor> Decompressor::of(unsigned codec, const From& from, Bytes memory) {
  PLIMSOLL_CHECK(memory == kMemory || memory == kMostMemory, "no room is known for %llu bytes",
                 static_cast<unsigned long long>(memory.count()));
  const Room& room = memory == kMemory ? kUsual : kMost;
  switch (codec) {
    case kGzip:
      return streamed<GzipStream>(from, room);
    case kSnappy:
      return std::make_unique<SnappyBlocks>(from, room);
    case kLz4:
      return streamed<Lz4Stream>(from, room);
    case kZstd:
      return streamed<ZstdStream>(from, room);
    default:
      return nullptr;
  }
}

}  // namespace plimsoll
