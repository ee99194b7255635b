// Lists of keys.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/server/internal/key_list.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

// A cursor as strtoul reads it, which is how Redis does: a sign is allowed and wraps, no text is zero.
std::optional<std::uint64_t> parse_cursor(std::string_view argument) {
  std::string_view text = c_string(argument);
  if (text.empty()) return 0;
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  std::uint64_t cursor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return negative ? 0 - cursor : cursor;
}

struct ScanOptions {
  std::size_t count = 10;
  std::string_view pattern = "*";
  bool any_type = true;  // false: a type was asked for that no key has
};

bool read_options(CommandContext& context, ScanOptions& options) {
  const std::span<const std::string_view> args = context.args;
  for (std::size_t i = 2; i < args.size(); i += 2) {
    const bool has_value = i + 1 < args.size();
    if (has_value && is_word(args[i], "count")) {
      const std::optional<std::int64_t> count = integer_argument(context, i + 1);
      if (!count) return false;
      if (*count >= 1) {
        options.count = static_cast<std::size_t>(*count);
        continue;
      }
    } else if (has_value && is_word(args[i], "match")) {
      options.pattern = args[i + 1];
      continue;
    } else if (has_value && is_word(args[i], "type")) {
      options.any_type = is_word(args[i + 1], "string");
      continue;
    }
    context.reply.error(kSyntaxError);
    return false;
  }
  return true;
}

}  // namespace

Progress scan_command(CommandContext& context) {
  const std::optional<std::uint64_t> first = parse_cursor(context.args[1]);
  if (!first) return refuse(context, "ERR invalid cursor");
  ScanOptions options;
  if (!read_options(context, options)) return Progress::kDone;

  // COUNT is a hint: a page ends early rather than hold many long keys at once.
  KeyBatch page(options.pattern, options.any_type, context.databases.place_of(context.session.database));
  std::uint64_t cursor = *first;
  do {
    cursor = page.add(context.cache, cursor, options.count - page.visited(), context.now_ms);
  } while (cursor != 0 && page.visited() < options.count && page.bytes().size() < KeyBatch::kFull);

  context.reply.array(2);
  context.reply.bulk(std::to_string(static_cast<std::int64_t>(cursor)));
  context.reply.array(page.matched());
  context.reply.raw(page.bytes());
  return Progress::kDone;
}

Progress keys_command(CommandContext& context) {
  if (context.resume == 0) {
    KeyBatch batch(context.args[1], true, context.databases.place_of(context.session.database));
    KeyList list(context.cache, context.server.scratch());
    std::uint64_t cursor = 0;
    do {
      cursor = batch.add(context.cache, cursor, KeyBatch::kStep, context.now_ms);
      if (cursor != 0 && batch.bytes().size() < KeyBatch::kFull) continue;
      if (cursor == 0 && list.empty()) break;
      if (!list.append(batch.bytes())) return refuse(context, kOutOfMemory);
      batch.drop_bytes();
    } while (cursor != 0);
    context.reply.array(batch.matched());
    context.reply.raw(batch.bytes());
    if (list.empty()) return Progress::kDone;
    context.kept = list.pin();
    context.resume = 1;
  }
  return send_kept(context, context.kept.view().size());
}

}  // namespace plimsoll
