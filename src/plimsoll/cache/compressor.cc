#include "plimsoll/cache/compressor.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <span>

namespace plimsoll {
namespace {

constexpr int kZstdLevel = 1;  // 3 makes 1 KiB of JSON 1 % smaller, for twice the context
constexpr unsigned kCodecShift = 30;
constexpr std::uint32_t kMark = 1u << 29;
constexpr std::uint32_t kSizeMask = kMark - 1;
constexpr std::uint64_t kTimed = 16;  // one in so many

struct Row {
  Compression compression;
  std::string_view name;
};
constexpr Row kRows[] = {
    {Compression::kOff, "off"}, {Compression::kLz4, "lz4"}, {Compression::kZstd, "zstd"}};

struct FreePacking {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeUnpacking {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::uint32_t prefix_of(std::string_view packed) {
  std::uint32_t prefix = 0;
  if (packed.size() > Compressor::kPrefix) std::memcpy(&prefix, packed.data(), sizeof prefix);
  return prefix;
}

}  // namespace

std::string_view name_of(Compression compression) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                [&](const Row& r) { return r.compression == compression; });
  return row == std::end(kRows) ? "unknown" : row->name;
}

std::optional<Compression> compression_named(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.compression;
  }
  return std::nullopt;
}

// Every part is made when it is first needed, and charged then as what it is.
struct Compressor::Context {
  explicit Context(Account& account) : charge(account.charge_held(Bytes(sizeof(Context)))) {}

  std::span<char> buffer(std::size_t size) {
    if (size > capacity) {
      capacity = std::bit_ceil(std::max(size, std::size_t{1024}));
      bytes = std::make_unique_for_overwrite<char[]>(capacity);
      account_for();
    }
    return {bytes.get(), size};
  }
  char* lz4_state() {
    if (!lz4) {
      lz4 = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(LZ4_sizeofState()));
      account_for();
    }
    return lz4.get();
  }
  ZSTD_CCtx* zstd_packing() {
    if (packing == nullptr) {
      packing.reset(ZSTD_createCCtx());
      if (packing == nullptr) return nullptr;
      ZSTD_CCtx_setParameter(packing.get(), ZSTD_c_compressionLevel, kZstdLevel);
      ZSTD_CCtx_setParameter(packing.get(), ZSTD_c_contentSizeFlag, 0);  // the prefix has it
    }
    return packing.get();
  }
  ZSTD_DCtx* zstd_unpacking() {
    if (unpacking == nullptr) {
      unpacking.reset(ZSTD_createDCtx());
      account_for();
    }
    return unpacking.get();
  }
  // What is held by now, as zstd's contexts grow with what they are given.
  void account_for() {
    std::size_t held = sizeof(Context) + capacity;
    if (lz4) held += static_cast<std::size_t>(LZ4_sizeofState());
    if (packing) held += ZSTD_sizeof_CCtx(packing.get());
    if (unpacking) held += ZSTD_sizeof_DCtx(unpacking.get());
    const Bytes now(held);
    if (now > charge.size()) charge.merge(charge.account()->charge_held(now - charge.size()));
    if (now < charge.size()) charge.shrink(charge.size() - now);
  }

  Charge charge;
  std::size_t capacity = 0;
  std::unique_ptr<char[]> bytes;
  std::unique_ptr<char[]> lz4;
  std::unique_ptr<ZSTD_CCtx, FreePacking> packing;
  std::unique_ptr<ZSTD_DCtx, FreeUnpacking> unpacking;
};

Compressor::Compressor(const Options& options) : options_(options) {}

Compressor::~Compressor() {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(in_use_ == 0, "%zu buffers outlive their compressor", in_use_);
}

Compressor::Context* Compressor::take(bool must) {
  {
    MutexLock lock(mutex_);
    if (idle_.empty() && in_use_ >= options_.contexts && !must) return nullptr;
    ++in_use_;
    if (!idle_.empty()) {
      Context* context = idle_.back().release();
      idle_.pop_back();
      return context;
    }
  }
  auto context = std::make_unique<Context>(options_.account);
  held_.fetch_add(context->charge.size().count(), std::memory_order_relaxed);
  return context.release();
}

void Compressor::put_back(Context* context) {
  std::unique_ptr<Context> last(context);
  MutexLock lock(mutex_);
  --in_use_;
  if (idle_.size() + in_use_ < options_.contexts) idle_.push_back(std::move(last));
  if (last) held_.fetch_sub(last->charge.size().count(), std::memory_order_relaxed);
}

Compressor::Buffer Compressor::pack(Compression with, std::string_view value) {
  if (with == Compression::kOff || !suits(value.size())) return {};
  Context* context = take(false);
  if (context == nullptr) return {};
  Buffer buffer(*this, context);
  const std::size_t before = context->charge.size().count();
  // One byte more than the eighth leaves is not worth writing: the codecs stop there.
  const std::size_t most = value.size() - value.size() / 8;
  const std::span<char> to = context->buffer(most);
  char* const body = to.data() + kPrefix;
  std::size_t size = 0;
  if (with == Compression::kLz4) {
    size = static_cast<std::size_t>(LZ4_compress_fast_extState(context->lz4_state(), value.data(), body,
                                                               static_cast<int>(value.size()),
                                                               static_cast<int>(most - kPrefix), 1));
  } else if (ZSTD_CCtx* zstd = context->zstd_packing()) {
    size = ZSTD_compress2(zstd, body, most - kPrefix, value.data(), value.size());
    if (ZSTD_isError(size) != 0) size = 0;
    context->account_for();
  }
  held_.fetch_add(context->charge.size().count() - before, std::memory_order_relaxed);
  if (size == 0) {
    did_not_pay_.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
  const auto prefix = static_cast<std::uint32_t>(value.size()) | static_cast<std::uint32_t>(with)
                                                                     << kCodecShift;
  std::memcpy(to.data(), &prefix, sizeof prefix);
  buffer.view_ = {to.data(), kPrefix + size};
  packed_.fetch_add(1, std::memory_order_relaxed);
  return buffer;
}

Compression Compressor::codec_of(std::string_view packed) {
  const std::uint32_t codec = prefix_of(packed) >> kCodecShift;
  return codec < kCompressions.size() ? static_cast<Compression>(codec) : Compression::kOff;
}

std::size_t Compressor::unpacked_size(std::string_view packed) {
  return codec_of(packed) == Compression::kOff ? 0 : prefix_of(packed) & kSizeMask;
}

bool Compressor::marked(std::string_view packed) { return (prefix_of(packed) & kMark) != 0; }

void Compressor::mark(char* packed, bool marked) {
  std::uint32_t prefix = 0;
  std::memcpy(&prefix, packed, sizeof prefix);
  prefix = marked ? prefix | kMark : prefix & ~kMark;
  std::memcpy(packed, &prefix, sizeof prefix);
}

Result<Compressor::Buffer> Compressor::unpack(std::string_view packed) {
  const std::size_t size = unpacked_size(packed);
  if (!suits(size)) return fail(ErrorCode::kInvalid, "a packed value begins with its codec and length");
  Context* context = take(true);
  Buffer buffer(*this, context);
  const std::uint64_t number = unpacked_.fetch_add(1, std::memory_order_relaxed);
  const bool timed = number % kTimed == kTimed - 1;
  const auto begin = timed ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  const std::size_t before = context->charge.size().count();
  const Result<void> done = unpack_into(*context, packed, size);
  held_.fetch_add(context->charge.size().count() - before, std::memory_order_relaxed);
  if (!done) return tl::unexpected(done.error());
  if (timed) {
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begin;
    timed_.fetch_add(1, std::memory_order_relaxed);
    timed_ns_.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
  }
  buffer.view_ = {context->bytes.get(), size};
  return buffer;
}

Result<void> Compressor::unpack_into(Context& context, std::string_view packed, std::size_t size) {
  const std::span<char> to = context.buffer(size);
  const std::string_view body = packed.substr(kPrefix);
  std::size_t made = 0;
  if (codec_of(packed) == Compression::kLz4) {
    const int bytes =
        LZ4_decompress_safe(body.data(), to.data(), static_cast<int>(body.size()), static_cast<int>(size));
    made = bytes < 0 ? 0 : static_cast<std::size_t>(bytes);
  } else {
    ZSTD_DCtx* zstd = context.zstd_unpacking();
    if (zstd == nullptr) return fail(ErrorCode::kRefused, "no memory to unpack with");
    made = ZSTD_decompressDCtx(zstd, to.data(), size, body.data(), body.size());
    if (ZSTD_isError(made) != 0) made = 0;
  }
  if (made != size) return fail(ErrorCode::kInvalid, "a packed value is cut short or was changed");
  return {};
}

Compressor::Stats Compressor::stats() const {
  Stats s{.packed = packed_.load(std::memory_order_relaxed),
          .unpacked = unpacked_.load(std::memory_order_relaxed),
          .did_not_pay = did_not_pay_.load(std::memory_order_relaxed),
          .contexts = Bytes(held_.load(std::memory_order_relaxed))};
  if (const std::uint64_t timed = timed_.load(std::memory_order_relaxed); timed > 0) {
    s.unpack_microseconds =
        static_cast<double>(timed_ns_.load(std::memory_order_relaxed)) / 1000.0 / static_cast<double>(timed);
  }
  return s;
}

}  // namespace plimsoll
