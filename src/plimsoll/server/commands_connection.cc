// The connection itself.
#include <optional>
#include <string>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/client_text.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::string_view kWrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";
// What HELLO says we are: clients choose what they send by the server and the version whose answers these
// are.
constexpr std::string_view kServer = "redis";
constexpr std::string_view kVersion = "7.0.15";

// Takes the same time whatever the length of the part that is right.
bool is_same_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char expected = i < secret.size() ? secret[i] : '\0';
    difference |= static_cast<unsigned char>(given[i] ^ expected);
  }
  return difference == 0;
}

// There is one user, "default"; without a password any is right.
bool authenticate(CommandContext& context, std::string_view user, std::string_view password) {
  const std::string_view secret = context.server.password();
  if (user != "default" || !(secret.empty() || is_same_secret(password, secret))) return false;
  context.session.authenticated = true;
  return true;
}

// args[index], or the value itself when it has pages of its own.
void reply_argument(CommandContext& context, std::size_t index) {
  if (index < context.bodies.size() && context.bodies[index]) {
    context.reply.value(PinnedValue(*context.bodies[index]));
  } else {
    context.reply.bulk(context.args[index]);
  }
}

// The options of HELLO; false when an error was replied.
bool take_hello_options(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  for (std::size_t i = 2; i < args.size(); ++i) {
    const std::size_t more = args.size() - 1 - i;
    if (is_word(args[i], "auth") && more >= 2) {
      if (!authenticate(context, args[i + 1], args[i + 2])) {
        context.reply.error(kWrongPassword);
        return false;
      }
      i += 2;
    } else if (is_word(args[i], "setname") && more >= 1) {
      if (!set_client_text(context, context.session.name, args[i + 1], kClientNames)) return false;
      i += 1;
    } else {
      refuse_argument(context, "ERR Syntax error in HELLO option '", args[i], "'");
      return false;
    }
  }
  return true;
}

}  // namespace

Progress ping_command(CommandContext& context) {
  if (context.args.size() > 2) return refuse_arity(context);
  if (context.args.size() == 2) {
    reply_argument(context, 1);
  } else {
    context.reply.raw("+PONG\r\n");
  }
  return Progress::kDone;
}

Progress echo_command(CommandContext& context) {
  reply_argument(context, 1);
  return Progress::kDone;
}

Progress auth_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  if (args.size() > 3) return refuse(context, kSyntaxError);
  if (args.size() == 2 && context.server.password().empty()) {
    return refuse(context,
                  "ERR AUTH <password> called without any password configured for the default user. "
                  "Are you sure your configuration is correct?");
  }
  if (!authenticate(context, args.size() == 2 ? "default" : args[1], args.back())) {
    return refuse(context, kWrongPassword);
  }
  context.reply.ok();
  return Progress::kDone;
}

// As if the client had just connected.
Progress reset_command(CommandContext& context) {
  Session& session = context.session;
  session.transaction.reset();
  session.database = 0;
  session.name.clear();
  session.authenticated = context.server.password().empty();
  session.protocol = 2;
  session.replies = Session::Replies::kOn;
  context.reply.set_protocol(2);
  context.reply.raw("+RESET\r\n");
  return Progress::kDone;
}

Progress quit_command(CommandContext& context) {
  context.reply.ok();
  context.session.close_after_reply = true;
  return Progress::kDone;
}

Progress hello_command(CommandContext& context) {
  std::optional<std::int64_t> version;
  if (context.args.size() >= 2) {
    version = parse_redis_int64(context.args[1]);
    if (!version) return refuse(context, "ERR Protocol version is not an integer or out of range");
    if (*version != 2 && *version != 3) return refuse(context, "NOPROTO unsupported protocol version");
  }
  if (!take_hello_options(context)) return Progress::kDone;
  if (!context.session.authenticated) {
    return refuse(
        context,
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
        "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
        "version at the same time");
  }
  Reply& reply = context.reply;
  if (version) {
    context.session.protocol = static_cast<std::uint8_t>(*version);
    reply.set_protocol(context.session.protocol);
  }
  reply.map(7);
  reply.bulk("server");
  reply.bulk(kServer);
  reply.bulk("version");
  reply.bulk(kVersion);
  reply.bulk("proto");
  reply.integer(context.session.protocol);
  reply.bulk("id");
  reply.integer(static_cast<std::int64_t>(context.session.id));
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk("master");
  reply.bulk("modules");
  reply.array(0);
  return Progress::kDone;
}

}  // namespace plimsoll
