// FileLevel: a level below memory for the soak, in temporary files: one a generation, appended to.
//
// What a disk's store keeps of memory is not the cache's, and would hide what is. This one keeps a place for
// each key, and says how much that is. Invariant: a key's place is of its last write.
//
// Thread-safety: all methods from any thread. Cost: a lock, and the page cache's. Limits: keys of eight
// bytes. Errors: kFailed when a file cannot be written. Ownership: its files, which have no names.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <unordered_map>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/level.h"

namespace plimsoll {

class FileLevel final : public CacheLevel {
 public:
  std::vector<std::uint32_t> generations() override;
  Outcome begin(std::uint32_t generation) override;
  Outcome drop_before(std::uint32_t generation) override;
  Outcome write(std::span<const Write> writes) override;
  Outcome read(std::uint32_t generation, std::string_view key, std::string& value) override;
  Outcome each_key(std::uint32_t generation, std::string_view from,
                   const std::function<bool(std::string_view)>& visit) override;
  void distrust() override {}
  Outcome restart() override;
  Figures figures() override;
  std::string words() override { return "a temporary file could not be written"; }

 private:
  struct Place {
    std::uint64_t at;
    std::uint32_t size;
  };
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct Generation {
    std::unique_ptr<std::FILE, Close> file;
    std::uint64_t end = 0;
    std::unordered_map<std::uint64_t, Place> places;
  };
  // Of a node of the table above, with malloc's own, and its part of the buckets.
  static constexpr std::uint64_t kOfAKey = 64;

  bool append(Generation& generation, std::uint64_t key, std::string_view value);

  Mutex mutex_;
  std::map<std::uint32_t, Generation> generations_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
