// Three workloads, each written plainly and with pools and an arena: what the share of heap allocations that
// these save is measured on, and how often what they give was used before.
//
// Plainly means with the standard library, and with what is known in advance reserved. Both forms of a
// workload do the same with the same numbers, so that their sums are equal. What comes from outside (the
// commands of a proposal, the work of a task, topic and body of a message) and what a client is told is made
// on the heap in both: a pool cannot save that. Invariant: a pooled form tells with taken() how many objects,
// buffers and chunks it was made of.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plimsoll/alloc/arena.h"
#include "plimsoll/alloc/memory_resource.h"
#include "plimsoll/alloc/slab.h"
#include "plimsoll/base/random.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/pool/buffer_pool.h"
#include "plimsoll/pool/object_pool.h"

namespace plimsoll::share {

struct Memory {
  SystemPages pages;
  LoadLine line{{.limit = 1_GiB}};
  Account& account = line.open({.name = "pools"});
  Account& idle = line.open({.name = "pools_idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs{{.account = account, .idle = idle, .pages = pages, .line = line.line()}};
  BufferPool buffers{{.slabs = slabs, .pages = pages, .account = account, .idle = idle}};
  Arena arena{{.slabs = slabs, .pages = pages, .account = account}};

  std::uint64_t buffers_created() const {
    std::uint64_t created = 0;
    for (const BufferPool::BucketStats& bucket : buffers.stats().buckets) created += bucket.created;
    return created;
  }
};

inline std::string text_of(Random& random, std::size_t least, std::size_t most) {
  return std::string(least + random.below(most - least + 1), static_cast<char>('a' + random.below(26)));
}

// --- consensus
// ----------------------------------------------------------------------------------------------

// What a leader gathers, sends to its followers, and answers when most of them have it.
struct Proposal {
  struct Entry {
    std::string key, value;
  };
  std::vector<Entry> entries;  // from `used` on: of an earlier use
  std::size_t used = 0;
  std::vector<std::uint32_t> acknowledged;
  std::string encoded;

  void add(const std::string& command) {
    if (used == entries.size()) entries.emplace_back();
    Entry& entry = entries[used++];
    entry.key.assign(command, 0, command.size() / 4);
    entry.value.assign(command, command.size() / 4);
  }
  void encode() {
    std::size_t size = 0;
    for (std::size_t i = 0; i < used; ++i) size += entries[i].key.size() + entries[i].value.size();
    encoded.reserve(size);
    for (std::size_t i = 0; i < used; ++i) encoded.append(entries[i].key).append(entries[i].value);
  }
  void acknowledge(std::uint32_t followers) {
    acknowledged.reserve(followers);
    for (std::uint32_t follower = 0; follower < followers; ++follower) acknowledged.push_back(follower);
  }
  void clear() {
    used = 0;
    acknowledged.clear();
    encoded.clear();
  }
};

// Sixteen are under way at a time. Holder: what owns a proposal.
template <typename Holder>
class Proposals {
 public:
  template <typename Make>
  std::uint64_t round(Random& random, const Make& make) {
    Holder& place = under_way_[next_++ % under_way_.size()];
    std::uint64_t sum = 0;
    if (place) {
      place->acknowledge(5);
      // What the client is told.
      const std::string answer = "committed by " + std::to_string(place->acknowledged.size()) + " followers";
      sum = answer.size() + place->encoded.size();
      sum += static_cast<unsigned char>(place->encoded.back());
    }
    place = make();
    for (std::uint64_t commands = 4 + random.below(13); commands > 0; --commands)
      place->add(text_of(random, 80, 400));
    place->encode();
    return sum;
  }

 private:
  std::array<Holder, 16> under_way_{};
  std::size_t next_ = 0;
};

class PlainProposals {
 public:
  std::uint64_t round(Random& random) {
    return proposals_.round(random, [] { return std::make_unique<Proposal>(); });
  }

 private:
  Proposals<std::unique_ptr<Proposal>> proposals_;
};

class PooledProposals {
 public:
  std::uint64_t round(Random& random) {
    return proposals_.round(random, [this] { return pool_.try_acquire(); });
  }
  std::uint64_t taken() const { return pool_.stats().created; }
  ObjectPoolStats stats() const { return pool_.stats(); }

 private:
  Memory memory_;
  ObjectPool<Proposal> pool_{
      {.slabs = memory_.slabs, .account = memory_.account, .reset = [](Proposal& p) { p.clear(); }}};
  Proposals<ObjectPool<Proposal>::Handle> proposals_;
};

// --- scheduling
// ---------------------------------------------------------------------------------------------

struct Task {
  std::uint64_t priority = 0;
  std::string name;
  std::vector<std::uint32_t> waits_for;
  std::function<std::uint64_t(std::uint64_t)> work;

  void prepare(Random& random) {
    const std::uint64_t a = random();
    const std::uint64_t b = random();
    const std::uint64_t c = random.below(1000);
    priority = random.below(100);
    name.assign("task of the collection ").append(std::to_string(c));
    waits_for.reserve(8);
    for (std::uint64_t n = 1 + random.below(8); n > 0; --n)
      waits_for.push_back(static_cast<std::uint32_t>(n));
    work = [a, b, c](std::uint64_t by) { return (a ^ by) % (b | 1) + c; };
  }
  std::uint64_t run() const { return work(name.size() + waits_for.size()) + priority; }
  void clear() {
    name.clear();
    waits_for.clear();
    work = nullptr;
  }
};

inline constexpr std::size_t kBatch = 32;

class PlainBatches {
 public:
  static std::uint64_t round(Random& random) {
    std::vector<std::unique_ptr<Task>> tasks;
    tasks.reserve(kBatch);
    std::multimap<std::uint64_t, const Task*> ready;
    for (std::size_t i = 0; i < kBatch; ++i) {
      const auto& task = tasks.emplace_back(std::make_unique<Task>());
      task->prepare(random);
      ready.emplace(task->priority, task.get());
    }
    std::uint64_t sum = 0;
    for (const auto& [priority, task] : ready) sum = sum * 31 + task->run();
    return sum;
  }
};

class PooledBatches {
 public:
  std::uint64_t round(Random& random) {
    std::uint64_t sum = 0;
    {
      ArenaResource resource(memory_.arena);
      std::pmr::multimap<std::uint64_t, const Task*> ready(&resource);
      for (std::size_t i = 0; i < kBatch; ++i) {
        const auto& task = tasks_.emplace_back(pool_.try_acquire());
        task->prepare(random);
        ready.emplace(task->priority, task.get());
      }
      for (const auto& [priority, task] : ready) sum = sum * 31 + task->run();
    }
    tasks_.clear();
    chunks_ += memory_.arena.chunks();
    memory_.arena.reset();
    chunks_ -= memory_.arena.chunks();
    return sum;
  }
  std::uint64_t taken() const { return pool_.stats().created + chunks_; }
  ObjectPoolStats stats() const { return pool_.stats(); }

 private:
  Memory memory_;
  ObjectPool<Task> pool_{
      {.slabs = memory_.slabs, .account = memory_.account, .reset = [](Task& task) { task.clear(); }}};
  std::vector<ObjectPool<Task>::Handle> tasks_;
  std::uint64_t chunks_ = 0;  // that were taken and not kept
};

// --- serialisation
// ------------------------------------------------------------------------------------------

// A message as the program has it.
struct Message {
  std::string topic, body;
  std::size_t headers;

  explicit Message(Random& random)
      : topic(text_of(random, 20, 60)), body(text_of(random, 200, 6000)), headers(4 + random.below(5)) {}
};

// One header, behind its length.
template <typename Text>
void encode_header(Text& out, std::size_t number, const Message& message) {
  constexpr std::array<std::string_view, 3> kNames = {"content-type", "correlation-id", "trace-parent"};
  const std::string_view name = kNames[number % kNames.size()];
  out.reserve(2 + name.size() + message.topic.size());
  out.push_back(static_cast<char>(name.size()));
  out.push_back(static_cast<char>(message.topic.size()));
  out.append(name).append(message.topic);
}

inline std::uint64_t sum_of(const char* frame, std::size_t size) {
  std::uint64_t sum = size;
  for (std::size_t i = 0; i < size; i += 16) sum = sum * 31 + static_cast<unsigned char>(frame[i]);
  return sum;
}

class PlainMessages {
 public:
  static std::uint64_t round(Random& random) {
    const Message message(random);
    std::vector<std::string> parts;
    parts.reserve(message.headers);
    std::size_t size = message.body.size();
    for (std::size_t i = 0; i < message.headers; ++i) {
      encode_header(parts.emplace_back(), i, message);
      size += parts.back().size();
    }
    std::string frame;
    frame.reserve(size);
    for (const std::string& part : parts) frame.append(part);
    frame.append(message.body);
    return sum_of(frame.data(), frame.size());
  }
};

class PooledMessages {
 public:
  std::uint64_t round(Random& random) {
    const Message message(random);
    std::uint64_t sum = 0;
    {
      ArenaResource resource(memory_.arena);
      std::pmr::vector<std::pmr::string> parts(&resource);
      parts.reserve(message.headers);
      std::size_t size = message.body.size();
      for (std::size_t i = 0; i < message.headers; ++i) {
        encode_header(parts.emplace_back(), i, message);
        size += parts.back().size();
      }
      const BufferPool::Buffer frame = memory_.buffers.acquire(Bytes(size));
      char* at = reinterpret_cast<char*>(frame.data());
      const char* begin = at;
      for (const std::pmr::string& part : parts) {
        std::memcpy(at, part.data(), part.size());
        at += part.size();
      }
      std::memcpy(at, message.body.data(), message.body.size());
      sum = sum_of(begin, size);
    }
    chunks_ += memory_.arena.chunks();
    memory_.arena.reset();
    chunks_ -= memory_.arena.chunks();
    return sum;
  }
  std::uint64_t taken() const { return memory_.buffers_created() + chunks_; }

 private:
  Memory memory_;
  std::uint64_t chunks_ = 0;  // that were taken and not kept
};

// --- a broker's buffers
// -------------------------------------------------------------------------------------

// Sixty-four requests of 1 to 256 KiB in flight, answered in any order; a second passes each 20,000.
inline Bytes broker_size(Random& random) {
  const std::uint64_t least = std::uint64_t{1024} << random.below(8);
  return Bytes(least + random.below(least + 1));
}

class BrokerBuffers {
 public:
  void round(Random& random) {
    BufferPool::Buffer& place = in_flight_[random.below(in_flight_.size())];
    place.release();
    place = memory_.buffers.acquire(broker_size(random));
    *place.data() = std::byte{1};
    if (++rounds_ % 20'000 == 0) memory_.buffers.tick();
  }
  std::uint64_t rounds() const { return rounds_; }
  std::uint64_t created() const { return memory_.buffers_created(); }
  Bytes idle() const { return memory_.buffers.stats().idle; }

 private:
  Memory memory_;
  std::array<BufferPool::Buffer, 64> in_flight_{};
  std::uint64_t rounds_ = 0;
};

class PlainBrokerBuffers {
 public:
  void round(Random& random) {
    std::unique_ptr<std::byte[]>& place = in_flight_[random.below(in_flight_.size())];
    place.reset();
    // Not cleared, as ours are not.
    place = std::make_unique_for_overwrite<std::byte[]>(broker_size(random).count());
    place[0] = std::byte{1};
  }

 private:
  std::array<std::unique_ptr<std::byte[]>, 64> in_flight_{};
};

}  // namespace plimsoll::share
