#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

int run_pools(const Call& call) {
  const bool json = call.arguments.has("--json");
  std::string page;
  if (const int failed = ask_server(call, "pools", json ? "/api/v1/pools" : "/pools.txt", page))
    return failed;
  call.print(page);
  return kDone;
}

}  // namespace

Verb pools_verb() {
  return {.name = "pools",
          .summary = "A running server's allocators and pools: what they hold, use and have ready",
          .example = "  plimsoll pools\n  plimsoll pools --json --http 127.0.0.1:9645",
          .flags = {{"--json", "", "as one JSON object"}, kHttpFlag},
          .positional = {},
          .run = &run_pools,
          .exits = {{kFailed, "no server answers there"}}};
}

}  // namespace plimsoll
