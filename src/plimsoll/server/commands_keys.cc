// Keys without their values.
#include <string_view>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

// Replies for how many of the keys args[1...] `counts` is true.
template <typename Predicate>
Progress count_keys(CommandContext& context, Predicate counts) {
  std::int64_t count = 0;
  for (std::string_view key : context.args.subspan(1)) {
    ByteCache::Slot slot = context.lock(key);
    if (counts(slot)) ++count;
  }
  context.reply.integer(count);
  return Progress::kDone;
}

}  // namespace

Progress del_command(CommandContext& context) {
  return count_keys(context, [](ByteCache::Slot& slot) {
    const bool exists = slot.exists();
    exists ? slot.erase() : slot.erase_below();
    return exists;
  });
}

Progress exists_command(CommandContext& context) {
  std::int64_t count = 0;
  for (std::string_view key : context.args.subspan(1)) count += context.look(key).exists;
  context.reply.integer(count);
  return Progress::kDone;
}

Progress touch_command(CommandContext& context) {
  return count_keys(context, [](ByteCache::Slot& slot) {
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
