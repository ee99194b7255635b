// Whole databases.
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/server/internal/key_list.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::string_view kNoSuchDatabase = "ERR DB index is out of range";
constexpr std::size_t kStep = 256;  // keys under one lock

bool is_int(std::int64_t number) {
  return number >= std::numeric_limits<int>::min() && number <= std::numeric_limits<int>::max();
}

// Deletes the keys of one place, where others have keys too.
void clear_place(CommandContext& context, unsigned place) {
  std::vector<std::string> found;
  std::uint64_t cursor = 0;
  do {
    if (context.cache.groups()[place].items == 0) return;
    found.clear();
    // As of the beginning of time: keys that have expired are counted until somebody drops them.
    cursor = context.cache.scan(cursor, kStep, 0, [&](std::string_view stored) {
      if (Databases::split(stored).place == place) found.emplace_back(stored);
    });
    for (const std::string& stored : found) {
      ByteCache::Slot slot = context.cache.lock(stored, context.now_ms);
      if (slot.exists()) slot.erase();
    }
  } while (cursor != 0);
}

bool read_flush_options(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  if (args.size() == 1) return true;
  if (args.size() == 2 && (is_word(args[1], "sync") || is_word(args[1], "async"))) return true;
  context.reply.error(kSyntaxError);
  return false;
}

std::optional<unsigned> swap_argument(CommandContext& context, std::size_t index, std::string_view error) {
  const std::optional<std::int64_t> number = parse_redis_int64(context.args[index]);
  if (!number || !is_int(*number)) {
    context.reply.error(error);
    return std::nullopt;
  }
  return *number >= 0 && *number < Databases::kCount ? static_cast<unsigned>(*number) : Databases::kCount;
}

// A key of one of the two that is watched changes if it is in either; else it is watched where its database
// is now.
void follow_watched(CommandContext& context, Transaction& transaction, unsigned a, unsigned b) {
  for (const Transaction::Watched& watched : transaction.watched()) {
    if (watched.database != a && watched.database != b) continue;
    bool exists = context.lock(watched.key, a).exists();
    exists = context.lock(watched.key, b).exists() || exists;
    if (exists) transaction.touch();
    std::string buffer;
    context.cache.watch(transaction.watcher(),
                        context.databases.stored(watched.database, watched.key, buffer));
  }
}

}  // namespace

std::optional<unsigned> database_argument(CommandContext& context, std::size_t index) {
  const std::optional<std::int64_t> number = integer_argument(context, index);
  if (!number) return std::nullopt;
  if (!is_int(*number)) {
    context.reply.error("ERR value is out of range, value must between -2147483648 and 2147483647");
    return std::nullopt;
  }
  if (*number < 0 || *number >= Databases::kCount) {
    context.reply.error(kNoSuchDatabase);
    return std::nullopt;
  }
  return static_cast<unsigned>(*number);
}

std::uint64_t count_keys_of(CommandContext& context, unsigned database) {
  return context.cache.groups()[context.databases.place_of(database)].items;
}

Progress select_command(CommandContext& context) {
  const std::optional<unsigned> database = database_argument(context, 1);
  if (!database) return Progress::kDone;
  context.session.database = *database;
  context.reply.ok();
  return Progress::kDone;
}

Progress swapdb_command(CommandContext& context) {
  const std::optional<unsigned> a = swap_argument(context, 1, "ERR invalid first DB index");
  if (!a) return Progress::kDone;
  const std::optional<unsigned> b = swap_argument(context, 2, "ERR invalid second DB index");
  if (!b) return Progress::kDone;
  if (*a == Databases::kCount || *b == Databases::kCount) return refuse(context, kNoSuchDatabase);
  if (*a != *b) {
    context.alone([&] {
      // What is below is named by places, and after a restart each database is at its own.
      context.cache.clear_below([&] { context.databases.swap(*a, *b); });
      context.server.each_session([&](const Session& session) {
        if (session.transaction) follow_watched(context, *session.transaction, *a, *b);
      });
    });
  }
  context.reply.ok();
  return Progress::kDone;
}

Progress dbsize_command(CommandContext& context) {
  context.reply.integer(static_cast<std::int64_t>(count_keys_of(context, context.session.database)));
  return Progress::kDone;
}

Progress flushall_command(CommandContext& context) {
  if (!read_flush_options(context)) return Progress::kDone;
  context.alone([&] {
    context.cache.clear();
    context.databases.forget_all();
  });
  context.reply.ok();
  return Progress::kDone;
}

Progress flushdb_command(CommandContext& context) {
  if (!read_flush_options(context)) return Progress::kDone;
  const unsigned place = context.databases.place_of(context.session.database);
  context.alone([&] {
    std::uint64_t all = 0;
    const auto groups = context.cache.groups();
    for (const ByteCache::Group& group : groups) all += group.items;
    if (groups[place].items == all) {
      context.cache.clear();
    } else {
      // A level below is emptied whole: it cannot be searched.
      context.cache.clear_below([&] { clear_place(context, place); });
    }
    if (place != 0) context.databases.forget(place);
  });
  context.reply.ok();
  return Progress::kDone;
}

// Drawn from all keys until one is of this database; the first there is, where others have nearly all.
Progress randomkey_command(CommandContext& context) {
  constexpr int kDraws = 100;
  const unsigned place = context.databases.place_of(context.session.database);
  std::optional<std::string> found;
  for (int i = 0; i < kDraws && context.databases.used(place) && !found; ++i) {
    const std::optional<std::string> stored = context.cache.random_key(context.now_ms);
    if (!stored) break;
    const Databases::Place at = Databases::split(*stored);
    if (at.place == place) found = std::string(at.key);
  }
  std::uint64_t cursor = 0;
  while (!found && context.databases.used(place) && context.databases.any_but(place)) {
    cursor = context.cache.scan(cursor, kStep, context.now_ms, [&](std::string_view stored) {
      const Databases::Place at = Databases::split(stored);
      if (at.place == place && !found) found = std::string(at.key);
    });
    if (cursor == 0) break;
  }
  if (found) {
    context.reply.bulk(*found);
  } else {
    context.reply.null();
  }
  return Progress::kDone;
}

}  // namespace plimsoll
