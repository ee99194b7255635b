#include "plimsoll/server/internal/level_keys.h"

#include <algorithm>
#include <optional>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

// What was there before does not matter: it is erased below by the write itself.
bool only_overwrites(const Command& command, std::span<const std::string_view> args) {
  if (command.key_flags == "OW update") return true;
  if (command.name != "set") return false;
  return std::none_of(args.begin() + 3, args.end(), [](std::string_view word) {
    return is_word(word, "nx") || is_word(word, "xx") || is_word(word, "get") || is_word(word, "keepttl");
  });
}

// The other database of COPY and MOVE.
std::optional<unsigned> other_database(const Command& command, std::span<const std::string_view> args) {
  std::string_view number;
  if (command.name == "move") number = args[2];
  for (std::size_t i = 3; command.name == "copy" && i + 1 < args.size(); ++i) {
    if (is_word(args[i], "db")) number = args[i + 1];
  }
  const std::optional<std::int64_t> parsed = parse_redis_int64(number);
  if (!parsed || *parsed < 0 || *parsed >= Databases::kCount) return std::nullopt;
  return static_cast<unsigned>(*parsed);
}

void add_below(CommandContext& context, std::string_view key, unsigned database,
               std::vector<std::string>& keys) {
  std::string buffer;
  const std::string_view stored = context.databases.stored(database, key, buffer);
  if (stored.size() > ByteCache::kMaxKey || !context.cache.may_be_below(stored, context.now_ms)) return;
  keys.emplace_back(stored);
}

void add_keys(CommandContext& context, std::span<const std::string_view> args, unsigned database,
              std::vector<std::string>& keys) {
  const Command* command = requested_command(args);
  if (command == nullptr || command->first_key <= 0) return;
  const auto count = static_cast<int>(args.size());
  if (command->arity > 0 ? count != command->arity : count < -command->arity) return;
  if (only_overwrites(*command, args)) return;
  const int last = command->last_key < 0 ? count + command->last_key : command->last_key;
  const std::optional<unsigned> other = other_database(*command, args);
  for (int i = command->first_key; i <= std::min(last, count - 1); i += command->key_step) {
    add_below(context, args[static_cast<std::size_t>(i)], database, keys);
    if (other) add_below(context, args[static_cast<std::size_t>(i)], *other, keys);
  }
}

}  // namespace

void keys_below(CommandContext& context, std::vector<std::string>& keys) {
  keys.clear();
  Session& session = context.session;
  if (!session.authenticated) return;
  if (!session.queues()) return add_keys(context, context.args, session.database, keys);
  const Command* command = requested_command(context.args);
  if (command == nullptr || command->name != "exec") return;
  unsigned database = session.database;
  std::vector<std::string_view> args;
  for (const Transaction::Request& request : session.transaction->requests()) {
    request.arguments(args);
    // The databases that its commands will be in.
    if (args.size() == 2 && is_word(args[0], "select")) {
      const std::optional<std::int64_t> number = parse_redis_int64(args[1]);
      if (number && *number >= 0 && *number < Databases::kCount) database = static_cast<unsigned>(*number);
    }
    add_keys(context, args, database, keys);
  }
  for (const Transaction::Watched& watched : session.transaction->watched())
    add_below(context, watched.key, watched.database, keys);
}

}  // namespace plimsoll
