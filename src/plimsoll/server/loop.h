// Loop: one core's event loop: its buffers, its small change of memory, and the connections that live on it.
//
// A connection stays on its loop. All connections of a loop share one buffer to read into and one to write
// from, so that a connection at rest has neither. A tick ten times a second looks after whoever is slow.
//
// Thread-safety: everything on the loop's thread, but for size() and with_sessions(). Cost: 128 KiB of
// buffers a loop. Limits: none. Errors: none. Ownership: refers to the node; connections own themselves
// through their coroutine.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <atomic>
#include <functional>
#include <memory_resource>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/alloc/standard_allocator.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/budget/lease.h"
#include "plimsoll/server/command.h"
#include "plimsoll/server/node.h"
#include "plimsoll/server/output.h"

namespace plimsoll {

// What the tick and the drain need of a connection.
class LoopMember {
 public:
  virtual ~LoopMember() = default;
  virtual void tick(MonotonicTime now) = 0;
  // Ends as soon as no request is under way.
  virtual void drain() = 0;
  virtual void close() = 0;
  virtual const Session* session() const { return nullptr; }
  // How CLIENT LIST shows it.
  virtual std::string line(MonotonicTime) const { return {}; }
};

class Loop {
 public:
  static constexpr std::size_t kBuffer = 64 * 1024;
  // What a connection is charged beside its own object: its coroutine, and what the kernel takes at once
  // (measured: 6.7 KiB in all).
  static constexpr Bytes kConnection = 6_KiB;

  Loop(Node& node, ServerFacts& facts, asio::thread_pool& worker, unsigned number);

  void run();                            // on the calling thread, until stop()
  void stop();                           // from any thread
  void drain();                          // from any thread: close what is idle, let the rest finish
  void close_session(std::uint64_t id);  // from any thread: as soon as the loop comes to it
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

  void add(LoopMember& member);
  void remove(LoopMember& member);
  // Calls visit for each connection with the loop's sessions held still. From any thread but not from within
  // a batch of this loop.
  void with_members(const std::function<void(const LoopMember&)>& visit);
  // The same, for whoever holds the mutex already.
  void each_member(const std::function<void(const LoopMember&)>& visit) PLIMSOLL_REQUIRES(mutex);
  // The loop whose thread this is, or null.
  static Loop* current();

  // Of connections' state, from the slabs of their account. What slabs refuse or do not have comes from
  // malloc and is charged as held: what is here already cannot be refused.
  template <typename T>
  using StateAllocator = StandardAllocator<T, SlabAllocator>;
  template <typename T>
  StateAllocator<T> state_allocator() {
    return {node.connection_slabs, held_};
  }

  asio::io_context io{1};
  Node& node;
  ServerFacts& facts;
  asio::thread_pool& worker;  // for what takes longer than other connections should wait
  const unsigned number;
  std::string read_buffer = std::string(kBuffer, '\0');
  WriteBuffer write_buffer{kBuffer};
  std::vector<std::string_view> args;  // of the request being run; kept for its memory
  std::vector<ExtentRef> arg_bodies;
  Lease connections{node.connections};
  Lease http{node.http, kConnection};
  Lease sockets{node.sockets};
  // Held while requests run, so that others may look at sessions between batches.
  Mutex mutex;
  // Held by a command that reads several keys; those of all loops by one that writes several.
  Mutex several_keys;

 private:
  class HeldMemory final : public std::pmr::memory_resource {
   public:
    explicit HeldMemory(Lease& lease) : lease_(lease) {}

   private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* place, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
      return this == &other;
    }

    Lease& lease_;
  };

  void arm();
  void tick();

  std::set<LoopMember*> members_;
  std::atomic<std::size_t> size_{0};
  asio::steady_timer timer_{io};
  bool draining_ = false;
  HeldMemory held_{connections};
};

}  // namespace plimsoll
