// OBJECT: how a value is kept, in the words that Redis has for it.
#include <string>
#include <string_view>

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

// The order of use is kept by segments, and no item has a clock of its own: not known is said as zero.
Progress object_idletime_command(CommandContext& context) {
  if (context.lock(context.args[2]).exists() && policy_is_lfu(context)) {
    return refuse(context,
                  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
                  "switching between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  return reply_for_key(context, 0);
}

Progress object_freq_command(CommandContext& context) {
  if (context.lock(context.args[2]).exists() && !policy_is_lfu(context)) {
    return refuse(context,
                  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
                  "that when switching between policies at runtime LRU and LFU data will take some time to "
                  "adjust.");
  }
  return reply_for_key(context, 0);
}

}  // namespace plimsoll
