// The table, and finding in it. The facts of each row (arity, flags, keys, categories, tips) are those
// COMMAND INFO of Redis 7.0.15 gives; clients route and cache by them.
#include <array>
#include <cstddef>
#include <cstdint>

#include "plimsoll/base/text.h"
#include "plimsoll/server/command.h"
#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

// A command's subcommands follow it.
constexpr Command kTable[] = {
    {"append", 3, "write denyoom fast", 1, 1, 1, append_command,
     "Adds bytes at the end of a string, and makes the key if there is none.", "string", "2.0.0",
     "write string fast", "RW insert"},
    {"decr", 2, "write denyoom fast", 1, 1, 1, decr_command, "Subtracts one from an integer.", "string",
     "1.0.0", "write string fast", "RW access update"},
    {"decrby", 3, "write denyoom fast", 1, 1, 1, decrby_command, "Subtracts a number from an integer.",
     "string", "1.0.0", "write string fast", "RW access update"},
    {"get", 2, "readonly fast", 1, 1, 1, get_command, "Returns the string of a key.", "string", "1.0.0",
     "read string fast", "RO access"},
    {"getdel", 2, "write fast", 1, 1, 1, getdel_command, "Returns the string of a key and deletes the key.",
     "string", "6.2.0", "write string fast", "RW access delete"},
    {"getex", -2, "write fast", 1, 1, 1, getex_command,
     "Returns the string of a key and changes when it expires.", "string", "6.2.0", "write string fast",
     "RW access update"},
    {"getrange", 4, "readonly", 1, 1, 1, getrange_command, "Returns a part of a string.", "string", "2.4.0",
     "read string slow", "RO access"},
    {"getset", 3, "write denyoom fast", 1, 1, 1, getset_command, "Sets a key and returns its old string.",
     "string", "1.0.0", "write string fast", "RW access update"},
    {"incr", 2, "write denyoom fast", 1, 1, 1, incr_command, "Adds one to an integer.", "string", "1.0.0",
     "write string fast", "RW access update"},
    {"incrby", 3, "write denyoom fast", 1, 1, 1, incrby_command, "Adds a number to an integer.", "string",
     "1.0.0", "write string fast", "RW access update"},
    {"incrbyfloat", 3, "write denyoom fast", 1, 1, 1, incrbyfloat_command,
     "Adds a number with a fraction to a number.", "string", "2.6.0", "write string fast",
     "RW access update"},
    {"mget", -2, "readonly fast", 1, -1, 1, mget_command, "Returns the strings of several keys.", "string",
     "1.0.0", "read string fast", "RO access", "request_policy:multi_shard"},
    {"mset", -3, "write denyoom", 1, -1, 2, mset_command, "Sets several keys.", "string", "1.0.1",
     "write string slow", "OW update", "request_policy:multi_shard response_policy:all_succeeded"},
    {"msetnx", -3, "write denyoom", 1, -1, 2, msetnx_command, "Sets several keys if none of them exists.",
     "string", "1.0.1", "write string slow", "OW insert",
     "request_policy:multi_shard response_policy:agg_min"},
    {"psetex", 4, "write denyoom", 1, 1, 1, psetex_command,
     "Sets a key that expires after some milliseconds.", "string", "2.6.0", "write string slow", "OW update"},
    {"set", -3, "write denyoom", 1, 1, 1, set_command,
     "Sets a key to a string, on conditions and with an expiry if asked.", "string", "1.0.0",
     "write string slow", "RW access update variable_flags"},
    {"setex", 4, "write denyoom", 1, 1, 1, setex_command, "Sets a key that expires after some seconds.",
     "string", "2.0.0", "write string slow", "OW update"},
    {"setnx", 3, "write denyoom fast", 1, 1, 1, setnx_command, "Sets a key if it does not exist.", "string",
     "1.0.0", "write string fast", "OW insert"},
    {"setrange", 4, "write denyoom", 1, 1, 1, setrange_command, "Overwrites a part of a string.", "string",
     "2.2.0", "write string slow", "RW update"},
    {"strlen", 2, "readonly fast", 1, 1, 1, strlen_command, "Returns the length of a string.", "string",
     "2.2.0", "read string fast", "RO"},
    {"substr", 4, "readonly", 1, 1, 1, getrange_command, "Returns a part of a string, as GETRANGE does.",
     "string", "1.0.0", "read string slow", "RO access"},
    {"copy", -3, "write denyoom", 1, 2, 1, copy_command,
     "Copies the value of a key to another key or database.", "generic", "6.2.0", "keyspace write slow",
     "RO access;OW update"},
    {"del", -2, "write", 1, -1, 1, del_command, "Deletes keys.", "generic", "1.0.0", "keyspace write slow",
     "RM delete", "request_policy:multi_shard response_policy:agg_sum"},
    {"exists", -2, "readonly fast", 1, -1, 1, exists_command, "Counts the keys that exist.", "generic",
     "1.0.0", "keyspace read fast", "RO", "request_policy:multi_shard response_policy:agg_sum"},
    {"expire", -3, "write fast", 1, 1, 1, expire_command, "Lets a key expire after some seconds.", "generic",
     "1.0.0", "keyspace write fast", "RW update"},
    {"expireat", -3, "write fast", 1, 1, 1, expireat_command, "Lets a key expire at a Unix time in seconds.",
     "generic", "1.2.0", "keyspace write fast", "RW update"},
    {"expiretime", 2, "readonly fast", 1, 1, 1, expiretime_command,
     "Returns the Unix time in seconds at which a key expires.", "generic", "7.0.0", "keyspace read fast",
     "RO access"},
    {"keys", 2, "readonly", 0, 0, 0, keys_command, "Lists the keys that match a pattern.", "generic", "1.0.0",
     "keyspace read slow dangerous", "", "request_policy:all_shards nondeterministic_output_order"},
    {"move", 3, "write fast", 1, 1, 1, move_command, "Moves a key to another database.", "generic", "1.0.0",
     "keyspace write fast", "RW access update"},
    {"object", -2, "", 0, 0, 0, nullptr, "Commands about how values are kept.", "generic", "2.2.3", "slow",
     "", "", 5},
    {"object|encoding", 3, "readonly", 2, 2, 1, object_encoding_command,
     "Returns how a value is kept, in Redis's words.", "generic", "2.2.3", "keyspace read slow", "RO",
     "nondeterministic_output"},
    {"object|freq", 3, "readonly", 2, 2, 1, object_freq_command, "Returns how often a key was used.",
     "generic", "4.0.0", "keyspace read slow", "RO", "nondeterministic_output"},
    {"object|idletime", 3, "readonly", 2, 2, 1, object_idletime_command,
     "Returns for how many seconds a key was not used.", "generic", "2.2.3", "keyspace read slow", "RO",
     "nondeterministic_output"},
    {"object|refcount", 3, "readonly", 2, 2, 1, object_refcount_command,
     "Returns how many references a value has: one.", "generic", "2.2.3", "keyspace read slow", "RO",
     "nondeterministic_output"},
    {"object|help", 2, "loading stale", 0, 0, 0, reply_help, "Prints this help.", "generic", "6.2.0",
     "keyspace slow"},
    {"persist", 2, "write fast", 1, 1, 1, persist_command, "Lets a key no longer expire.", "generic", "2.2.0",
     "keyspace write fast", "RW update"},
    {"pexpire", -3, "write fast", 1, 1, 1, pexpire_command, "Lets a key expire after some milliseconds.",
     "generic", "2.6.0", "keyspace write fast", "RW update"},
    {"pexpireat", -3, "write fast", 1, 1, 1, pexpireat_command,
     "Lets a key expire at a Unix time in milliseconds.", "generic", "2.6.0", "keyspace write fast",
     "RW update"},
    {"pexpiretime", 2, "readonly fast", 1, 1, 1, pexpiretime_command,
     "Returns the Unix time in milliseconds at which a key expires.", "generic", "7.0.0",
     "keyspace read fast", "RO access"},
    {"plimsoll.entry", 2, "readonly", 1, 1, 1, entry_command,
     "Returns what is known of an entry: type, sizes, compression, checksum, uses.", "generic", "0.1.0",
     "keyspace read slow", "RO access", "nondeterministic_output"},
    {"pttl", 2, "readonly fast", 1, 1, 1, pttl_command, "Returns how many milliseconds a key has left.",
     "generic", "2.6.0", "keyspace read fast", "RO access", "nondeterministic_output"},
    {"randomkey", 1, "readonly", 0, 0, 0, randomkey_command, "Returns a key drawn at random.", "generic",
     "1.0.0", "keyspace read slow", "", "request_policy:all_shards nondeterministic_output"},
    {"rename", 3, "write", 1, 2, 1, rename_command, "Gives a key another name.", "generic", "1.0.0",
     "keyspace write slow", "RW access delete;OW update"},
    {"renamenx", 3, "write fast", 1, 2, 1, renamenx_command, "Gives a key another name that no key has.",
     "generic", "1.0.0", "keyspace write fast", "RW access delete;OW insert"},
    {"scan", -2, "readonly", 0, 0, 0, scan_command, "Lists keys page by page.", "generic", "2.8.0",
     "keyspace read slow", "", "nondeterministic_output request_policy:special"},
    {"touch", -2, "readonly fast", 1, -1, 1, touch_command, "Counts the keys that exist, as a use of each.",
     "generic", "3.2.1", "keyspace read fast", "RO", "request_policy:multi_shard response_policy:agg_sum"},
    {"ttl", 2, "readonly fast", 1, 1, 1, ttl_command, "Returns how many seconds a key has left.", "generic",
     "1.0.0", "keyspace read fast", "RO access", "nondeterministic_output"},
    {"type", 2, "readonly fast", 1, 1, 1, type_command, "Returns the type of a key: string or none.",
     "generic", "1.0.0", "keyspace read fast", "RO"},
    {"unlink", -2, "write fast", 1, -1, 1, del_command, "Deletes keys, as DEL does.", "generic", "4.0.0",
     "keyspace write fast", "RM delete", "request_policy:multi_shard response_policy:agg_sum"},
    {"auth", -2, "noscript loading stale fast no_auth allow_busy", 0, 0, 0, auth_command,
     "Shows the password to the server.", "connection", "1.0.0", "fast connection"},
    {"client", -2, "", 0, 0, 0, nullptr, "Commands about connections.", "connection", "2.4.0", "slow", "", "",
     14},
    {"client|getredir", 2, "noscript loading stale", 0, 0, 0, client_getredir_command,
     "Returns whom invalidations go to: nobody.", "connection", "6.0.0", "slow connection"},
    {"client|getname", 2, "noscript loading stale", 0, 0, 0, client_getname_command,
     "Returns the name of this connection.", "connection", "2.6.9", "slow connection"},
    {"client|id", 2, "noscript loading stale", 0, 0, 0, client_id_command,
     "Returns the number of this connection.", "connection", "5.0.0", "slow connection"},
    {"client|info", 2, "noscript loading stale", 0, 0, 0, client_info_command, "Describes this connection.",
     "connection", "6.2.0", "slow connection", "", "nondeterministic_output"},
    {"client|kill", -3, "admin noscript loading stale", 0, 0, 0, client_kill_command, "Closes connections.",
     "connection", "2.4.0", "admin slow dangerous connection"},
    {"client|list", -2, "admin noscript loading stale", 0, 0, 0, client_list_command,
     "Describes all connections.", "connection", "2.4.0", "admin slow dangerous connection", "",
     "nondeterministic_output"},
    {"client|no-evict", 3, "admin noscript loading stale", 0, 0, 0, client_no_evict_command,
     "Is taken, and changes nothing.", "connection", "7.0.0", "admin slow dangerous connection"},
    {"client|reply", 3, "noscript loading stale", 0, 0, 0, client_reply_command,
     "Says whether this connection wants replies.", "connection", "3.2.0", "slow connection"},
    {"client|setinfo", 4, "noscript loading stale", 0, 0, 0, client_setinfo_command,
     "Names the client library of this connection, or its version.", "connection", "7.2.0",
     "slow connection"},
    {"client|setname", 3, "noscript loading stale", 0, 0, 0, client_setname_command, "Names this connection.",
     "connection", "2.6.9", "slow connection"},
    {"client|tracking", -3, "noscript loading stale", 0, 0, 0, client_tracking_command,
     "Is refused but for OFF: this server sends no invalidations.", "connection", "6.0.0", "slow connection"},
    {"client|trackinginfo", 2, "noscript loading stale", 0, 0, 0, client_trackinginfo_command,
     "Returns that this connection is not tracked.", "connection", "6.2.0", "slow connection"},
    {"client|unblock", -3, "admin noscript loading stale", 0, 0, 0, client_unblock_command,
     "Returns 0: no command blocks.", "connection", "5.0.0", "admin slow dangerous connection"},
    {"client|help", 2, "loading stale", 0, 0, 0, reply_help, "Prints this help.", "connection", "5.0.0",
     "slow connection"},
    {"echo", 2, "loading stale fast", 0, 0, 0, echo_command, "Returns what it is given.", "connection",
     "1.0.0", "fast connection"},
    {"hello", -1, "noscript loading stale fast no_auth allow_busy", 0, 0, 0, hello_command,
     "Agrees on the protocol, and may show the password and name the connection.", "connection", "6.0.0",
     "fast connection"},
    {"ping", -1, "fast", 0, 0, 0, ping_command, "Returns PONG, or what it is given.", "connection", "1.0.0",
     "fast connection", "", "request_policy:all_shards response_policy:all_succeeded"},
    {"quit", -1, "noscript loading stale fast no_auth allow_busy", 0, 0, 0, quit_command,
     "Closes the connection.", "connection", "1.0.0", "fast connection"},
    {"reset", 1, "noscript loading stale fast no_auth allow_busy", 0, 0, 0, reset_command,
     "Forgets what this connection has set.", "connection", "6.2.0", "fast connection"},
    {"select", 2, "loading stale fast", 0, 0, 0, select_command, "Chooses one of sixteen databases.",
     "connection", "1.0.0", "fast connection"},
    {"command", -1, "loading stale", 0, 0, 0, command_command, "Describes all commands.", "server", "2.8.13",
     "slow connection", "", "nondeterministic_output_order", 7},
    {"command|count", 2, "loading stale", 0, 0, 0, command_count_command, "Counts the commands.", "server",
     "2.8.13", "slow connection"},
    {"command|docs", -2, "loading stale", 0, 0, 0, command_docs_command, "Says in words what commands do.",
     "server", "7.0.0", "slow connection", "", "nondeterministic_output_order"},
    {"command|getkeys", -4, "loading stale", 0, 0, 0, command_getkeys_command,
     "Finds the keys in a command's arguments.", "server", "2.8.13", "slow connection"},
    {"command|getkeysandflags", -4, "loading stale", 0, 0, 0, command_getkeysandflags_command,
     "Finds the keys in a command's arguments, and what is done to them.", "server", "7.0.0",
     "slow connection"},
    {"command|info", -2, "loading stale", 0, 0, 0, command_info_command, "Describes commands.", "server",
     "2.8.13", "slow connection", "", "nondeterministic_output_order"},
    {"command|list", -2, "loading stale", 0, 0, 0, command_list_command, "Names the commands.", "server",
     "7.0.0", "slow connection", "", "nondeterministic_output_order"},
    {"command|help", 2, "loading stale", 0, 0, 0, reply_help, "Prints this help.", "server", "5.0.0",
     "slow connection"},
    {"config", -2, "", 0, 0, 0, nullptr, "Commands about settings.", "server", "2.0.0", "slow", "", "", 4},
    {"config|get", -3, "admin noscript loading stale", 0, 0, 0, config_get_command,
     "Returns the settings whose names match the patterns.", "server", "2.0.0", "admin slow dangerous"},
    {"config|resetstat", 2, "admin noscript loading stale", 0, 0, 0, config_resetstat_command,
     "Sets the statistics to zero.", "server", "2.0.0", "admin slow dangerous"},
    {"config|set", -4, "admin noscript loading stale", 0, 0, 0, config_set_command, "Changes settings.",
     "server", "2.0.0", "admin slow dangerous", "", "request_policy:all_nodes response_policy:all_succeeded"},
    {"config|help", 2, "loading stale", 0, 0, 0, reply_help, "Prints this help.", "server", "5.0.0", "slow"},
    {"dbsize", 1, "readonly fast", 0, 0, 0, dbsize_command, "Counts the keys.", "server", "1.0.0",
     "keyspace read fast", "", "request_policy:all_shards response_policy:agg_sum"},
    {"flushall", -1, "write", 0, 0, 0, flushall_command, "Deletes all keys of all databases.", "server",
     "1.0.0", "keyspace write slow dangerous", "", "request_policy:all_shards response_policy:all_succeeded"},
    {"flushdb", -1, "write", 0, 0, 0, flushdb_command, "Deletes all keys of this database.", "server",
     "1.0.0", "keyspace write slow dangerous", "", "request_policy:all_shards response_policy:all_succeeded"},
    {"info", -1, "loading stale", 0, 0, 0, info_command, "Describes the state of the server.", "server",
     "1.0.0", "slow dangerous", "",
     "nondeterministic_output request_policy:all_shards response_policy:special"},
    {"memory", -2, "", 0, 0, 0, nullptr, "Commands about memory.", "server", "4.0.0", "slow", "", "", 6},
    {"memory|doctor", 2, "", 0, 0, 0, memory_doctor_command, "Says what is wrong with memory, in words.",
     "server", "4.0.0", "slow", "",
     "nondeterministic_output request_policy:all_shards response_policy:special"},
    {"memory|malloc-stats", 2, "", 0, 0, 0, memory_malloc_stats_command,
     "Returns what each part of the server holds.", "server", "4.0.0", "slow", "",
     "nondeterministic_output request_policy:all_shards response_policy:special"},
    {"memory|purge", 2, "", 0, 0, 0, memory_purge_command, "Gives memory back that nobody uses.", "server",
     "4.0.0", "slow", "", "request_policy:all_shards response_policy:all_succeeded"},
    {"memory|stats", 2, "", 0, 0, 0, memory_stats_command, "Returns figures about memory.", "server", "4.0.0",
     "slow", "", "nondeterministic_output request_policy:all_shards response_policy:special"},
    {"memory|usage", -3, "readonly", 2, 2, 1, memory_usage_command,
     "Returns how many bytes a key and its value take.", "server", "4.0.0", "read slow", "RO"},
    {"memory|help", 2, "loading stale", 0, 0, 0, reply_help, "Prints this help.", "server", "4.0.0", "slow"},
    {"role", 1, "noscript loading stale fast", 0, 0, 0, role_command,
     "Says that this server follows no other.", "server", "2.8.12", "admin fast dangerous"},
    {"swapdb", 3, "write fast", 0, 0, 0, swapdb_command, "Swaps two databases.", "server", "4.0.0",
     "keyspace write fast dangerous"},
    {"time", 1, "loading stale fast", 0, 0, 0, time_command, "Returns the server's time.", "server", "2.6.0",
     "fast", "", "nondeterministic_output"},
    {"function", -2, "", 0, 0, 0, nullptr, "Commands about functions, of which there are none.", "scripting",
     "7.0.0", "slow", "", "", 3},
    {"function|flush", -2, "write noscript", 0, 0, 0, function_flush_command, "Deletes all functions.",
     "scripting", "7.0.0", "write slow scripting", "",
     "request_policy:all_shards response_policy:all_succeeded"},
    {"function|list", -2, "noscript", 0, 0, 0, function_list_command, "Lists the functions.", "scripting",
     "7.0.0", "slow scripting", "", "nondeterministic_output_order"},
    {"function|help", 2, "loading stale", 0, 0, 0, reply_help, "Prints this help.", "scripting", "7.0.0",
     "slow scripting"},
    {"script", -2, "", 0, 0, 0, nullptr, "Commands about scripts, of which there are none.", "scripting",
     "2.6.0", "slow", "", "", 3},
    {"script|exists", -3, "noscript", 0, 0, 0, script_exists_command, "Says which scripts are kept: none.",
     "scripting", "2.6.0", "slow scripting", "", "request_policy:all_shards response_policy:agg_logical_and"},
    {"script|flush", -2, "noscript", 0, 0, 0, script_flush_command, "Deletes all scripts.", "scripting",
     "2.6.0", "slow scripting", "", "request_policy:all_nodes response_policy:all_succeeded"},
    {"script|help", 2, "loading stale", 0, 0, 0, reply_help, "Prints this help.", "scripting", "5.0.0",
     "slow scripting"},
    {"discard", 1, "noscript loading stale fast allow_busy", 0, 0, 0, discard_command,
     "Forgets the commands since MULTI.", "transactions", "2.0.0", "fast transaction"},
    {"exec", 1, "noscript loading stale skip_slowlog", 0, 0, 0, exec_command,
     "Runs the commands since MULTI, with none of another client between them.", "transactions", "1.2.0",
     "slow transaction"},
    {"multi", 1, "noscript loading stale fast allow_busy", 0, 0, 0, multi_command,
     "Keeps the commands that follow until EXEC.", "transactions", "1.2.0", "fast transaction"},
    {"unwatch", 1, "noscript loading stale fast allow_busy", 0, 0, 0, unwatch_command,
     "Watches no key any more.", "transactions", "2.2.0", "fast transaction"},
    {"watch", -2, "noscript loading stale fast allow_busy", 1, -1, 1, watch_command,
     "Lets EXEC run only if the keys were not changed until then.", "transactions", "2.2.0",
     "fast transaction", "RO"},
};
constexpr std::size_t kRows = std::size(kTable);

// An index of the table by name: open addressing, at most half full.
constexpr std::size_t kPlaces = 512;
constexpr std::uint8_t kNone = 0xff;
static_assert(kRows <= kPlaces / 2 && kRows < kNone);
using Index = std::array<std::uint8_t, kPlaces>;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

constexpr std::size_t place_of(std::string_view name) {
  std::uint32_t hash = 0x811c9dc5;  // FNV-1a
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(lower(c))) * 0x01000193;
  return (hash ^ (hash >> 16)) % kPlaces;
}

constexpr Index make_index() {
  Index index{};
  index.fill(kNone);
  for (std::size_t row = 0; row < kRows; ++row) {
    std::size_t place = place_of(kTable[row].name);
    while (index[place] != kNone) place = (place + 1) % kPlaces;
    index[place] = static_cast<std::uint8_t>(row);
  }
  return index;
}
constexpr Index kIndex = make_index();

constexpr std::size_t longest_name() {
  std::size_t longest = 0;
  for (const Command& row : kTable) longest = std::max(longest, row.name.size());
  return longest;
}
constexpr std::size_t kLongestName = longest_name();

}  // namespace

std::span<const Command> command_table() { return kTable; }

const Command* find_command(std::string_view name) {
  if (name.size() > kLongestName) return nullptr;  // hashing is for names, not for megabytes
  for (std::size_t place = place_of(name); kIndex[place] != kNone; place = (place + 1) % kPlaces) {
    const Command& row = kTable[kIndex[place]];
    if (equals_ignoring_case(row.name, name)) return &row;
  }
  return nullptr;
}

}  // namespace plimsoll
