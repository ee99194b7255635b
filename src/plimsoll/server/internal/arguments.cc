#include "plimsoll/server/internal/arguments.h"

#include <algorithm>
#include <string>
#include <utility>

#include "plimsoll/base/text.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::size_t kPiece = 64 * 1024;  // of a long reply, between two looks at what the reader holds

}  // namespace

std::string_view c_string(std::string_view argument) { return argument.substr(0, argument.find('\0')); }

bool is_word(std::string_view argument, std::string_view word) {
  return equals_ignoring_case(c_string(argument), word);
}

Progress refuse(CommandContext& context, std::string_view text) {
  context.reply.error(text);
  return Progress::kDone;
}

Progress refuse_argument(CommandContext& context, std::string_view before, std::string_view argument,
                         std::string_view after) {
  std::string text(before);
  text += c_string(argument);
  text += after;
  text.erase(text.find_last_not_of("\r\n") + 1);
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return refuse(context, text);
}

Progress refuse_arity(CommandContext& context) {
  return refuse_argument(context, "ERR wrong number of arguments for '", context.session.last_command,
                         "' command");
}

Progress refuse_expire_time(CommandContext& context) {
  return refuse_argument(context, "ERR invalid expire time in '", context.session.last_command, "' command");
}

Progress refuse_write(CommandContext& context, std::string_view key, WriteStatus status) {
  if (status == WriteStatus::kRefused) return refuse(context, kOutOfMemory);
  return refuse(context, key.size() > ByteCache::kMaxKey ? kTooLongKey : kTooLongValue);
}

std::optional<std::int64_t> integer_argument(CommandContext& context, std::size_t index) {
  std::optional<std::int64_t> number = parse_redis_int64(context.args[index]);
  if (!number) context.reply.error(kNotAnInteger);
  return number;
}

WriteStatus put_argument(CommandContext& context, ByteCache::Slot& slot, std::size_t index,
                         std::int64_t expires_at_ms) {
  if (index < context.bodies.size() && context.bodies[index]) {
    return slot.put(std::move(context.bodies[index]), expires_at_ms);
  }
  return slot.put(context.args[index], expires_at_ms);
}

void reply_value(CommandContext& context, ByteCache::Slot slot) {
  if (!slot.exists()) return context.reply.null();
  if (!slot.large()) return context.reply.bulk(slot.value());
  PinnedValue value = slot.pin();
  unlock(std::move(slot));
  context.reply.value(std::move(value));
}

void reply_value(CommandContext& context, ByteCache::Reading found) {
  if (!found.exists) return context.reply.null();
  if (!found.pinned) return context.reply.bulk(CommandContext::value_of(found));
  context.reply.value(std::move(found.pinned));
}

Progress send_kept(CommandContext& context, std::size_t end) {
  const std::string_view bytes = context.kept.view();
  for (std::size_t at = context.resume - 1; at < end; at = context.resume - 1) {
    if (context.reader_is_full()) return Progress::kAgain;
    const std::size_t size = std::min(kPiece, end - at);
    context.reply.raw(bytes.substr(at, size));
    context.resume += size;
  }
  context.kept = PinnedValue();
  return Progress::kDone;
}

Progress reply_help(CommandContext& context) {
  const std::span<const Command> rows = requested_command(context.args.first(1))->children();
  const auto upper = [](std::string_view text) {
    std::string copy(text);
    for (char& c : copy) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return copy;
  };
  Reply& reply = context.reply;
  reply.array(1 + 2 * rows.size());
  reply.simple(upper(context.args[0]) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const Command& row : rows) {
    reply.simple(upper(row.name.substr(row.name.find('|') + 1)));
    reply.simple("    " + std::string(row.summary));
  }
  return Progress::kDone;
}

}  // namespace plimsoll
