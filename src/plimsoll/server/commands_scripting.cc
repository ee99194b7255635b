// SCRIPT and FUNCTION, of a server that runs neither.
//
// Suites and frameworks empty both before they begin (Redis's own does before every file), and ask what is
// there. There is never any: emptying succeeds, and the lists are empty. What would load or run one is an
// unknown command.
#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

bool is_flush(std::span<const std::string_view> args) {
  return args.size() == 2 || (args.size() == 3 && (is_word(args[2], "sync") || is_word(args[2], "async")));
}

}  // namespace

Progress script_exists_command(CommandContext& context) {
  const std::size_t asked = context.args.size() - 2;
  context.reply.array(asked);
  for (std::size_t i = 0; i < asked; ++i) context.reply.integer(0);
  return Progress::kDone;
}

Progress script_flush_command(CommandContext& context) {
  if (!is_flush(context.args)) return refuse(context, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  context.reply.ok();
  return Progress::kDone;
}

Progress function_flush_command(CommandContext& context) {
  if (context.args.size() > 3) {
    return refuse_argument(context, kWrongSubcommand, c_string(context.args[1]), "'. Try FUNCTION HELP.");
  }
  if (!is_flush(context.args)) {
    return refuse(context, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  context.reply.ok();
  return Progress::kDone;
}

Progress function_list_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  bool with_code = false, of_library = false;
  for (std::size_t i = 2; i < args.size(); ++i) {
    if (!with_code && is_word(args[i], "withcode")) {
      with_code = true;
      continue;
    }
    if (of_library || !is_word(args[i], "libraryname")) {
      return refuse_argument(context, "ERR Unknown argument ", c_string(args[i]), "");
    }
    of_library = true;
    if (++i == args.size()) return refuse(context, "ERR library name argument was not given");
  }
  context.reply.array(0);
  return Progress::kDone;
}

}  // namespace plimsoll
