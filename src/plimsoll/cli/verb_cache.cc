#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

int run_cache(const Call& call) {
  const bool json = call.arguments.has("--json");
  const bool curve = call.arguments.has("--curve");
  std::string page;
  const char* path = json ? "/api/v1/cache" : curve ? "/cache/curve.txt" : "/cache.txt";
  if (const int failed = ask_server(call, "cache", path, page)) return failed;
  call.print(page);
  return kDone;
}

}  // namespace

Verb cache_verb() {
  return {
      .name = "cache",
      .summary = "What a running server's cache is worth, and what would make it better",
      .example = "  plimsoll cache\n  plimsoll cache --curve\n  plimsoll cache --json --http 127.0.0.1:9645",
      .flags = {{"--curve", "", "the hit rate by memory, drawn"},
                {"--json", "", "as one JSON object"},
                kHttpFlag},
      .positional = {},
      .run = &run_cache,
      .exits = {{kFailed, "no server answers there"}}};
}

}  // namespace plimsoll
