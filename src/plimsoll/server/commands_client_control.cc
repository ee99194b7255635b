// CLIENT: what one connection asks of others, and how it wants to be treated itself.
//
// Libraries and consoles send these without being asked to. What concerns things that this server does not
// have (blocked clients, invalidations) is answered as Redis answers where nobody uses them.
#include <optional>
#include <string>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/client_text.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

// Whom CLIENT KILL means: all that is said must be so.
struct Chosen {
  std::optional<std::uint64_t> id;
  std::optional<std::string_view> peer;
  std::optional<std::string_view> local;
  bool normal = true;  // there is no other type of client here
  bool skip_own = true;

  bool takes(const Session& session) const {
    return normal && (!id || session.id == *id) && (!peer || session.peer == *peer) &&
           (!local || session.local == *local);
  }
};

// False when an error was replied.
bool take_id(CommandContext& context, std::string_view text, Chosen& chosen) {
  const std::optional<std::int64_t> id = parse_redis_int64(text);
  if (!id || *id < 1) {
    context.reply.error("ERR client-id should be greater than 0");
    return false;
  }
  chosen.id = static_cast<std::uint64_t>(*id);
  return true;
}

// One pair of CLIENT KILL; false when an error was replied.
bool take_filter(CommandContext& context, std::string_view name, std::string_view value, Chosen& chosen) {
  if (is_word(name, "id")) return take_id(context, value, chosen);
  if (is_word(name, "addr")) {
    chosen.peer = c_string(value);
  } else if (is_word(name, "laddr")) {
    chosen.local = c_string(value);
  } else if (is_word(name, "type")) {
    const std::optional<bool> normal = client_type_is_normal(context, value);
    if (!normal) return false;
    chosen.normal = *normal;
  } else if (is_word(name, "user")) {
    if (c_string(value) != "default") {
      refuse_argument(context, "ERR No such user '", c_string(value), "'");
      return false;
    }
  } else if (is_word(name, "skipme") && (is_word(value, "yes") || is_word(value, "no"))) {
    chosen.skip_own = is_word(value, "yes");
  } else {
    context.reply.error(kSyntaxError);
    return false;
  }
  return true;
}

// Closes them; how many. The own connection is closed when it has its reply.
std::size_t kill(CommandContext& context, const Chosen& chosen) {
  const std::uint64_t own = context.session.id;
  std::size_t killed = context.server.close_sessions(
      [&](const Session& session) { return session.id != own && chosen.takes(session); });
  if (!chosen.skip_own && chosen.takes(context.session)) {
    context.session.close_after_reply = true;
    ++killed;
  }
  return killed;
}

}  // namespace

std::optional<bool> client_type_is_normal(CommandContext& context, std::string_view type) {
  if (is_word(type, "normal")) return true;
  if (is_word(type, "master") || is_word(type, "replica") || is_word(type, "slave") ||
      is_word(type, "pubsub")) {
    return false;
  }
  refuse_argument(context, "ERR Unknown client type '", c_string(type), "'");
  return std::nullopt;
}

Progress client_kill_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  Chosen chosen;
  if (args.size() == 3) {  // CLIENT KILL address:port, which does not spare the own connection
    chosen.peer = c_string(args[2]);
    chosen.skip_own = false;
    if (kill(context, chosen) == 0) return refuse(context, "ERR No such client");
    context.reply.ok();
    return Progress::kDone;
  }
  for (std::size_t i = 2; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return refuse(context, kSyntaxError);
    if (!take_filter(context, args[i], args[i + 1], chosen)) return Progress::kDone;
  }
  context.reply.integer(static_cast<std::int64_t>(kill(context, chosen)));
  return Progress::kDone;
}

// OFF and SKIP have no reply themselves; see Session::Replies.
Progress client_reply_command(CommandContext& context) {
  Session& session = context.session;
  const std::string_view mode = context.args[2];
  if (is_word(mode, "on")) {
    session.replies = Session::Replies::kOn;
    context.reply.ok();
  } else if (is_word(mode, "off")) {
    session.replies = Session::Replies::kOff;
  } else if (is_word(mode, "skip")) {
    if (session.replies != Session::Replies::kOff) session.replies = Session::Replies::kSkipNext;
  } else {
    context.reply.error(kSyntaxError);
  }
  return Progress::kDone;
}

// Who does not read while memory is short is closed whatever it asked for: it is the line that counts.
Progress client_no_evict_command(CommandContext& context) {
  const std::string_view mode = context.args[2];
  if (!is_word(mode, "on") && !is_word(mode, "off")) return refuse(context, kSyntaxError);
  context.reply.ok();
  return Progress::kDone;
}

// Nobody is ever blocked here.
Progress client_unblock_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  if (args.size() > 4) {
    return refuse_argument(context, kWrongSubcommand, c_string(args[1]), "'. Try CLIENT HELP.");
  }
  if (args.size() == 4 && !is_word(args[3], "timeout") && !is_word(args[3], "error")) {
    return refuse(context, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  if (!integer_argument(context, 2)) return Progress::kDone;
  context.reply.integer(0);
  return Progress::kDone;
}

// Invalidations would have to be sent for every key that was read: this server does not keep who read what.
Progress client_tracking_command(CommandContext& context) {
  if (is_word(context.args[2], "off")) {
    context.reply.ok();
    return Progress::kDone;
  }
  if (!is_word(context.args[2], "on")) return refuse(context, kSyntaxError);
  return refuse(context, "ERR CLIENT TRACKING is not supported by this server, which sends no invalidations");
}

Progress client_trackinginfo_command(CommandContext& context) {
  Reply& reply = context.reply;
  reply.map(3);
  reply.bulk("flags");
  reply.set(1);
  reply.bulk("off");
  reply.bulk("redirect");
  reply.integer(-1);
  reply.bulk("prefixes");
  reply.array(0);
  return Progress::kDone;
}

Progress client_getredir_command(CommandContext& context) {
  context.reply.integer(-1);
  return Progress::kDone;
}

}  // namespace plimsoll
