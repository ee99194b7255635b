#include "plimsoll/server/facts.h"

#include "plimsoll/server/info.h"
#include "plimsoll/server/memory_text.h"
#include "plimsoll/server/redis_config.h"
#include "plimsoll/wire/glob.h"

namespace plimsoll {

namespace {

std::vector<KeyspaceStatus> count_keyspaces(const Node& node) {
  std::vector<KeyspaceStatus> all;
  const auto groups = node.cache.groups();
  for (unsigned database = 0; database < Databases::kCount; ++database) {
    const ByteCache::Group& of = groups[node.databases.place_of(database)];
    if (of.items > 0) all.push_back({.database = database, .keys = of.items, .expiring = of.expiring});
  }
  return all;
}

}  // namespace

std::string Facts::info(std::string_view section) const {
  Status status = node_.status();
  status.keyspace = count_keyspaces(node_);
  MutexLock lock(mutex_);
  TrafficStatus& traffic = status.traffic;
  traffic.accepted -= base_.traffic.accepted;
  traffic.commands -= base_.traffic.commands;
  traffic.bytes_received -= base_.traffic.bytes_received;
  traffic.bytes_sent -= base_.traffic.bytes_sent;
  traffic.connections_refused -= base_.traffic.connections_refused;
  traffic.readers_closed -= base_.traffic.readers_closed;
  status.cache.hits -= base_.cache.hits;
  status.cache.misses -= base_.cache.misses;
  status.cache.evicted -= base_.cache.evicted;
  status.cache.expired -= base_.cache.expired;
  return info_text(status, section);
}

// A batch holds its loop's sessions still, and this is called from within one: it lets go of its own
// meanwhile, or two clients that ask at once would wait for each other.
void Facts::visit_members(const std::function<void(Loop&, const LoopMember&)>& visit) const
    PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  Loop* own = Loop::current();
  // relaxed: a thread sees what it wrote itself, and any other's is not its own loop.
  const bool alone = own != nullptr && alone_.load(std::memory_order_relaxed) == own;
  if (own != nullptr && !alone) own->mutex.unlock();
  for (const auto& loop : loops_) {
    const auto visit_one = [&](const LoopMember& member) { visit(*loop, member); };
    if (alone) {
      loop->each_member(visit_one);
    } else {
      loop->with_members(visit_one);
    }
  }
  if (own != nullptr && !alone) own->mutex.lock();
}

std::vector<std::string> Facts::client_lines() const {
  std::vector<std::string> lines;
  const MonotonicTime now = node_.clock.monotonic_now();
  visit_members([&](Loop&, const LoopMember& member) {
    if (member.session() != nullptr) lines.push_back(member.line(now));
  });
  return lines;
}

std::size_t Facts::close_sessions(const std::function<bool(const Session&)>& chosen) {
  std::size_t count = 0;
  visit_members([&](Loop& loop, const LoopMember& member) {
    if (member.session() == nullptr || !chosen(*member.session())) return;
    loop.close_session(member.session()->id);
    ++count;
  });
  return count;
}

std::vector<std::pair<std::string, std::string>> Facts::config_get(std::string_view glob) const {
  auto all = redis_config(node_.current_settings(), node_.line.line(), node_.resp_port);
  std::erase_if(all, [&](const auto& pair) { return !glob_matches(glob, pair.first, GlobCase::kIgnore); });
  return all;
}

std::string Facts::config_set(std::string_view name, std::string_view value) {
  // Suites set what they have just read, the port among it.
  for (const auto& [known, current] : config_get(name)) {
    if (current == value) return {};
  }
  auto change = setting_change(node_.current_settings(), node_.line.line(), name, value);
  if (!change) return change.error();
  return change->name.empty() ? std::string() : node_.set_now(change->name, change->value);
}

// A loop that wants to be alone lets go of its own mutex first, so that two that want it do not wait for each
// other.
void Facts::alone(const std::function<void()>& run) PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  Loop* own = Loop::current();
  own->mutex.unlock();
  node_.turnstile.enter();
  for (const auto& loop : loops_) loop->mutex.lock();
  alone_.store(own, std::memory_order_relaxed);
  run();
  alone_.store(nullptr, std::memory_order_relaxed);
  for (const auto& loop : loops_) {
    if (loop.get() != own) loop->mutex.unlock();
  }
  node_.turnstile.leave();
}

// A reader holds the lock of its own loop, which nobody else takes but writers, and these take all: readers
// do not wait for each other (the big-reader lock of Linux 2.4). Who runs here waits for no loop's other
// mutex, so the two kinds of locks do not wait for each other.
void Facts::several(Several what, const std::function<void()>& run) PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  if (what == Several::kRead) {
    MutexLock lock(Loop::current()->several_keys);
    return run();
  }
  for (const auto& loop : loops_) loop->several_keys.lock();
  run();
  for (const auto& loop : loops_) loop->several_keys.unlock();
}

void Facts::each_session(const std::function<void(const Session&)>& visit)
    PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  for (const auto& loop : loops_) {
    loop->each_member([&](const LoopMember& member) {
      if (member.session() != nullptr) visit(*member.session());
    });
  }
}

void Facts::reset_stats() {
  const Status now = node_.status();
  node_.pace.reset();
  MutexLock lock(mutex_);
  base_ = {now.traffic, now.cache};
}

Charge Facts::charge_transaction(Bytes bytes) {
  Charge charge = node_.connections.charge(bytes);
  if (!charge && node_.cache.make_room_for(node_.connections, bytes))
    charge = node_.connections.charge(bytes);
  return charge;
}

MemoryFigures Facts::memory_figures() const {
  const Status s = node_.status();
  MemoryFigures figures{.charged = s.charged,
                        .peak = s.highest_charged,
                        .runtime = {},
                        .connections = node_.connections.used(),
                        .payload = s.cache.payload,
                        .index = s.cache.index,
                        .cache = s.cache.segments + s.cache.extents + s.cache.index,
                        .resident = s.governor.slow.process.resident,
                        .keys = s.cache.items};
  for (const AccountStatus& account : s.accounts) {
    if (account.name == "runtime") figures.runtime = account.used;
  }
  return figures;
}

std::string Facts::memory_advice() const { return advice_text(node_.status()); }

std::string Facts::memory_table() const { return accounts_text(node_.status()); }

void Facts::purge_memory() { node_.purge(); }

}  // namespace plimsoll
