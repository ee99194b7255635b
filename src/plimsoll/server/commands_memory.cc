// MEMORY: what keys take, and what the server holds.
#include <algorithm>
#include <optional>
#include <string>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

class Figures {
 public:
  explicit Figures(Reply& reply) : reply_(reply) {}
  Figures& bytes(std::string_view name, Bytes value) {
    return count(name, static_cast<std::int64_t>(value.count()));
  }
  Figures& count(std::string_view name, std::int64_t value) {
    reply_.bulk(name);
    reply_.integer(value);
    return *this;
  }
  Figures& ratio(std::string_view name, double value) {
    reply_.bulk(name);
    reply_.number(value);
    return *this;
  }

 private:
  Reply& reply_;
};

std::int64_t signed_difference(Bytes a, Bytes b) {
  return static_cast<std::int64_t>(a.count()) - static_cast<std::int64_t>(b.count());
}

}  // namespace

Progress memory_usage_command(CommandContext& context) {
  // SAMPLES is checked and has no effect: a string is measured, not sampled.
  for (std::size_t i = 3; i < context.args.size(); i += 2) {
    if (!is_word(context.args[i], "samples") || i + 1 == context.args.size()) {
      return refuse(context, kSyntaxError);
    }
    const std::optional<std::int64_t> samples = integer_argument(context, i + 1);
    if (!samples) return Progress::kDone;
    if (*samples < 0) return refuse(context, kSyntaxError);
  }
  ByteCache::Slot slot = context.lock(context.args[2]);
  if (slot.exists()) {
    context.reply.integer(static_cast<std::int64_t>(slot.memory()));
  } else {
    context.reply.null();
  }
  return Progress::kDone;
}

// Redis's names, where they have a meaning here; what it has and we do not is zero, so that tools find it.
Progress memory_stats_command(CommandContext& context) {
  const MemoryFigures m = context.server.memory_figures();
  const Bytes overhead = m.charged.minus_clamped(m.payload);
  const std::uint64_t keys = std::max<std::uint64_t>(m.keys, 1);
  context.reply.map(m.keys > 0 ? 28 : 27);
  Figures figures(context.reply);
  figures.bytes("peak.allocated", m.peak)
      .bytes("total.allocated", m.charged)
      .bytes("startup.allocated", m.runtime)
      .count("replication.backlog", 0)
      .count("clients.slaves", 0)
      .bytes("clients.normal", m.connections)
      .count("cluster.links", 0)
      .count("aof.buffer", 0)
      .count("lua.caches", 0)
      .count("functions.caches", 0);
  if (m.keys > 0) {
    context.reply.bulk("db.0");  // one index for all databases
    context.reply.map(3);
    figures.bytes("overhead.hashtable.main", m.index)
        .count("overhead.hashtable.expires", 0)
        .count("overhead.hashtable.slot-to-keys", 0);
  }
  figures.bytes("overhead.total", overhead)
      .count("keys.count", static_cast<std::int64_t>(m.keys))
      .bytes("keys.bytes-per-key", m.cache / keys)
      .bytes("dataset.bytes", m.payload)
      .ratio("dataset.percentage", 100 * ratio(m.payload, m.charged))
      .ratio("peak.percentage", 100 * ratio(m.charged, m.peak))
      .bytes("allocator.allocated", m.charged)
      .bytes("allocator.active", m.charged)
      .bytes("allocator.resident", m.resident)
      .ratio("allocator-fragmentation.ratio", 1)
      .count("allocator-fragmentation.bytes", 0)
      .ratio("allocator-rss.ratio", ratio(m.resident, m.charged))
      .count("allocator-rss.bytes", signed_difference(m.resident, m.charged))
      .ratio("rss-overhead.ratio", 1)
      .count("rss-overhead.bytes", 0)
      .ratio("fragmentation", ratio(m.resident, m.charged))
      .count("fragmentation.bytes", signed_difference(m.resident, m.charged));
  return Progress::kDone;
}

Progress memory_doctor_command(CommandContext& context) {
  context.reply.verbatim(context.server.memory_advice());
  return Progress::kDone;
}

Progress memory_malloc_stats_command(CommandContext& context) {
  context.reply.verbatim(context.server.memory_table());
  return Progress::kDone;
}

Progress memory_purge_command(CommandContext& context) {
  context.server.purge_memory();
  context.reply.ok();
  return Progress::kDone;
}

}  // namespace plimsoll
