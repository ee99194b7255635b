#include "plimsoll/cli/verb.h"
#include "plimsoll/report/json_writer.h"
#include "plimsoll/server/version.h"

namespace plimsoll {
namespace {

#ifdef NDEBUG
constexpr std::string_view kBuild = "release";
#else
constexpr std::string_view kBuild = "debug checks";
#endif
#ifdef __clang__
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "g++ " __VERSION__;
#endif

int run_version(const Call& call) {
  if (call.arguments.has("--json")) {
    JsonWriter json;
    json.begin_object()
        .field("version", kVersion)
        .field("build", kBuild)
        .field("compiler", kCompiler)
        .field("redis_compatible", kRedisVersion)
        .end();
    call.print(json.take() + "\n");
    return kDone;
  }
  call.print("plimsoll " + std::string(kVersion) + " (" + std::string(kBuild) + ", " +
             std::string(kCompiler) + ")\n");
  return kDone;
}

}  // namespace

Verb version_verb() {
  return {.name = "version",
          .summary = "The version, and how it was built",
          .example = "  plimsoll version --json",
          .flags = {{"--json", "", "as one JSON object"}},
          .positional = {},
          .run = &run_version};
}

}  // namespace plimsoll
