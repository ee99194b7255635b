// Cache: a cache of your own objects, bounded by what they weigh, that loads each once however many ask.
//
// Why: who builds a server wants the cache inside it, and objects that need no decoding (Caffeine's manner;
// one loader's call a key after groupcache's single flight). It stands on the byte cache: a record holds a
// pointer to a counted object, and shards, policies, expiry and charges are the byte cache's. Invariant: what
// it holds and what its handles hold is charged to the account; after put() or erase() nobody is given what a
// loader began to load before.
//
//   auto users = Cache<std::string, User>::build(account)
//                    .maximum(64_MiB)
//                    .weigh([](const User& user) { return Bytes(user.name.capacity()); })
//                    .expire_after_write(10min)
//                    .open();
//   Result<CacheHandle<User>> user = users.get_or_load("17", [&](std::string_view id) { return db.find(id);
//   });
//
// Thread-safety: all methods from any thread; loaders, listeners and destructors of objects run on the thread
// whose call it was, without a lock, and may use the cache (a loader not for its own key). Cost: a hit is the
// byte cache's and two atomic additions; an object some 100 bytes beside itself and its key. Limits: keys to
// 32 KiB; an object weighs at most its shard's part of the maximum (see shards()), else it is not kept;
// loaders that wait for each other's keys wait for ever. Errors: the loader's own; WriteStatus. Ownership:
// handles may outlive the cache; the account and the clock must outlive both.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "plimsoll/base/result.h"
#include "plimsoll/cache/held.h"
#include "plimsoll/cache/internal/held_cache.h"

namespace plimsoll {

namespace cache {

template <typename K>
inline constexpr bool kIsText = std::is_same_v<K, std::string>;
// Equal keys are equal bytes: no padding, and no floats, whose zeros are two.
template <typename K>
inline constexpr bool kIsItsBytes =
    kIsText<K> || (std::is_trivially_copyable_v<K> && std::has_unique_object_representations_v<K> &&
                   !std::is_pointer_v<K> && !std::is_convertible_v<const K&, std::string_view>);

// The object where it lies; with its key where a listener is to be told of that.
template <typename V>
struct Node : HeldValue {
  Node(Bytes weight, V&& v) : HeldValue(weight), value(std::move(v)) {}
  const V value;
};
template <typename K, typename V>
struct KeyedNode final : Node<V> {
  template <typename Key>
  KeyedNode(Bytes weight, V&& v, const Key& k) : Node<V>(weight, std::move(v)), key(k) {}
  const K key;
};

}  // namespace cache

// A reader's hold on an object of the cache: it stays as it is, and charged, while there is one.
template <typename V>
class CacheHandle {
 public:
  CacheHandle() = default;
  explicit CacheHandle(HeldPin pin) : pin_(std::move(pin)) {}

  explicit operator bool() const { return static_cast<bool>(pin_); }
  const V* get() const { return pin_ ? &static_cast<const cache::Node<V>*>(pin_.get())->value : nullptr; }
  const V& operator*() const { return *get(); }  // REQUIRES: not empty; of -> too
  const V* operator->() const { return get(); }
  // The same for who wants the standard's pointer; one allocation.
  std::shared_ptr<const V> shared() const {
    if (!pin_) return nullptr;
    return {std::make_shared<HeldPin>(pin_), get()};
  }

 private:
  HeldPin pin_;
};

template <typename K, typename V>
class Cache {
  static constexpr bool kText = cache::kIsText<K>;
  static_assert(cache::kIsItsBytes<K>,
                "a key is its bytes: a std::string, or a type without padding, floats and pointers (give a "
                "struct of integers, or make a string of it)");

 public:
  using Key = std::conditional_t<kText, std::string_view, const K&>;
  using Handle = CacheHandle<V>;
  using Listener = std::function<void(const K&, const V&, Removal)>;
  using Weigher = std::function<Bytes(const V&)>;
  using Stats = HeldCache::Stats;

  class Builder {
   public:
    explicit Builder(Account& account) : options_{.account = account} {}
    // Of keys, objects and what weigh() says of them; without it, as much as the account grants.
    Builder& maximum(Bytes weight) { return options_.maximum = weight, *this; }
    Builder& maximum_items(std::uint64_t items) { return options_.maximum_items = items, *this; }
    // What an object holds beyond sizeof(V).
    Builder& weigh(Weigher weigher) { return weigher_ = std::move(weigher), *this; }
    Builder& expire_after_write(std::chrono::milliseconds time) {
      return options_.time_to_live = time, *this;
    }
    // kAdaptive by itself.
    Builder& policy(PolicyKind kind) { return options_.policy = kind, *this; }
    Builder& objective(Objective objective) { return options_.objective = objective, *this; }
    // Told once of each object that leaves, and why; not when the cache itself ends.
    Builder& on_removed(Listener listener) { return listener_ = std::move(listener), *this; }
    Builder& name(std::string name) { return options_.name = std::move(name), *this; }  // in figures
    // A power of two, up to 64; by itself one for each MiB or 256 items of a bound, up to 16.
    Builder& shards(std::size_t shards) { return options_.shards = shards, *this; }
    Builder& clock(const Clock& clock) { return options_.clock = &clock, *this; }
    Cache open() { return Cache(std::move(*this)); }

   private:
    friend class Cache;
    HeldCache::Options options_;
    Weigher weigher_;
    Listener listener_;
  };

  static Builder build(Account& account) { return Builder(account); }

  // Empty when it is not there. Counts as a read.
  Handle get(Key key) { return Handle(core_.get(bytes_of(key))); }

  // The object, loaded by `loader(key)` (a V or a Result<V>) if it is not there. Who asks meanwhile waits for
  // the same call; an error is told to all who wait, and not kept.
  template <typename Loader>
    requires std::convertible_to<std::invoke_result_t<Loader&, Key>, Result<V>>
  Result<Handle> get_or_load(Key key, Loader&& loader) {
    if (HeldPin found = core_.get(bytes_of(key))) return Handle(std::move(found));
    HeldCache::Ticket ticket(core_, bytes_of(key));
    if (!ticket.is_to_load()) {
      Result<HeldPin> answer = ticket.take();
      if (!answer) return tl::unexpected(answer.error());
      return Handle(*std::move(answer));
    }
    Result<V> loaded = loader(key);
    if (!loaded) {
      ticket.fail(loaded.error());
      return tl::unexpected(loaded.error());
    }
    HeldPin made = make(key, *std::move(loaded));
    ticket.deliver(made);
    return Handle(std::move(made));
  }

  // Inserts or replaces. A time to live of its own in place of the cache's; zero is for ever.
  WriteStatus put(Key key, V value) { return put(key, std::move(value), core_.time_to_live()); }
  WriteStatus put(Key key, V value, std::chrono::milliseconds time_to_live) {
    return core_.put(bytes_of(key), make(key, std::move(value)), time_to_live);
  }
  bool erase(Key key) { return core_.erase(bytes_of(key)); }  // was it there?
  void clear() { core_.clear(); }
  std::uint64_t size() const { return core_.size(); }

  void set_policy(PolicyKind kind) { core_.set_policy(kind); }
  PolicyKind policy() const { return core_.policy(); }
  // For the governor, or to be ticked some times a second so that what expired goes unasked; writes with a
  // time to live do it too, once a second.
  Reclaimer& reclaimer() { return core_; }

  Stats stats() const { return core_.stats(); }
  void Describe(StatSink& sink) const { core_.Describe(sink); }
  void CheckInvariants() const { core_.CheckInvariants(); }

 private:
  explicit Cache(Builder&& built)
      : weigher_(std::move(built.weigher_)),
        listens_(static_cast<bool>(built.listener_)),
        core_(with_listener(std::move(built.options_), std::move(built.listener_))) {}

  static HeldCache::Options with_listener(HeldCache::Options options, Listener listener) {
    if (!listener) return options;
    options.on_removed = [told = std::move(listener)](HeldValue& value, Removal why) {
      const auto& node = static_cast<cache::KeyedNode<K, V>&>(value);
      told(node.key, node.value, why);
    };
    return options;
  }

  static std::string_view bytes_of(Key key) {
    if constexpr (kText) {
      return key;
    } else {
      return {reinterpret_cast<const char*>(&key), sizeof key};
    }
  }

  HeldPin make(Key key, V&& value) const {
    const Bytes more = weigher_ ? weigher_(value) : Bytes();
    if (!listens_) {
      return HeldPin(new cache::Node<V>(Bytes(sizeof(cache::Node<V>)) + more, std::move(value)));
    }
    using Keyed = cache::KeyedNode<K, V>;
    const Bytes text(kText ? bytes_of(key).size() : 0);
    return HeldPin(new Keyed(Bytes(sizeof(Keyed)) + text + more, std::move(value), key));
  }

  const Weigher weigher_;
  const bool listens_;
  HeldCache core_;
};

}  // namespace plimsoll
