// Values that go to another key, or to the same key of another database.
//
// Two keys are two locks, and a thread holds one at a time: these run alone instead, so that nobody sees the
// value at both places or at none.
#include <optional>
#include <string>
#include <utility>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

constexpr std::string_view kNoSuchKey = "ERR no such key";
constexpr std::string_view kSameObject = "ERR source and destination objects are the same";

struct KeyPlace {
  std::string_view key;
  unsigned database;
  bool operator==(const KeyPlace&) const = default;
};

// What a key holds, out of its shard's lock.
struct Held {
  std::string small;
  PinnedValue large;
  std::int64_t expires_at_ms = ByteCache::kNever;
};

bool exists(CommandContext& context, const KeyPlace& at) {
  return context.lock(at.key, at.database).exists();
}

std::optional<Held> look(CommandContext& context, const KeyPlace& at) {
  ByteCache::Slot slot = context.lock(at.key, at.database);
  if (!slot.exists()) return std::nullopt;
  Held held{.small = {}, .large = {}, .expires_at_ms = slot.expires_at_ms()};
  if (slot.large()) {
    held.large = slot.pin();
  } else {
    held.small = slot.value();
  }
  return held;
}

WriteStatus put_copy(CommandContext& context, const KeyPlace& to, const Held& held) {
  return context.lock(to.key, to.database)
      .put(held.large ? held.large.view() : std::string_view(held.small), held.expires_at_ms);
}

// Written before the old key goes.
WriteStatus move_small(CommandContext& context, const KeyPlace& from, const KeyPlace& to, const Held& held) {
  const WriteStatus status = put_copy(context, to, held);
  if (status != WriteStatus::kDone) return status;
  ByteCache::Slot slot = context.lock(from.key, from.database);
  if (slot.exists()) slot.erase();  // the write may have evicted it
  return status;
}

// Takes its pages with it. Where nothing is evicted, the old key stays until there was memory for the new
// one; where something is, it goes first, as both could be more than a shard may hold.
WriteStatus move_large(CommandContext& context, const KeyPlace& from, const KeyPlace& to,
                       ByteCache::Slot slot) {
  const bool goes_first = context.cache.evicts();
  const std::int64_t expires_at_ms = slot.expires_at_ms();
  ExtentRef pages = slot.share();
  ExtentRef back = slot.share();
  if (goes_first) slot.erase();
  unlock(std::move(slot));
  const WriteStatus status = context.lock(to.key, to.database).put(std::move(pages), expires_at_ms);
  ByteCache::Slot old = context.lock(from.key, from.database);
  if (status == WriteStatus::kDone) {
    if (old.exists()) old.erase();
  } else if (goes_first) {
    old.put(std::move(back), expires_at_ms);
  }
  return status;
}

// Nothing when there is no such key (any more: to be alone among commands keeps no key from being evicted).
std::optional<WriteStatus> move_value(CommandContext& context, const KeyPlace& from, const KeyPlace& to) {
  ByteCache::Slot slot = context.lock(from.key, from.database);
  if (!slot.exists()) return std::nullopt;
  if (slot.large()) return move_large(context, from, to, std::move(slot));
  const Held held{.small = std::string(slot.value()), .large = {}, .expires_at_ms = slot.expires_at_ms()};
  unlock(std::move(slot));
  return move_small(context, from, to, held);
}

struct Answers {
  bool only_new;
  std::string_view done;
  std::string_view not_done;
};

Progress rename(CommandContext& context, const Answers& answers) {
  const KeyPlace from{context.args[1], context.session.database};
  const KeyPlace to{context.args[2], context.session.database};
  context.alone([&] {
    if (!exists(context, from)) return context.reply.error(kNoSuchKey);
    if (from == to || (answers.only_new && exists(context, to))) {
      return context.reply.raw(answers.only_new ? answers.not_done : answers.done);
    }
    const std::optional<WriteStatus> status = move_value(context, from, to);
    if (!status) return context.reply.error(kNoSuchKey);
    if (*status == WriteStatus::kDone) return context.reply.raw(answers.done);
    refuse_write(context, to.key, *status);
  });
  return Progress::kDone;
}

struct CopyOptions {
  bool replace = false;
  unsigned database = 0;
};

bool read_options(CommandContext& context, CopyOptions& options) {
  for (std::size_t i = 3; i < context.args.size(); ++i) {
    if (is_word(context.args[i], "replace")) {
      options.replace = true;
    } else if (is_word(context.args[i], "db") && i + 1 < context.args.size()) {
      const std::optional<unsigned> database = database_argument(context, ++i);
      if (!database) return false;
      options.database = *database;
    } else {
      context.reply.error(kSyntaxError);
      return false;
    }
  }
  return true;
}

}  // namespace

Progress rename_command(CommandContext& context) {
  return rename(context, {.only_new = false, .done = "+OK\r\n", .not_done = {}});
}

Progress renamenx_command(CommandContext& context) {
  return rename(context, {.only_new = true, .done = ":1\r\n", .not_done = ":0\r\n"});
}

Progress copy_command(CommandContext& context) {
  CopyOptions options{.database = context.session.database};
  if (!read_options(context, options)) return Progress::kDone;
  const KeyPlace from{context.args[1], context.session.database};
  const KeyPlace to{context.args[2], options.database};
  if (from == to) return refuse(context, kSameObject);
  context.alone([&] {
    const std::optional<Held> held = look(context, from);
    if (!held || (!options.replace && exists(context, to))) return context.reply.integer(0);
    const WriteStatus status = put_copy(context, to, *held);
    if (status == WriteStatus::kDone) return context.reply.integer(1);
    refuse_write(context, to.key, status);
  });
  return Progress::kDone;
}

Progress move_command(CommandContext& context) {
  const std::optional<unsigned> database = database_argument(context, 2);
  if (!database) return Progress::kDone;
  const KeyPlace from{context.args[1], context.session.database};
  const KeyPlace to{context.args[1], *database};
  if (from == to) return refuse(context, kSameObject);
  context.alone([&] {
    if (!exists(context, from) || exists(context, to)) return context.reply.integer(0);
    const std::optional<WriteStatus> status = move_value(context, from, to);
    if (!status || *status == WriteStatus::kDone) return context.reply.integer(status ? 1 : 0);
    refuse_write(context, to.key, *status);
  });
  return Progress::kDone;
}

Progress msetnx_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  if (args.size() % 2 == 0) return refuse_arity(context);
  context.alone([&] {
    for (std::size_t i = 1; i < args.size(); i += 2) {
      if (context.lock(args[i]).exists()) return context.reply.integer(0);
    }
    for (std::size_t i = 1; i < args.size(); i += 2) {
      ByteCache::Slot slot = context.lock(args[i]);
      const WriteStatus status = put_argument(context, slot, i + 1, context.default_end());
      unlock(std::move(slot));
      if (status == WriteStatus::kDone) continue;
      // All or none: none of them was there before.
      for (std::size_t back = 1; back < i; back += 2) {
        ByteCache::Slot written = context.lock(args[back]);
        if (written.exists()) written.erase();
      }
      refuse_write(context, args[i], status);
      return;
    }
    context.reply.integer(1);
  });
  return Progress::kDone;
}

}  // namespace plimsoll
