#include "plimsoll/server/command.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "plimsoll/base/check.h"
#include "plimsoll/base/text.h"
#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

constexpr std::size_t kQuoted = 128;  // bytes of what a client sent, in an error about it

// Browsers that a hostile page turns on a local server send these as their first lines.
bool is_http(std::string_view name) { return is_word(name, "host:") || is_word(name, "post"); }

Progress refuse_unknown(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  if (is_http(args[0])) {
    context.session.close_after_reply = context.session.drop_replies = true;
    return Progress::kDone;
  }
  const Command* parent = find_command(args[0]);
  if (parent != nullptr && parent->subcommands > 0) {
    std::string after = "'. Try ";
    for (char c : parent->name) after += static_cast<char>(c - 32);  // lower-case letters only
    return refuse_argument(context, "ERR unknown subcommand '", c_string(args[1]).substr(0, kQuoted),
                           after + " HELP.");
  }
  std::string after = "', with args beginning with: ";
  std::size_t quoted = 0;
  for (std::size_t i = 1; i < args.size() && quoted < kQuoted; ++i) {
    const std::string_view argument = c_string(args[i]).substr(0, kQuoted - quoted);
    after.append("'").append(argument).append("' ");
    quoted += argument.size() + 3;
  }
  return refuse_argument(context, "ERR unknown command '", c_string(args[0]).substr(0, kQuoted), after);
}

// What is not queued between MULTI and EXEC.
bool runs_at_once(const Command& command) {
  static constexpr std::string_view kNames[] = {"exec", "discard", "multi", "watch", "quit", "reset"};
  return std::find(std::begin(kNames), std::end(kNames), command.name) != std::end(kNames);
}

// A command that cannot be run; a transaction that it was meant for cannot either. An EXEC that is wrong ends
// the transaction itself, and says so.
Progress reject(CommandContext& context, const Command* command, std::string_view code,
                std::string_view text) {
  if (command != nullptr && command->name == "exec") {
    context.session.transaction.reset();
    const std::string_view shown = code == "ERR" ? std::string_view() : code;
    return refuse_argument(context, "EXECABORT Transaction discarded because of: ", shown,
                           (shown.empty() ? "" : " ") + std::string(text));
  }
  if (context.session.queues()) context.session.transaction->fail();
  return refuse_argument(context, code, {}, " " + std::string(text));
}

}  // namespace

void CommandContext::alone(const std::function<void()>& run) {
  if (is_alone) return run();
  is_alone = true;
  server.alone(run);
  is_alone = false;
}

bool Command::has_flag(std::string_view flag) const {
  for (std::string_view rest = flags; !rest.empty();) {
    if (take_until(rest, ' ') == flag) return true;
  }
  return false;
}

const Command* requested_command(std::span<const std::string_view> args) {
  PLIMSOLL_DCHECK(!args.empty());
  const Command* command = find_command(args[0]);
  if (command == nullptr || args[0].find('|') != std::string_view::npos) return nullptr;
  if (command->subcommands == 0 || args.size() == 1) return command;
  for (const Command& child : command->children()) {
    if (equals_ignoring_case(child.name.substr(command->name.size() + 1), args[1])) return &child;
  }
  return nullptr;
}

Progress run_command(CommandContext& context) {
  const Command* command = requested_command(context.args);
  if (context.resume != 0) {
    PLIMSOLL_CHECK(command != nullptr);
    return command->run(context);
  }
  context.session.last_command = command != nullptr ? command->name : "NULL";
  if (command == nullptr) {
    if (context.session.queues()) context.session.transaction->fail();
    return refuse_unknown(context);
  }
  const auto count = static_cast<std::int64_t>(context.args.size());
  if (command->arity > 0 ? count != command->arity : count < -command->arity) {
    return reject(context, command, "ERR",
                  "wrong number of arguments for '" + std::string(command->name) + "' command");
  }
  if (!context.session.authenticated && !command->has_flag("no_auth")) {
    return reject(context, command, "NOAUTH", "Authentication required.");
  }
  if (context.session.queues() && !runs_at_once(*command)) return queue_command(context);
  return command->run(context);
}

}  // namespace plimsoll
