#include "plimsoll/cli/man_page.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

int run_man(const Call& call) {
  const std::vector<Verb> table = verbs();
  if (call.arguments.positional().empty()) {
    call.print(man_page(table));
    return kDone;
  }
  const std::string& name = call.arguments.positional()[0];
  const Verb* verb = find_verb(table, name);
  if (verb == nullptr) {
    call.complain(no_such_verb(name));
    return kWrongUsage;
  }
  call.print(man_page(*verb, table));
  return kDone;
}

}  // namespace

Verb man_verb() {
  return {.name = "man",
          .summary = "The man page of the program or of one verb, in the format of man(7)",
          .example =
              "  plimsoll man serve | man -l -\n"
              "  plimsoll man > plimsoll.1\n\n"
              "An installed package brings them along: man plimsoll-serve.",
          .flags = {},
          .positional = "[VERB]",
          .run = &run_man};
}

}  // namespace plimsoll
