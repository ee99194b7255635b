#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/demo.h"
#include "plimsoll/cli/flood.h"
#include "plimsoll/cli/verb.h"
#include "plimsoll/os/file.h"
#include "plimsoll/os/scratch_cgroup.h"

namespace plimsoll {
namespace {

constexpr std::string_view kScenario = "sets_1k";
constexpr int kInterrupted = 130;  // as shells have it

struct Plan {
  Bytes limit = 256_MiB;
  std::chrono::seconds duration{20};
  FloodTarget ours = FloodTarget::kPlimsoll;
  std::string redis;  // the program; empty: not wanted
  bool without_cgroup = false;
};

// The text of a fault, or empty.
std::string read_plan(const Arguments& arguments, Plan& plan) {
  if (std::optional<std::string> text = arguments.value("--limit")) {
    Result<Bytes> limit = parse_bytes(*text);
    if (!limit || *limit < 32_MiB)
      return "--limit " + *text + ": write a size of 32MiB or more, as in 256MiB";
    plan.limit = *limit;
  }
  if (std::optional<std::string> text = arguments.value("--seconds")) {
    std::optional<std::uint64_t> seconds = parse_uint64(*text);
    if (!seconds || *seconds < 1 || *seconds > 600)
      return "--seconds " + *text + ": write a number from 1 to 600";
    plan.duration = std::chrono::seconds(*seconds);
  }
  if (std::optional<std::string> text = arguments.value("--governor")) {
    if (*text != "on" && *text != "off") return "--governor " + *text + ": write on or off";
    plan.ours = *text == "off" ? FloodTarget::kControl : FloodTarget::kPlimsoll;
  }
  plan.redis = arguments.value("--redis").value_or("");
  return {};
}

std::string own_program() {
  std::array<char, 4096> path{};
  ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "plimsoll";
}

// A terminal sends its interrupt to the server too, which ends by itself then, and the flood with it. Only
// this process must not end before that, or the memory cgroup would stay. A second interrupt ends it all the
// same.
class Interrupts {
 public:
  Interrupts() {
    struct sigaction action{};
    action.sa_handler = [](int) { seen_ = 1; };
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &before_);
  }
  ~Interrupts() { sigaction(SIGINT, &before_, nullptr); }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool seen() const { return seen_ != 0; }

 private:
  static inline volatile std::sig_atomic_t seen_ = 0;
  struct sigaction before_{};
};

Result<FloodResult> flood(const Call& call, const Plan& plan, FloodTarget target) {
  const bool redis = target == FloodTarget::kRedis;
  Progress line(call);
  FloodOptions options;
  options.scenario = kScenario;
  options.limit = plan.limit;
  options.target = target;
  options.program = redis ? plan.redis : own_program();
  options.duration = plan.duration;
  options.without_cgroup = plan.without_cgroup;
  options.progress = [&](const FloodProgress& now) {
    line.at(demo_progress(redis ? "redis" : "plimsoll", now, plan.duration));
  };
  return run_flood(options);
}

void introduce(const Call& call, const Plan& plan, const Result<void>& usable) {
  std::string place = usable ? "in a memory cgroup of " + format_bytes(plan.limit)
                             : "with --line " + format_bytes(plan.limit) +
                                   ", as no memory cgroup can be made here (" + usable.error().message() +
                                   "); so nobody is killed";
  call.print("Flooding a server " + place + ", for " + std::to_string(plan.duration.count()) +
             " s: 1 KiB values under random keys, as fast as they go.\n\n");
  std::fflush(call.out);  // what is waited for, also where a pipe takes it
}

int run_demo(const Call& call) {
  Plan plan;
  if (std::string fault = read_plan(call.arguments, plan); !fault.empty()) {
    call.complain("demo: " + fault);
    return kWrongUsage;
  }
  if (!plan.redis.empty()) {
    Result<std::string> program = find_program(plan.redis, call.variable("PATH"));
    if (!program) {
      call.complain("demo: --redis " + plan.redis + ": " + program.error().message());
      return kFailed;
    }
    plan.redis = *std::move(program);
  }
  Result<void> usable = cgroup_usable();
  plan.without_cgroup = !usable;
  if (!usable && (!plan.redis.empty() || plan.ours == FloodTarget::kControl)) {
    call.complain("demo: without a memory cgroup nothing would bound that server, so it is not started: " +
                  usable.error().message());
    return kFailed;
  }
  bool json = call.arguments.has("--json");
  if (!json) introduce(call, plan, usable);
  std::vector<FloodTarget> targets = {plan.ours};
  if (!plan.redis.empty()) targets.push_back(FloodTarget::kRedis);
  std::vector<FloodResult> results;
  Interrupts interrupts;
  for (FloodTarget target : targets) {
    Result<FloodResult> result = flood(call, plan, target);
    if (interrupts.seen()) {
      call.complain("demo: stopped before its end");
      return kInterrupted;
    }
    if (!result) {
      const std::string who = target == FloodTarget::kRedis ? "--redis " + plan.redis : "plimsoll serve";
      call.complain("demo: " + who + ": " + result.error().message());
      return kFailed;
    }
    if (json) call.print(result->json() + "\n");
    results.push_back(std::move(*result));
  }
  if (!json) call.print(demo_summary(results));
  bool as_it_should = results[0].died == (plan.ours == FloodTarget::kControl) && results[0].wrong == 0;
  return as_it_should ? kDone : kFailed;
}

}  // namespace

Verb demo_verb() {
  return {.name = "demo",
          .summary = "Flood a server in a memory cgroup, and see whether it sinks",
          .example =
              "  plimsoll demo\n"
              "  plimsoll demo --governor off           # the same with nothing that holds it back: it is "
              "killed\n"
              "  plimsoll demo --redis redis-server     # and the same flood on Redis as it comes",
          .flags = {{"--limit", "SIZE", "of the memory cgroup [256MiB]"},
                    {"--seconds", "NUMBER", "how long [20]"},
                    {"--governor", "on|off", "off: the control, which dies [on]"},
                    {"--redis", "PROGRAM", "flood this Redis server after ours, and compare"},
                    {"--json", "", "one JSON object a server"}},
          .positional = {},
          .run = &run_demo,
          .exits = {{kDone, "the server survived with no wrong answer; with --governor off: it was killed"},
                    {kFailed, "it did not, or it could not be flooded"},
                    {kInterrupted, "interrupted"}}};
}

}  // namespace plimsoll
