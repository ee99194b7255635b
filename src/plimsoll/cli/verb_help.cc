
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

int run_help(const Call& call) {
  if (call.arguments.positional().empty()) {
    call.print(help_text());
    return kDone;
  }
  const std::string& name = call.arguments.positional()[0];
  for (const Verb& verb : verbs()) {
    if (verb.name == name) {
      call.print(help_text(verb));
      return kDone;
    }
  }
  call.complain("there is no verb " + name + "; plimsoll help lists them");
  return kWrongUsage;
}

}  // namespace

Verb help_verb() {
  return {.name = "help",
          .summary = "What there is, or what one verb does",
          .example = "  plimsoll help serve",
          .flags = {},
          .positional = "VERB",
          .run = &run_help};
}

}  // namespace plimsoll
