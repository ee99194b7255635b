// SegmentCache: the files and index maps of all logs that are open now, within a number of descriptors and a
// budget of mapped bytes; the coldest go first.
//
// Ten thousand partitions with two maps each would take a third of the maps that a process may have, and 80
// MiB. Who uses a segment holds it while he does, so that one that is dropped here is closed by its last
// user.
//
// Invariant: files() and mapped() are the sums over what is kept; both are within their bounds after each
// call, but for the one entry that was used last.
//
// Thread-safety: any thread; what is in an OpenSegment belongs to whoever holds its partition's lock, but for
// `log`. Cost: a lock and a hash look-up. Limits: above. Errors: none; an index whose map the account refuses
// is dropped.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/commitlog/internal/segment_index.h"
#include "plimsoll/os/storage.h"

namespace plimsoll {

struct OpenSegment {
  std::shared_ptr<StoredFile> log;
  std::optional<SegmentIndex> index;  // opened when it is needed
  bool without_index = false;         // it was refused: search the log
  Charge charge;                      // for the maps
};

class SegmentCache {
 public:
  struct Options {
    Account& indexes;
    Bytes budget;
    std::size_t files;
    bool lock = true;
  };
  struct Key {
    const void* log = nullptr;
    std::int64_t base = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Use {
    std::size_t files = 0;
    Bytes mapped;
    Bytes locked;
    std::uint64_t lock_refusals = 0;
  };

  explicit SegmentCache(const Options& options) : options_(options) {}

  std::shared_ptr<OpenSegment> find(Key key);  // null: not open
  void insert(Key key, std::shared_ptr<OpenSegment> segment);
  // Its index was opened, has grown or was cut. `active`: is appended to, and so to be kept in memory.
  void settle(Key key, OpenSegment& segment, bool active);
  void drop(Key key);
  void drop_all();

  Use use() const;
  std::vector<std::shared_ptr<StoredFile>> files() const;
  void CheckInvariants() const;

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.log) * 31 + std::hash<std::int64_t>()(key.base);
    }
  };
  struct Entry {
    Key key;
    std::shared_ptr<OpenSegment> segment;
    Bytes mapped;
    Bytes locked;
    std::size_t files = 1;
  };
  using Entries = std::list<Entry>;  // hottest first

  bool full() const PLIMSOLL_REQUIRES(mutex_);
  void remove(Entries::iterator at, Entries& gone) PLIMSOLL_REQUIRES(mutex_);
  void shrink(Entries& gone) PLIMSOLL_REQUIRES(mutex_);
  bool drop_coldest_but(Key key);
  bool pay(Key key, OpenSegment& segment, Bytes mapped);

  const Options options_;
  mutable Mutex mutex_;
  Entries entries_ PLIMSOLL_GUARDED_BY(mutex_);
  std::unordered_map<Key, Entries::iterator, Hash> index_ PLIMSOLL_GUARDED_BY(mutex_);
  Use use_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
