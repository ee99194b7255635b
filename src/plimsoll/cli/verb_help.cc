
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

int run_help(const Call& call) {
  if (call.arguments.positional().empty()) {
    call.print(help_text(call.columns()));
    return kDone;
  }
  const std::string& name = call.arguments.positional()[0];
  const std::vector<Verb> table = verbs();
  const Verb* verb = find_verb(table, name);
  if (verb == nullptr) {
    call.complain(no_such_verb(name));
    return kWrongUsage;
  }
  call.print(help_text(*verb, call.columns()));
  return kDone;
}

}  // namespace

Verb help_verb() {
  return {.name = "help",
          .summary = "What there is, or what one verb does",
          .example = "  plimsoll help serve",
          .flags = {},
          .positional = "[VERB]",
          .run = &run_help};
}

}  // namespace plimsoll
