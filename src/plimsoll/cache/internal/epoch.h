// EpochDomain: memory that a reader without a lock may still look at is ended when no reader can.
//
// Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004): who reads says which epoch it began in;
// what is retired keeps its epoch; when all who read began later, it can be ended. Entering is a store to the
// thread's own line, as the fence that goes with it is paid for by who collects (asymmetric_fence.h). The
// cache has it for what its records point to (objects, descriptors of large values), whose first word, the
// count of references, is looked at by readers before they hold a reference; records themselves have
// read_versions.h. Invariant: nothing retired in epoch e is ended while a reader is inside who entered in e
// or before.
//
//   { EpochReading reading; if (reading) look_at(*pointer); }      // nobody waits in here
//   epochs().retire({.memory = pointer, ...});                     // after it was made unreachable
//
// Thread-safety: all methods from any thread; a Reader belongs to one. Cost: a reading 2 ns; retire() a lock;
// every 64 KiB a collect(), a membarrier. Limits: what waits is at most 256 KiB and what one reading keeps
// back, then retire() waits for readers; not across fork(). Errors: none. Ownership: of what was retired.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/os/asymmetric_fence.h"

namespace plimsoll {

class EpochDomain {
 public:
  struct alignas(64) Reader {
    std::atomic<std::uint64_t> entered{0};  // the epoch, or 0 outside
    bool joined = false;                    // under the domain's lock
  };
  struct Retired {
    void* memory;
    Bytes size;
    void (*end)(void* memory, void* context);
    void* context;
  };
  static constexpr Bytes kBatch = 64_KiB;  // collected when so much waits
  static constexpr Bytes kMost = 256_KiB;  // from here on retire() waits for readers

  EpochDomain() = default;
  ~EpochDomain();
  EpochDomain(const EpochDomain&) = delete;
  EpochDomain& operator=(const EpochDomain&) = delete;

  // A place for a thread that reads; left ones are used again.
  Reader& join();
  void leave(Reader& reader);  // REQUIRES: outside

  void enter(Reader& reader) const {
    // acquire: pairs with collect(): who reads this epoch sees what was unlinked before it began.
    reader.entered.store(epoch_.load(std::memory_order_acquire), std::memory_order_relaxed);
    fence_.light();  // the store comes before what is read; pairs with the heavy fence in collect()
  }
  void exit(Reader& reader) const {
    // release: what was read stays before it; pairs with the acquire in collect().
    reader.entered.store(0, std::memory_order_release);
  }

  // Called back when no reader can see it any more, by this or a later call, without the domain's lock.
  // REQUIRES: whoever enters from now on cannot find it; the caller is not inside.
  void retire(const Retired& retired);
  // Ends what no reader can see; waits for nobody.
  void collect();
  // Ends all that was retired before, waiting for readers. REQUIRES: the caller is not inside.
  void drain();

  Bytes waiting() const;
  std::size_t readers() const;  // places, in use or left

 private:
  struct Waiting {
    Retired retired;
    std::uint64_t epoch;
  };
  void wait_until_below(Bytes most);

  const AsymmetricFence fence_;
  std::atomic<std::uint64_t> epoch_{1};
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Reader>> readers_ PLIMSOLL_GUARDED_BY(mutex_);
  std::vector<Waiting> waiting_ PLIMSOLL_GUARDED_BY(mutex_);  // oldest first
  Bytes waiting_bytes_ PLIMSOLL_GUARDED_BY(mutex_);
  Bytes collect_at_ PLIMSOLL_GUARDED_BY(mutex_) = kBatch;
};

// The process's, as threads are: what one cache retires another's reader may not see, but waits for.
EpochDomain& epochs();

// The thread is inside for as long as this lives. Not to be nested.
class EpochReading {
 public:
  EpochReading();
  ~EpochReading() {
    if (reader_ != nullptr) epochs().exit(*reader_);
  }
  EpochReading(const EpochReading&) = delete;
  EpochReading& operator=(const EpochReading&) = delete;

  // False: the thread is ending and has no place any more; take the lock instead.
  explicit operator bool() const { return reader_ != nullptr; }

 private:
  EpochDomain::Reader* reader_;
};

}  // namespace plimsoll
