// Keys without their values.
#include <string_view>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

// Replies for how many of the keys args[1...] `counts` is true.
template <typename Predicate>
Progress count_keys(CommandContext& context, Several what, Predicate counts) {
  std::int64_t count = 0;
  context.with_keys(what, [&] {
    for (std::string_view key : context.args.subspan(1)) count += counts(key) ? 1 : 0;
  });
  context.reply.integer(count);
  return Progress::kDone;
}

}  // namespace

Progress del_command(CommandContext& context) {
  return count_keys(context, Several::kWrite, [&](std::string_view key) {
    ByteCache::Slot slot = context.lock(key);
    const bool exists = slot.exists();
    exists ? slot.erase() : slot.erase_below();
    return exists;
  });
}

Progress exists_command(CommandContext& context) {
  return count_keys(context, Several::kRead, [&](std::string_view key) { return context.look(key).exists; });
}

Progress touch_command(CommandContext& context) {
  return count_keys(context, Several::kRead, [&](std::string_view key) {
    ByteCache::Slot slot = context.lock(key);
    slot.touch();
    return slot.exists();
  });
}

Progress type_command(CommandContext& context) {
  const bool exists = context.look(context.args[1]).exists;
  context.reply.simple(exists ? "string" : "none");
  return Progress::kDone;
}

}  // namespace plimsoll
