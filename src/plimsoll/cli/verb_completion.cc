#include "plimsoll/cli/completion.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

int run_completion(const Call& call) {
  const std::string shell = call.arguments.positional().empty() ? "" : call.arguments.positional()[0];
  const std::vector<Verb> table = verbs();
  if (shell == "bash") return call.print(completion_of(Shell::kBash, table)), kDone;
  if (shell == "zsh") return call.print(completion_of(Shell::kZsh, table)), kDone;
  if (shell == "fish") return call.print(completion_of(Shell::kFish, table)), kDone;
  call.complain("completion: for which shell? Write bash, zsh or fish");
  return kWrongUsage;
}

}  // namespace

Verb completion_verb() {
  return {.name = "completion",
          .summary = "A script by which a shell completes verbs, flags and their values",
          .example =
              "  source <(plimsoll completion bash)\n"
              "  plimsoll completion zsh > ~/.zfunc/_plimsoll      # a folder in $fpath\n"
              "  plimsoll completion fish > ~/.config/fish/completions/plimsoll.fish\n\n"
              "An installed package brings them along.",
          .flags = {},
          .positional = "SHELL",
          .run = &run_completion,
          .actions = {"bash", "zsh", "fish"}};
}

}  // namespace plimsoll
