// Keys without their values.
#include <optional>
#include <string>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

// Replies for how many of the keys args[1...] `counts` is true.
template <typename Predicate>
Progress count_keys(CommandContext& context, Predicate counts) {
  std::int64_t count = 0;
  for (std::string_view key : context.args.subspan(1)) {
    Cache::Slot slot = context.cache.lock(key, context.now_ms);
    if (counts(slot)) ++count;
  }
  context.reply.integer(count);
  return Progress::kDone;
}

}  // namespace

Progress del_command(CommandContext& context) {
  return count_keys(context, [](Cache::Slot& slot) {
    const bool exists = slot.exists();
    if (exists) slot.erase();
    return exists;
  });
}

Progress exists_command(CommandContext& context) {
  return count_keys(context, [](const Cache::Slot& slot) { return slot.exists(); });
}

Progress touch_command(CommandContext& context) {
  return count_keys(context, [](Cache::Slot& slot) {
    slot.touch();
    return slot.exists();
  });
}

Progress type_command(CommandContext& context) {
  const bool exists = context.cache.lock(context.args[1], context.now_ms).exists();
  context.reply.simple(exists ? "string" : "none");
  return Progress::kDone;
}

Progress randomkey_command(CommandContext& context) {
  const std::optional<std::string> key = context.cache.random_key(context.now_ms);
  if (key) {
    context.reply.bulk(*key);
  } else {
    context.reply.null();
  }
  return Progress::kDone;
}

Progress dbsize_command(CommandContext& context) {
  context.reply.integer(static_cast<std::int64_t>(context.cache.size()));
  return Progress::kDone;
}

Progress flush_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  if (args.size() > 2) return refuse(context, kSyntaxError);
  if (args.size() == 2 && !is_word(args[1], "sync") && !is_word(args[1], "async")) {
    return refuse(context, kSyntaxError);
  }
  context.cache.clear();
  context.reply.ok();
  return Progress::kDone;
}

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
  Cache::Slot slot = context.cache.lock(context.args[2], context.now_ms);
  if (slot.exists()) {
    context.reply.integer(static_cast<std::int64_t>(slot.memory()));
  } else {
    context.reply.null();
  }
  return Progress::kDone;
}

}  // namespace plimsoll
