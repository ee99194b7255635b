// OBJECT: how a value is kept, in the words that Redis has for it.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "plimsoll/base/hash.h"
#include "plimsoll/cache/content_type.h"
#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::size_t kLongestEmbedded = 44;  // of Redis: longer strings have an allocation of their own
constexpr std::size_t kLongestInteger = 20;

// By the value alone. (Redis also remembers how it came to be: what APPEND made is "raw".)
std::string_view encoding_of(std::string_view value) {
  if (value.size() <= kLongestInteger && parse_redis_int64(value)) return "int";
  return value.size() <= kLongestEmbedded ? "embstr" : "raw";
}

bool policy_is_lfu(const CommandContext& context) {
  const auto found = context.server.config_get("maxmemory-policy");
  return !found.empty() && found.front().second.ends_with("lfu");
}

// `answer`, or null when there is no such key.
Progress reply_for_key(CommandContext& context, std::int64_t answer) {
  if (context.lock(context.args[2]).exists()) {
    context.reply.integer(answer);
  } else {
    context.reply.null();
  }
  return Progress::kDone;
}

}  // namespace

Progress object_encoding_command(CommandContext& context) {
  ByteCache::Slot slot = context.lock(context.args[2]);
  if (slot.exists()) {
    context.reply.bulk(encoding_of(slot.value()));
  } else {
    context.reply.null();
  }
  return Progress::kDone;
}

Progress object_refcount_command(CommandContext& context) { return reply_for_key(context, 1); }

// Without facts no item has a clock: a number would be a lie.
Progress object_idletime_command(CommandContext& context) {
  if (context.lock(context.args[2]).exists() && policy_is_lfu(context)) {
    return refuse(context,
                  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
                  "switching between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  ByteCache::Slot slot = context.lock(context.args[2]);
  if (!slot.exists()) {
    context.reply.null();
    return Progress::kDone;
  }
  const std::optional<ByteCache::EntryFacts> facts = slot.facts();
  if (!facts) {
    return refuse(
        context,
        "ERR Idle time is not tracked for this key. CONFIG SET entry-facts yes keeps it of keys that "
        "are written from then on.");
  }
  context.reply.integer(std::max<std::int64_t>(context.now_ms / 1000 - facts->accessed_s, 0));
  return Progress::kDone;
}

Progress object_freq_command(CommandContext& context) {
  if (context.lock(context.args[2]).exists() && !policy_is_lfu(context)) {
    return refuse(context,
                  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
                  "that when switching between policies at runtime LRU and LFU data will take some time to "
                  "adjust.");
  }
  ByteCache::Slot slot = context.lock(context.args[2]);
  if (slot.exists()) {
    context.reply.integer(slot.frequency());
  } else {
    context.reply.null();
  }
  return Progress::kDone;
}

// A map of what is known of the entry; looking is no use of it.
Progress entry_command(CommandContext& context) {
  ByteCache::Slot slot = context.lock(context.args[1]);
  Reply& reply = context.reply;
  if (!slot.exists()) {
    reply.null();
    return Progress::kDone;
  }
  const std::optional<ByteCache::EntryFacts> facts = slot.facts();
  const std::string_view value = slot.value();
  char checksum[17];
  std::snprintf(checksum, sizeof checksum, "%016" PRIx64, hash64(value));
  auto number = [&](std::string_view name, std::int64_t value_of) {
    reply.bulk(name);
    reply.integer(value_of);
  };
  auto word = [&](std::string_view name, std::string_view text) {
    reply.bulk(name);
    reply.bulk(text);
  };
  reply.map(facts ? 11 : 8);
  word("type", content_type_of(value));
  number("size", static_cast<std::int64_t>(slot.size()));
  number("stored-size", static_cast<std::int64_t>(slot.stored_size()));
  number("memory", static_cast<std::int64_t>(slot.memory()));
  word("compression", name_of(slot.packed_with()));
  reply.bulk("compression-ratio");
  reply.number(slot.size() == 0 ? 1
                                : static_cast<double>(slot.stored_size()) / static_cast<double>(slot.size()));
  word("xxh3", checksum);
  number("expires-at-ms", slot.expires_at_ms());
  if (!facts) return Progress::kDone;
  number("created", facts->created_s);
  number("last-access", facts->accessed_s);
  number("accesses", static_cast<std::int64_t>(facts->accesses));
  return Progress::kDone;
}

}  // namespace plimsoll
