// Times to live.
#include <optional>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

enum class Unit { kSeconds, kMilliseconds };

struct Conditions {
  bool only_new = false;       // NX
  bool only_existing = false;  // XX
  bool only_later = false;     // GT
  bool only_earlier = false;   // LT

  // Whether the time of a key may change from `old` (or kNever, which is later than any) to `wanted`.
  bool allow(std::int64_t old, std::int64_t wanted) const {
    const bool had_one = old != ByteCache::kNever;
    if (only_new && had_one) return false;
    if (only_existing && !had_one) return false;
    if (only_later && (!had_one || wanted <= old)) return false;
    return !(only_earlier && had_one && wanted >= old);
  }
};

bool read_conditions(CommandContext& context, Conditions& conditions) {
  for (std::string_view argument : context.args.subspan(3)) {
    if (is_word(argument, "nx")) {
      conditions.only_new = true;
    } else if (is_word(argument, "xx")) {
      conditions.only_existing = true;
    } else if (is_word(argument, "gt")) {
      conditions.only_later = true;
    } else if (is_word(argument, "lt")) {
      conditions.only_earlier = true;
    } else {
      refuse_argument(context, "ERR Unsupported option ", argument, "");
      return false;
    }
  }
  const Conditions& c = conditions;
  if (c.only_new && (c.only_existing || c.only_later || c.only_earlier)) {
    refuse(context, "ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (c.only_later && c.only_earlier) {
    refuse(context, "ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// EXPIRE and its kin; `from_ms` is what args[2] counts from.
Progress expire(CommandContext& context, std::int64_t from_ms, Unit unit) {
  Conditions conditions;
  if (!read_conditions(context, conditions)) return Progress::kDone;
  const std::optional<std::int64_t> time = integer_argument(context, 2);
  if (!time) return Progress::kDone;
  std::int64_t at = *time;
  if (unit == Unit::kSeconds && __builtin_mul_overflow(at, std::int64_t{1000}, &at)) {
    return refuse_expire_time(context);
  }
  if (__builtin_add_overflow(at, from_ms, &at)) return refuse_expire_time(context);

  ByteCache::Slot slot = context.lock(context.args[1]);
  if (!slot.exists() || !conditions.allow(slot.expires_at_ms(), at)) {
    context.reply.integer(0);
    return Progress::kDone;
  }
  if (at <= context.now_ms) {
    slot.erase();
  } else if (!slot.set_expiry(at)) {
    return refuse(context, kOutOfMemory);
  }
  context.reply.integer(1);
  return Progress::kDone;
}

// TTL and its kin: the time of the key's end less `from_ms`.
Progress time_left(CommandContext& context, std::int64_t from_ms, Unit unit) {
  constexpr std::int64_t kNoKey = -2;
  constexpr std::int64_t kNoEnd = -1;
  const ByteCache::Reading found = context.look(context.args[1]);
  std::int64_t answer = kNoKey;
  if (found.exists) {
    const std::int64_t end = found.expires_at_ms;
    answer = end == ByteCache::kNever ? kNoEnd : end - from_ms;
    if (end != ByteCache::kNever && unit == Unit::kSeconds) {
      answer = static_cast<std::int64_t>((static_cast<std::uint64_t>(answer) + 500) / 1000);
    }
  }
  context.reply.integer(answer);
  return Progress::kDone;
}

}  // namespace

Progress expire_command(CommandContext& context) { return expire(context, context.now_ms, Unit::kSeconds); }
Progress pexpire_command(CommandContext& context) {
  return expire(context, context.now_ms, Unit::kMilliseconds);
}
Progress expireat_command(CommandContext& context) { return expire(context, 0, Unit::kSeconds); }
Progress pexpireat_command(CommandContext& context) { return expire(context, 0, Unit::kMilliseconds); }

Progress ttl_command(CommandContext& context) { return time_left(context, context.now_ms, Unit::kSeconds); }
Progress pttl_command(CommandContext& context) {
  return time_left(context, context.now_ms, Unit::kMilliseconds);
}
Progress expiretime_command(CommandContext& context) { return time_left(context, 0, Unit::kSeconds); }
Progress pexpiretime_command(CommandContext& context) { return time_left(context, 0, Unit::kMilliseconds); }

Progress persist_command(CommandContext& context) {
  ByteCache::Slot slot = context.lock(context.args[1]);
  const bool had_end = slot.exists() && slot.expires_at_ms() != ByteCache::kNever;
  if (had_end && !slot.set_expiry(ByteCache::kNever)) return refuse(context, kOutOfMemory);
  context.reply.integer(had_end ? 1 : 0);
  return Progress::kDone;
}

}  // namespace plimsoll
