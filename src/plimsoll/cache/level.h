// CacheLevel: a store below the cache's memory: a disk, or a cache on another machine.
//
// What a LowerLevel needs of it, and no more: blocking calls, on threads that wait for nothing else, on keys
// that belong to a generation. Generations are begun and dropped whole, oldest first, which is how a level
// stays within its size without looking at its keys (after the zones of Segcache, Yang et al., NSDI 2021, and
// of flash caches like CacheLib's, Berg et al., OSDI 2020). The interface has no code and no type of ours, so
// that a module that is opened while the program runs needs none of the program's symbols.
// Invariant: what write() has taken is what a later read() finds, in any order that the calls were made in,
// also when the process was killed in between; or failed() was true before, and distrust() was called.
//
// Thread-safety: all methods from any thread; writes of one key come from one thread. Cost: as the store's:
// microseconds to milliseconds. Limits: keys to 40 KiB, values to 2 MiB. Errors: kFailed, and words() says
// why. Ownership: owns its connection or files; views live for the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll {

class CacheLevel {
 public:
  enum class Outcome : std::uint8_t { kDone, kAbsent, kFailed };
  struct Write {
    std::uint32_t generation;
    bool put;  // or an erasure
    std::string_view key;
    std::string_view value;
    std::int64_t expires_at_ms;  // or -1: a hint, for stores that drop by themselves
  };
  struct Figures {
    std::uint64_t stored_bytes = 0;  // on the disk; zero when it is not known
    std::uint64_t memory_bytes = 0;  // of this process that it holds, as far as it knows
    // Of a level made of two (cache/stacked_level.h).
    bool far_up = false;
    std::uint64_t carried = 0, left_behind = 0, far_failures = 0;
  };

  CacheLevel() = default;
  virtual ~CacheLevel() = default;
  CacheLevel(const CacheLevel&) = delete;
  CacheLevel& operator=(const CacheLevel&) = delete;

  // Those it found when it was opened, and those that were begun since; ascending.
  virtual std::vector<std::uint32_t> generations() = 0;
  virtual Outcome begin(std::uint32_t generation) = 0;
  // They are gone when it returns, also for who opens it next.
  virtual Outcome drop_before(std::uint32_t generation) = 0;
  // In order. Writes to a generation that is not there are left out.
  virtual Outcome write(std::span<const Write> writes) = 0;
  // `value` is replaced when it is found.
  virtual Outcome read(std::uint32_t generation, std::string_view key, std::string& value) = 0;
  // The keys of a generation from `from` on, in the order of their bytes, until `visit` says false.
  virtual Outcome each_key(std::uint32_t generation, std::string_view from,
                           const std::function<bool(std::string_view)>& visit) = 0;
  // What it holds must not be read by who opens it next: it may miss an erasure. Needs no room on the disk.
  virtual void distrust() = 0;
  // Empty and trusted again; every generation is gone.
  virtual Outcome restart() = 0;
  // Work of its own, a step of milliseconds, now and then, by the thread that begins generations. kDone:
  // there is more; kAbsent: nothing to do.
  virtual Outcome tend() { return Outcome::kAbsent; }
  virtual Figures figures() = 0;
  virtual std::string words() = 0;  // of the last failure
};

// What a module's one symbol takes and gives.
struct LevelModuleOptions {
  std::uint32_t version;  // of this header: kLevelModuleVersion
  const char* directory;
  std::uint64_t size;           // bytes on the disk, at most about
  std::uint64_t block_cache;    // bytes
  std::uint64_t write_buffers;  // bytes, of all
};
inline constexpr std::uint32_t kLevelModuleVersion = 2;
// Null, and the reason in `error`, when it cannot be opened.
using OpenLevelFunction = CacheLevel* (*)(const LevelModuleOptions* options, char* error, std::size_t size);
inline constexpr const char* kOpenLevelSymbol = "plimsoll_open_level_1";

}  // namespace plimsoll
