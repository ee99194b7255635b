// How commands read their arguments, and Redis's words for what it does not take.
//
// Redis takes an argument for a C string where it expects a word, and for bytes where it expects a key or a
// value: "ex\0y" is the option EX. What replies an error here has replied; the caller returns kDone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plimsoll/server/command.h"

namespace plimsoll {

inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kNotAnInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kOutOfMemory = "OOM command not allowed when used memory > 'maxmemory'.";
// Before the subcommand that was given too many.
inline constexpr std::string_view kWrongSubcommand =
    "ERR unknown subcommand or wrong number of arguments for '";
inline constexpr std::string_view kTooLongValue =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view kTooLongKey = "ERR key exceeds maximum allowed size (32768 bytes)";

// To the first NUL.
std::string_view c_string(std::string_view argument);
// Ignores case.
bool is_word(std::string_view argument, std::string_view word);

// Replies `text` and is done.
Progress refuse(CommandContext& context, std::string_view text);
// -<before><argument, as a C string><after>, made one line.
Progress refuse_argument(CommandContext& context, std::string_view before, std::string_view argument,
                         std::string_view after);
Progress refuse_arity(CommandContext& context);
Progress refuse_expire_time(CommandContext& context);
// For a write that did not get its memory. REQUIRES: status is not kDone.
Progress refuse_write(CommandContext& context, std::string_view key, WriteStatus status);

// args[index] as an integer; nothing when it is none, and then an error is replied.
std::optional<std::int64_t> integer_argument(CommandContext& context, std::size_t index);

// args[index] as the number of a database; nothing when it is none, and then an error is replied.
std::optional<unsigned> database_argument(CommandContext& context, std::size_t index);
std::uint64_t count_keys_of(CommandContext& context, unsigned database);

// Writes args[index] into the slot, without a copy when it came in pages of its own.
WriteStatus put_argument(CommandContext& context, ByteCache::Slot& slot, std::size_t index,
                         std::int64_t expires_at_ms);

inline void unlock(ByteCache::Slot) {}  // by its end: unlock(std::move(slot))

// Replies the slot's value, or null when it is absent, and unlocks the slot. (A large value may go to its
// socket at once, which takes longer than others should wait for the shard.)
void reply_value(CommandContext& context, ByteCache::Slot slot);

// The same of what was read without a lock.
void reply_value(CommandContext& context, ByteCache::Reading found);

// Sends bytes [context.resume - 1, end) of context.kept piece by piece, as the reader has room for them.
Progress send_kept(CommandContext& context, std::size_t end);

// HELP of a command with subcommands, from their rows.
Progress reply_help(CommandContext& context);

}  // namespace plimsoll
