// HeldCache: what a Cache does that does not depend on its types: objects in the byte cache, one load a
// key, and the account of who left.
//
// Objects that leave are noted under their shard's lock and looked after behind it, by the thread whose call
// it was: the listener hears of them, then the cache's hold on them ends. An object is charged before it is
// put, and who is refused has the cache evict and asks again, so that no lock is held while objects end.
//
// Locks: a load's stripe comes before a shard; neither is held while a loader, a listener or an object's
// destructor runs.
//
// Thread-safety: all methods from any thread. Cost: a hit is the byte cache's and one atomic addition.
// Limits: the byte cache's. Errors: WriteStatus; the loader's own. Ownership: owns its pages and objects.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_map>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/held.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

class HeldCache final : public Reclaimer, private HeldOwner {
 public:
  using Listener = std::function<void(HeldValue&, Removal)>;
  struct Options {
    Account& account;
    std::string name = "objects";
    Bytes maximum{};                  // of weights; zero: as much as the account grants
    std::uint64_t maximum_items = 0;  // zero: any number
    std::size_t shards = 0;           // zero: as the bounds suggest
    std::chrono::milliseconds time_to_live{};
    PolicyKind policy = PolicyKind::kAdaptive;
    Objective objective = Objective::kObjects;
    const Clock* clock = nullptr;  // the system's
    Listener on_removed;
  };
  struct Stats {
    ByteCache::Stats cache;
    std::uint64_t loads = 0, load_failures = 0;
    std::uint64_t waited = 0;  // asked for what another was loading
    std::chrono::nanoseconds load_time{};
  };
  // One load of one key, and those who wait for it.
  struct Load {
    std::thread::id loader;
    CondVar ended;
    bool done = false;
    Result<HeldPin> answer;
  };

  explicit HeldCache(Options options);
  ~HeldCache() override;

  HeldPin get(std::string_view key);
  WriteStatus put(std::string_view key, HeldPin value, std::chrono::milliseconds time_to_live);
  bool erase(std::string_view key);
  void clear();
  void set_policy(PolicyKind kind) { cache_.set_policy(kind); }
  PolicyKind policy() const { return cache_.policy(); }
  std::uint64_t size() const { return cache_.size(); }
  std::chrono::milliseconds time_to_live() const { return options_.time_to_live; }

  // What a thread has that asked for a key: the answer, after another's load if there was one under way, or
  // the task to load it. Who has the task and ends without an answer tells those who wait that it failed.
  class Ticket {
   public:
    // `key` must stay valid while the ticket lives.
    Ticket(HeldCache& cache, std::string_view key);
    // A temporary would be gone before the ticket is.
    template <typename Key>
      requires std::same_as<std::remove_cv_t<Key>, std::string>
    Ticket(HeldCache& cache, Key&& key) = delete;
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    bool is_to_load() const { return load_ != nullptr; }
    Result<HeldPin> take() { return std::move(answer_); }  // REQUIRES: not is_to_load()
    // Tells all who wait. Cached unless the key was written or erased since the load began, or there is no
    // memory.
    void deliver(HeldPin value);
    void fail(const Error& error);

   private:
    HeldCache& cache_;
    std::string_view key_;
    std::shared_ptr<Load> load_;
    MonotonicTime began_{};
    Result<HeldPin> answer_;
  };

  std::string_view name() const override { return options_.name; }
  ReclaimOffer offer() const override { return cache_.offer(); }
  Bytes reclaim(Bytes wanted) override;
  void tick() override;

  Stats stats() const;
  void Describe(StatSink& sink) const;
  void CheckInvariants() const { cache_.CheckInvariants(); }

 private:
  struct Stripe {
    Mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<Load>> loads PLIMSOLL_GUARDED_BY(mutex);
  };
  static constexpr std::size_t kStripes = 16;
  static constexpr int kTries = 8;  // each after something was evicted

  void left(HeldValue& value, Removal why) override;
  // Looks after those that left. REQUIRES: this thread holds no lock of the cache.
  void settle();
  std::int64_t now_ms() const;
  Stripe& stripe_of(std::string_view key);
  WriteStatus charge(HeldValue& value);
  void forget(Stripe& stripe, std::string_view key) PLIMSOLL_REQUIRES(stripe.mutex);
  void expire_now_and_then();
  WriteStatus write(std::string_view key, HeldValue& value, std::int64_t expires_at_ms);
  std::int64_t expiry_of(std::chrono::milliseconds time_to_live);
  void end(std::string_view key, Load& load, Result<HeldPin> answer, bool keep);

  const Options options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  SystemPages pages_;
  std::atomic<bool> expires_;               // something was put with a time to live
  std::atomic<std::int64_t> ticked_ms_{0};  // stands for the time while nothing expires
  std::atomic<std::int64_t> expired_ms_{0};
  std::atomic<HeldValue*> departed_{nullptr};
  std::array<Stripe, kStripes> stripes_;
  std::atomic<std::uint64_t> loads_{0}, load_failures_{0}, waited_{0};
  std::atomic<std::int64_t> load_ns_{0};
  ByteCache cache_;  // last: it tells of its objects when it ends
};

}  // namespace plimsoll
