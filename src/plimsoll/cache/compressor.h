// Compressor: bytes that are seldom needed in fewer bytes, if that pays, and back.
//
// Why: what is cold may stay at a fraction of its memory for a microsecond when it is wanted after all
// (zswap and zram of the kernel; Lagar-Cavilla et al., "Software-defined far memory", ASPLOS 2019). A packed
// value says by itself how it was packed and how long it was, so that the codec can be changed while old
// ones live. What does not save an eighth stays as it is. Invariant: what unpack() gives is what pack() was
// given, or an error.
//
//   Compressor compressor({.account = account});
//   if (Compressor::Buffer packed = compressor.pack(Compression::kLz4, value)) keep(packed.view());
//
// Thread-safety: all methods from any thread; a Buffer is its thread's. Cost: 1 KiB of JSON: lz4 6 us to pack
// and 0.2 us to unpack, zstd (level 1) 12 and 2 us. A context of zstd is 0.3 to 0.6 MiB, of lz4 16 KiB.
// Limits: values of 128 bytes to 64 KiB, as whoever packs may hold a lock. Errors: unpack() says kInvalid of
// bytes that were not packed here; pack() is empty where it does not pay, or all contexts are in use.
// Ownership: the contexts are pooled and charged to the account, which must outlive it; all Buffers end
// before it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/budget/account.h"

namespace plimsoll {

enum class Compression : std::uint8_t { kOff, kLz4, kZstd };

inline constexpr std::array kCompressions{Compression::kOff, Compression::kLz4, Compression::kZstd};

std::string_view name_of(Compression compression);
std::optional<Compression> compression_named(std::string_view name);

class Compressor {
 public:
  static constexpr std::size_t kSmallest = 128;       // shorter ones hold too little that repeats
  static constexpr std::size_t kLargest = 64 * 1024;  // about 0.3 ms of zstd
  static constexpr std::size_t kPrefix = 4;           // of a packed value: codec and length

  struct Options {
    Account& account;
    std::size_t contexts = 4;  // that may pack at once, and are kept
  };
  struct Stats {
    std::uint64_t packed = 0, unpacked = 0;
    std::uint64_t did_not_pay = 0;   // attempts
    double unpack_microseconds = 0;  // the mean of those that were timed, one in 16
    Bytes contexts;
  };

  explicit Compressor(const Options& options);
  ~Compressor();

 private:
  struct Context;

 public:
  // What was packed or unpacked, in a context's memory: short-lived, as another has to be made meanwhile.
  class Buffer {
   public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          context_(std::exchange(other.context_, nullptr)),
          view_(std::exchange(other.view_, {})) {}
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(context_, other.context_);
      std::swap(view_, other.view_);
      return *this;
    }
    ~Buffer() {
      if (owner_ != nullptr) owner_->put_back(context_);
    }
    explicit operator bool() const { return owner_ != nullptr; }
    std::string_view view() const { return view_; }

   private:
    friend class Compressor;
    Buffer(Compressor& owner, Context* context) : owner_(&owner), context_(context) {}
    Compressor* owner_ = nullptr;
    Context* context_ = nullptr;
    std::string_view view_;
  };

  Buffer pack(Compression with, std::string_view value);
  Result<Buffer> unpack(std::string_view packed);
  // By its prefix. kOff and 0 when it is none.
  static Compression codec_of(std::string_view packed);
  static std::size_t unpacked_size(std::string_view packed);
  // A bit of the packed value that is its owner's.
  static bool marked(std::string_view packed);
  static void mark(char* packed, bool marked);
  static bool suits(std::size_t size) { return size >= kSmallest && size <= kLargest; }

  Stats stats() const;

 private:
  // `must`: one more than are kept, if need be.
  Context* take(bool must);
  void put_back(Context* context);
  Result<void> unpack_into(Context& context, std::string_view packed, std::size_t size);

  const Options options_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Context>> idle_ PLIMSOLL_GUARDED_BY(mutex_);
  std::size_t in_use_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  // relaxed, all of them: counts that nothing follows from.
  std::atomic<std::uint64_t> held_{0};
  std::atomic<std::uint64_t> packed_{0};
  std::atomic<std::uint64_t> unpacked_{0};
  std::atomic<std::uint64_t> did_not_pay_{0};
  std::atomic<std::uint64_t> timed_{0};
  std::atomic<std::uint64_t> timed_ns_{0};
};

}  // namespace plimsoll
