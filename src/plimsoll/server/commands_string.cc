// Whole values: reading and replacing them.
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/server/pace.h"

namespace plimsoll {
namespace {

enum class Expiry : std::uint8_t { kNone, kSeconds, kMilliseconds, kAtSeconds, kAtMilliseconds };

bool is_absolute(Expiry expiry) { return expiry >= Expiry::kAtSeconds; }
bool in_seconds(Expiry expiry) { return expiry == Expiry::kSeconds || expiry == Expiry::kAtSeconds; }

Expiry expiry_named(std::string_view word) {
  if (is_word(word, "ex")) return Expiry::kSeconds;
  if (is_word(word, "px")) return Expiry::kMilliseconds;
  if (is_word(word, "exat")) return Expiry::kAtSeconds;
  if (is_word(word, "pxat")) return Expiry::kAtMilliseconds;
  return Expiry::kNone;
}

// The options of SET and GETEX.
struct Options {
  bool only_new = false;
  bool only_existing = false;
  bool get = false;
  bool keep_time = false;
  bool persist = false;
  Expiry expiry = Expiry::kNone;
  std::size_t expiry_index = 0;  // of the argument that says when
};

// Takes `word` into `options`; false when it is none, or excludes an earlier one.
bool take_set_word(Options& options, std::string_view word) {
  if (is_word(word, "nx") && !options.only_existing) return options.only_new = true;
  if (is_word(word, "xx") && !options.only_new) return options.only_existing = true;
  if (is_word(word, "get")) return options.get = true;
  if (is_word(word, "keepttl") && options.expiry == Expiry::kNone) return options.keep_time = true;
  return false;
}
bool take_getex_word(Options& options, std::string_view word) {
  return is_word(word, "persist") && options.expiry == Expiry::kNone && (options.persist = true);
}

bool read_options(CommandContext& context, std::size_t first, bool (*take_word)(Options&, std::string_view),
                  Options& options) {
  for (std::size_t i = first; i < context.args.size(); ++i) {
    if (take_word(options, context.args[i])) continue;
    const Expiry expiry = expiry_named(context.args[i]);
    const bool fits = (options.expiry == Expiry::kNone || options.expiry == expiry) && !options.keep_time &&
                      !options.persist;
    if (expiry == Expiry::kNone || !fits || i + 1 == context.args.size()) {
      context.reply.error(kSyntaxError);
      return false;
    }
    options.expiry = expiry;
    options.expiry_index = ++i;
  }
  return true;
}

// When the value ends, in Unix time; nothing when the argument does not say, and then an error is replied.
std::optional<std::int64_t> expiry_time(CommandContext& context, const Options& options) {
  std::optional<std::int64_t> time = integer_argument(context, options.expiry_index);
  if (!time) return time;
  std::int64_t at = *time;
  bool fits = at > 0;
  if (in_seconds(options.expiry)) fits = fits && !__builtin_mul_overflow(at, std::int64_t{1000}, &at);
  if (!is_absolute(options.expiry)) fits = fits && !__builtin_add_overflow(at, context.now_ms, &at);
  if (fits) return at;
  refuse_expire_time(context);
  return std::nullopt;
}

// What was there before a write, kept until the write is known to have its memory.
class OldValue {
 public:
  explicit OldValue(const ByteCache::Slot& slot) : exists_(slot.exists()) {
    if (!exists_) return;
    if (slot.large()) {
      pinned_ = slot.pin();
    } else {
      copy_ = slot.value();
    }
  }
  void reply_to(Reply& reply) {
    if (!exists_) return reply.null();
    if (pinned_) return reply.value(std::move(pinned_));
    reply.bulk(copy_);
  }

 private:
  bool exists_;
  PinnedValue pinned_;
  std::string copy_;
};

// A value whose time is over is absent: nothing needs to be written.
WriteStatus put_until(CommandContext& context, ByteCache::Slot& slot, std::size_t index,
                      std::int64_t expires_at_ms) {
  if (expires_at_ms == ByteCache::kNever || expires_at_ms >= context.now_ms) {
    return put_argument(context, slot, index, expires_at_ms);
  }
  // Whoever watches the key is told, present or not.
  if (slot.exists() || slot.put(std::string_view()) == WriteStatus::kDone) slot.erase();
  return WriteStatus::kDone;
}

struct Assignment {
  Options options;
  std::size_t value_index = 2;
  std::string_view done = "+OK\r\n";
  std::string_view not_done = {};  // null
};

// What all of SET's family does to the key args[1].
Progress assign(CommandContext& context, const Assignment& assignment) {
  const Options& options = assignment.options;
  std::int64_t expires_at_ms = context.default_end();
  if (options.expiry != Expiry::kNone) {
    const std::optional<std::int64_t> time = expiry_time(context, options);
    if (!time) return Progress::kDone;
    expires_at_ms = *time;
  }
  std::optional<OldValue> old;
  bool may_write = true;
  WriteStatus status = WriteStatus::kDone;
  {
    ByteCache::Slot slot = context.lock(context.args[1]);
    if (options.get) {
      slot.touch();
      old.emplace(slot);
    }
    may_write = slot.exists() ? !options.only_new : !options.only_existing;
    if (may_write) {
      if (options.keep_time && slot.exists()) expires_at_ms = slot.expires_at_ms();
      status = put_until(context, slot, assignment.value_index, expires_at_ms);
    }
  }
  if (status != WriteStatus::kDone) return refuse_write(context, context.args[1], status);
  if (old) {
    old->reply_to(context.reply);
  } else {
    const std::string_view answer = may_write ? assignment.done : assignment.not_done;
    if (answer.empty()) {
      context.reply.null();
    } else {
      context.reply.raw(answer);
    }
  }
  return Progress::kDone;
}

// MGET's, as many as the reader has room for.
Progress reply_values(CommandContext& context) {
  constexpr std::size_t kPrefetched = 16;
  if (context.resume == 0) {
    context.reply.array(context.args.size() - 1);
    context.resume = 1;
  }
  for (; context.resume < context.args.size(); ++context.resume) {
    if (context.reader_is_full()) return Progress::kAgain;
    // Some at once, so that one waits for memory while the others do. (Keys of other databases have other
    // names.)
    if ((context.resume - 1) % kPrefetched == 0 && context.session.database == 0) {
      const std::span<const std::string_view> rest = context.args.subspan(context.resume);
      if (rest.size() > 2) context.cache.prefetch(rest.first(std::min(kPrefetched, rest.size())));
    }
    Pace::Read read(context.pace);
    ByteCache::Reading found = context.read(context.args[context.resume]);
    read.found(found.exists);
    reply_value(context, std::move(found));
  }
  return Progress::kDone;
}

void put_all(CommandContext& context) {
  for (std::size_t i = 1; i < context.args.size(); i += 2) {
    ByteCache::Slot slot = context.lock(context.args[i]);
    const WriteStatus status = put_argument(context, slot, i + 1, context.default_end());
    // Redis knows before the first write that it is out of memory; here those before have been done.
    if (status == WriteStatus::kDone) continue;
    refuse_write(context, context.args[i], status);
    return;
  }
  context.reply.ok();
}

}  // namespace

Progress get_command(CommandContext& context) {
  Pace::Read read(context.pace);
  ByteCache::Reading found = context.read(context.args[1]);
  read.found(found.exists);
  reply_value(context, std::move(found));
  return Progress::kDone;
}

Progress set_command(CommandContext& context) {
  Assignment assignment;
  if (!read_options(context, 3, take_set_word, assignment.options)) return Progress::kDone;
  return assign(context, assignment);
}

Progress setnx_command(CommandContext& context) {
  return assign(context, {.options = {.only_new = true}, .done = ":1\r\n", .not_done = ":0\r\n"});
}

Progress setex_command(CommandContext& context) {
  return assign(context, {.options = {.expiry = Expiry::kSeconds, .expiry_index = 2}, .value_index = 3});
}

Progress psetex_command(CommandContext& context) {
  return assign(context, {.options = {.expiry = Expiry::kMilliseconds, .expiry_index = 2}, .value_index = 3});
}

Progress getset_command(CommandContext& context) { return assign(context, {.options = {.get = true}}); }

Progress getdel_command(CommandContext& context) {
  std::optional<OldValue> old;
  {
    ByteCache::Slot slot = context.lock(context.args[1]);
    slot.touch();
    old.emplace(slot);
    slot.exists() ? slot.erase() : slot.erase_below();
  }
  old->reply_to(context.reply);
  return Progress::kDone;
}

Progress getex_command(CommandContext& context) {
  Options options;
  if (!read_options(context, 2, take_getex_word, options)) return Progress::kDone;
  ByteCache::Slot slot = context.lock(context.args[1]);
  slot.touch();
  const bool changes = options.expiry != Expiry::kNone || options.persist;
  if (!slot.exists() || !changes) {
    reply_value(context, std::move(slot));
    return Progress::kDone;
  }
  std::int64_t expires_at_ms = ByteCache::kNever;
  if (options.expiry != Expiry::kNone) {
    const std::optional<std::int64_t> time = expiry_time(context, options);
    if (!time) return Progress::kDone;
    expires_at_ms = *time;
  }
  if (is_absolute(options.expiry) && expires_at_ms <= context.now_ms) {
    OldValue old(slot);
    slot.erase();
    unlock(std::move(slot));
    old.reply_to(context.reply);
    return Progress::kDone;
  }
  const bool moves = options.expiry != Expiry::kNone || expires_at_ms != slot.expires_at_ms();
  if (moves && !slot.set_expiry(expires_at_ms)) {
    return refuse(context, kOutOfMemory);
  }
  reply_value(context, std::move(slot));
  return Progress::kDone;
}

// What is paused for its reader goes on with the values of then.
Progress mget_command(CommandContext& context) {
  Progress progress = Progress::kDone;
  context.with_keys(Several::kRead, [&] { progress = reply_values(context); });
  return progress;
}

Progress mset_command(CommandContext& context) {
  if (context.args.size() % 2 == 0) return refuse_arity(context);
  context.with_keys(Several::kWrite, [&] { put_all(context); }, 2);
  return Progress::kDone;
}

}  // namespace plimsoll
