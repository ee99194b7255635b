// plimsoll_floods: one flood, in a memory cgroup of its own, and a verdict.
//
//   plimsoll_floods SCENARIO [--limit 256MiB] [--target plimsoll|control|redis] [--program PATH] [--seconds
//   8]
//                            [--expect-death] [--json] [-- SERVER ARGUMENTS]
//
// Exit: 0 as it should be, 1 not, 2 wrong usage, 77 skipped, with the reason on standard output.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/flood.h"

namespace plimsoll {
namespace {

constexpr int kSkipped = 77;

struct Arguments {
  FloodOptions flood;
  bool expect_death = false;
  bool json = false;
  bool progress = false;
};

int usage(const char* why) {
  std::printf(
      "%s\nplimsoll_floods SCENARIO [--limit SIZE] [--target plimsoll|control|redis] [--program PATH]\n"
      "                [--seconds N] [--expect-death] [--progress] [--json] [-- SERVER ARGUMENTS]\n",
      why);
  for (const FloodScenario& scenario : flood_scenarios()) {
    std::printf("  %-18s %s\n", std::string(scenario.name).c_str(), std::string(scenario.about).c_str());
  }
  return 2;
}

bool read_target(std::string_view word, FloodTarget& target) {
  for (FloodTarget each : {FloodTarget::kPlimsoll, FloodTarget::kControl, FloodTarget::kRedis}) {
    if (word == name_of(each)) {
      target = each;
      return true;
    }
  }
  return false;
}

// False when a word is not understood.
bool read_value(std::string_view word, const char* value, Arguments& arguments) {
  if (word == "--limit") {
    auto limit = parse_bytes(value);
    if (limit) arguments.flood.limit = *limit;
    return limit.has_value();
  }
  if (word == "--seconds") {
    auto seconds = parse_int64(value);
    if (seconds) arguments.flood.duration = std::chrono::seconds(*seconds);
    return seconds.has_value();
  }
  if (word == "--target") return read_target(value, arguments.flood.target);
  if (word == "--program") arguments.flood.program = value;
  return word == "--program";
}

bool read(int count, char** words, Arguments& arguments) {
  if (count < 2) return false;
  arguments.flood.scenario = words[1];
  for (int i = 2; i < count; ++i) {
    std::string_view word = words[i];
    if (word == "--") {
      arguments.flood.further.assign(words + i + 1, words + count);
      return true;
    }
    if (word == "--json") {
      arguments.json = true;
    } else if (word == "--expect-death") {
      arguments.expect_death = true;
    } else if (word == "--progress") {
      arguments.progress = true;
    } else if (i + 1 == count || !read_value(word, words[++i], arguments)) {
      return false;
    }
  }
  return true;
}

void show(const FloodProgress& now) {
  std::fprintf(stderr, "%6.1f s  %10s of %10s  served %s\n",
               std::chrono::duration<double>(now.elapsed).count(), format_bytes(now.held).c_str(),
               format_bytes(now.line).c_str(), format_count(now.served).c_str());
}

int flood(Arguments& arguments) {
  FloodOptions& options = arguments.flood;
  if (options.target == FloodTarget::kRedis && options.program.empty()) {
    const char* peers = std::getenv("PLIMSOLL_PEERS");
    if (peers == nullptr) {
      std::printf("skipped: no redis-server; ./dev peers unpacks one and PLIMSOLL_PEERS names its folder\n");
      return kSkipped;
    }
    options.program = std::string(peers) + "/redis-server";
  }
  if (options.program.empty()) return usage("--program is needed");
  if (arguments.progress) options.progress = show;
  auto result = run_flood(options);
  if (!result && result.error().code == ErrorCode::kNotFound) return usage(result.error().what);
  if (!result && result.error().code == ErrorCode::kUnsupported) {
    std::printf("skipped: %s\n", result.error().message().c_str());
    return kSkipped;
  }
  if (!result) {
    std::printf("FAILED: %s\n", result.error().message().c_str());
    return 1;
  }
  if (arguments.expect_death && !result->died) result->failures.push_back("the server was not killed");
  std::printf("%s\n", arguments.json ? result->json().c_str() : result->summary().c_str());
  return result->failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace plimsoll

int main(int argc, char** argv) {
  plimsoll::Arguments arguments;
  if (!plimsoll::read(argc, argv, arguments)) return plimsoll::usage("what is wanted?");
  return plimsoll::flood(arguments);
}
