// SoakLoad: threads that read, write and erase in byte caches and in a cache of objects, in phases that
// change what is asked for, and that check every value they are given. Reads are without a lock, as a
// server's.
//
// A value is f(key, size), so that whatever mixture of phases wrote it, a read can tell a wrong byte. Phases
// go through every pairing of four patterns, four size classes and three ways of times to live before one
// comes back.
//
// Thread-safety: one owner; the figures from any thread. Cost: a value is checked byte by byte. Limits:
// values to 100 KiB. Errors: counted. Ownership: refers to the caches, which must outlive it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/random.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/cache.h"
#include "plimsoll/cache/lower_level.h"
#include "plimsoll/cli/load_value.h"

namespace plimsoll {

// An object of a size of its own, which it tells the cache.
struct SoakObject {
  std::uint64_t key = 0;
  std::vector<std::uint64_t> words;  // each of them key ^ its place
};
using SoakObjects = Cache<std::uint64_t, SoakObject>;

enum class SoakPattern : std::uint8_t { kZipf, kScan, kLoop, kUniform };
struct SoakSizes {
  const char* name;
  std::size_t least, most;
};
struct SoakTimes {
  const char* name;
  unsigned share;  // of the writes, in a hundred, that have a time to live
  std::int64_t least_ms, most_ms;
};

struct SoakPhase {
  unsigned number = 0;
  SoakPattern pattern = SoakPattern::kZipf;
  SoakSizes sizes{};
  SoakTimes times{};
  std::string name() const;
};
SoakPhase soak_phase(unsigned number);

// A byte cache that is asked.
struct SoakCache {
  ByteCache& cache;
  Bytes budget;
  bool text = false;            // its values repeat themselves, so that packing pays
  LowerLevel* level = nullptr;  // below it; what is there is waited for
};

class SoakLoad {
 public:
  struct Options {
    std::vector<SoakCache> caches;
    SoakObjects& objects;
    Bytes objects_budget;
    unsigned threads = 2;
    std::uint64_t seed = 1;
  };
  struct Counts {
    std::uint64_t reads = 0, hits = 0, writes = 0, erased = 0, wrong = 0;
    std::uint64_t bytes_refused = 0, objects_refused = 0;  // of the writes
  };

  explicit SoakLoad(const Options& options);
  ~SoakLoad();  // stop()
  SoakLoad(const SoakLoad&) = delete;
  SoakLoad& operator=(const SoakLoad&) = delete;

  void enter(unsigned phase) { phase_.store(phase, std::memory_order_relaxed); }
  void stop();
  Counts counts() const;

 private:
  enum Counter : std::uint8_t {
    kReads,
    kHits,
    kWrites,
    kErased,
    kWrong,
    kBytesRefused,
    kObjectsRefused,
    kCounters
  };
  struct Thread;

  void run(unsigned number);
  void ask_bytes(Thread& self);
  void ask_bytes(Thread& self, const SoakCache& asked, std::uint64_t key, std::int64_t now_ms);
  void read_bytes(Thread& self, const SoakCache& asked, std::uint64_t key, std::int64_t now_ms);
  void write_bytes(Thread& self, const SoakCache& asked, std::uint64_t key, std::int64_t now_ms);
  bool right(const SoakCache& asked, std::uint64_t key, std::string_view value) const;
  std::string_view value_of(Thread& self, const SoakCache& asked, std::uint64_t key, std::size_t size) const;
  void ask_objects(Thread& self);
  std::uint64_t draw(Thread& self, std::uint64_t keys);
  void check_held(Thread& self);
  void count(Counter counter) { counters_[counter].fetch_add(1, std::memory_order_relaxed); }

  const Options options_;
  const ValueSource values_;
  const SystemClock clock_;
  std::atomic<unsigned> phase_{0};
  std::atomic<bool> stopping_{false};
  std::array<std::atomic<std::uint64_t>, kCounters> counters_{};
  std::vector<std::thread> threads_;
};

}  // namespace plimsoll
