#include "plimsoll/base/text.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

// The line that says the level, in the colour of how bad it is.
std::string with_painted_level(const Call& call, std::string_view page) {
  std::string text;
  while (!page.empty()) {
    std::string_view line = take_until(page, '\n');
    bool level = line.starts_with("level ");
    bool bad = line.find(" critical:") != std::string_view::npos ||
               line.find(" emergency:") != std::string_view::npos;
    bool well = line.find(" normal:") != std::string_view::npos;
    text += level ? call.painted(line, bad    ? Paint::kRed
                                       : well ? Paint::kGreen
                                              : Paint::kYellow)
                  : std::string(line);
    text += '\n';
  }
  return text;
}

int run_status(const Call& call) {
  const bool json = call.arguments.has("--json");
  std::string page;
  if (const int failed = ask_server(call, "status", json ? "/api/v1/status" : "/status.txt", page))
    return failed;
  call.print(json ? page : with_painted_level(call, page));
  return kDone;
}

}  // namespace

Verb status_verb() {
  return {.name = "status",
          .summary = "What a running server holds, where, and what it has decided lately",
          .example = "  plimsoll status\n  plimsoll status --json --http 127.0.0.1:9645",
          .flags = {{"--json", "", "as one JSON object"}, kHttpFlag},
          .positional = {},
          .run = &run_status,
          .exits = {{kFailed, "no server answers there"}}};
}

}  // namespace plimsoll
