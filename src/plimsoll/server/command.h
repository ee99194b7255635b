// Commands: the table of RESP commands, and what one needs to run.
//
// One row a command (name, arity, flags, where its keys are, handler), after Redis's own table, which clients
// ask for with COMMAND. Handlers are free functions over a CommandContext; a group of commands is a file,
// commands_<group>.cc. What they answer is what Redis 7.0.15 answers, errors and their order included.
//
// Thread-safety: the table is constant; handlers run on the connection's loop. Cost: finding a command about
// 20 ns. Limits: none. Errors: replies. Ownership: a context lives for one command.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "plimsoll/base/clock.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/server/databases.h"
#include "plimsoll/server/reply.h"
#include "plimsoll/server/session.h"

namespace plimsoll {

class Pace;

// What MEMORY STATS tells.
struct MemoryFigures {
  Bytes charged, peak, runtime, connections, payload, index, cache, resident;
  std::uint64_t keys = 0;
};

// What a command does with several keys.
enum class Several : std::uint8_t { kRead, kWrite };

// What commands may ask of the whole server.
class ServerFacts {
 public:
  virtual ~ServerFacts() = default;
  // INFO's text of one section, its name in lower case; "default": the usual ones, "all", "everything".
  virtual std::string info(std::string_view section) const = 0;
  virtual std::vector<std::string> client_lines() const = 0;  // CLIENT LIST, a line each without line end
  virtual std::string_view password() const = 0;              // empty: none is needed
  // CONFIG GET: every pair whose name matches the glob, ignoring case.
  virtual std::vector<std::pair<std::string, std::string>> config_get(std::string_view glob) const = 0;
  // CONFIG SET of one name that config_get() knows. Empty, or the reason: "argument must be a memory value".
  virtual std::string config_set(std::string_view name, std::string_view value) = 0;
  virtual void reset_stats() {}  // CONFIG RESETSTAT
  // What a command holds of its own while it replies is charged to (the list that KEYS makes).
  virtual Account& scratch() = 0;
  // Runs `run` while no other loop runs commands: nobody's command comes between those that `run` runs.
  // Sessions and their clients' states may be looked at. REQUIRES: not from within `run`.
  virtual void alone(const std::function<void()>& run) = 0;
  // Runs `run`, which reads or writes several keys, in one piece towards others who do: while one writes, no
  // other reads or writes. Commands of one key go on meanwhile. REQUIRES: not from within `run`, nor alone.
  virtual void several(Several what, const std::function<void()>& run) = 0;
  // REQUIRES: alone.
  virtual void each_session(const std::function<void(const Session&)>& visit) = 0;
  // CLIENT KILL: closes the connections that are chosen, each on its own loop; how many that will be.
  // `chosen` is asked with all sessions of a loop held still.
  virtual std::size_t close_sessions(const std::function<bool(const Session&)>& chosen) = 0;
  // What a transaction keeps is charged with this, after making room if need be; empty when refused.
  virtual Charge charge_transaction(Bytes bytes) = 0;
  virtual Bytes transaction_maximum() const = 0;
  virtual MemoryFigures memory_figures() const = 0;
  virtual std::string memory_advice() const = 0;  // MEMORY DOCTOR, in words
  virtual std::string memory_table() const = 0;   // MEMORY MALLOC-STATS
  virtual void purge_memory() = 0;                // MEMORY PURGE
};

enum class Progress : std::uint8_t {
  kDone,
  kAgain,  // the reader holds its share: call again, with the same context, when it has read
};

struct CommandContext {
  std::span<const std::string_view> args;  // args[0] is the command's name as it was sent
  std::span<ExtentRef> bodies;  // bodies[i]: args[i] in pages of its own, or empty; may be moved from
  Reply& reply;
  ByteCache& cache;
  Databases& databases;
  ServerFacts& server;
  Session& session;
  std::int64_t now_ms = 0;          // Unix time at which the command is run
  std::int64_t default_ttl_ms = 0;  // of what is written without a time to live; 0: it stays
  // The handler's own, between a kAgain and the call after it: where to go on (0: from the start), and the
  // value or list of which only a part is sent.
  std::size_t resume = 0;
  PinnedValue kept = {};
  // True once the reader holds its share: commands with many values return kAgain then.
  std::function<bool()> reader_is_full = [] { return false; };
  Pace* pace = nullptr;         // is told how long reads take
  bool is_alone = false;        // no other loop runs commands
  std::string stored_key = {};  // of the key locked last, when it is not stored as it was sent

  // The client's key, in its database or in another. One at a time: the last one's slot has ended.
  ByteCache::Slot lock(std::string_view key) { return lock(key, session.database); }
  ByteCache::Slot lock(std::string_view key, unsigned database) {
    return cache.lock(databases.stored(database, key, stored_key), now_ms);
  }
  // A temporary would be gone before the slot is.
  template <typename Key, typename... Database>
    requires std::same_as<std::remove_cv_t<Key>, std::string>
  ByteCache::Slot lock(Key&& key, Database... database) = delete;
  // Without a lock, as ByteCache says; small values are copied to where value_of() finds them.
  ByteCache::Reading read(std::string_view key) {
    return cache.read(databases.stored(session.database, key, stored_key), now_ms, space_for_values());
  }
  ByteCache::Reading look(std::string_view key) {
    return cache.look(databases.stored(session.database, key, stored_key), now_ms);
  }
  // Of what read() found, until the thread reads another. REQUIRES: it exists, or is empty.
  static std::string_view value_of(const ByteCache::Reading& found) {
    if (found.pinned) return found.pinned.view();
    return found.unpacked ? found.unpacked.view() : std::string_view(space_for_values().data(), found.size);
  }
  static std::span<char> space_for_values();  // the thread's, for one value that is not large
  void alone(const std::function<void()>& run);
  // The keys of this command are args[1], args[1 + step] and so on: if it is more than one, as
  // ServerFacts::several() does.
  template <typename Run>
  void with_keys(Several what, const Run& run, std::size_t step = 1) {
    if (is_alone || args.size() <= 1 + step) return run();
    server.several(what, std::ref(run));
  }
  // When a value ends that is new, or replaces another, and whose command does not say.
  std::int64_t default_end() const {
    return default_ttl_ms == 0 ? ByteCache::kNever : now_ms + default_ttl_ms;
  }
};

struct Command {
  std::string_view name;   // lower case; "config|get" for a subcommand
  int arity;               // as in COMMAND: negative is "at least"
  std::string_view flags;  // space-separated, as in COMMAND: "readonly fast"
  int first_key, last_key, key_step;
  Progress (*run)(CommandContext&);  // null: has subcommands and does nothing without one
  std::string_view summary;          // one line, for COMMAND DOCS
  std::string_view group;
  std::string_view since;
  std::string_view categories;      // of Redis's access control, "read string fast"
  std::string_view key_flags = {};  // what is done to the keys, "RO access"
  std::string_view tips = {};
  std::size_t subcommands = 0;  // that many rows after this one are its subcommands

  bool has_flag(std::string_view flag) const;
  std::span<const Command> children() const { return {this + 1, subcommands}; }
};

std::span<const Command> command_table();
// Ignores case; null when there is none. A subcommand goes by its full name.
const Command* find_command(std::string_view name);
// The command or subcommand that a request asks for; null when there is none. REQUIRES: args is not empty.
const Command* requested_command(std::span<const std::string_view> args);

// Finds, checks (arity, authentication) and runs the command of `context`, replying with Redis's own words on
// an error. After kAgain the checks are not made again. REQUIRES: args is not empty.
Progress run_command(CommandContext& context);

}  // namespace plimsoll
