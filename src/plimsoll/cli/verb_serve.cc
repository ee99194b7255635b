#include "plimsoll/cli/verb.h"
#include "plimsoll/server/server.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {
namespace {

constexpr std::string_view kConfigVariable = "PLIMSOLL_CONFIG";

// Every source in its turn; the text of all faults, or empty.
std::string load(const Call& call, Configuration& configuration) {
  std::string faults;
  auto note = [&faults](const Configuration::Outcome& outcome) {
    if (!outcome) faults += (faults.empty() ? "" : "\n") + outcome.error();
  };
  std::string file = call.arguments.value("--config").value_or(std::string(call.variable(kConfigVariable)));
  if (!file.empty()) note(configuration.load_file(file));
  note(configuration.load_environment(call.environment));
  for (const Arguments::Given& given : call.arguments.given()) {
    for (const SettingKey& key : setting_keys()) {
      if (key.flag() == given.name) note(configuration.set_flag(key.name, given.value.value_or("on")));
    }
  }
  if (faults.empty()) note(configuration.Validate());
  return faults;
}

int run_serve(const Call& call) {
  Configuration configuration;
  if (std::string faults = load(call, configuration); !faults.empty()) {
    call.complain(faults);
    return kWrongUsage;
  }
  return run_server(configuration.settings());
}

}  // namespace

Verb serve_verb() {
  Verb verb{
      .name = "serve",
      .summary =
          "Run the server: RESP for Redis clients, a log for Kafka's clients, HTTP for metrics and status",
      .example =
          "  plimsoll serve                      # all the memory there is, found by itself\n"
          "  plimsoll serve --data-dir data      # with a log for Kafka's clients, kept there\n"
          "  plimsoll serve --line 512MiB        # no more than that\n"
          "  PLIMSOLL_PASSWORD=... plimsoll serve --bind 0.0.0.0\n\n"
          "Flags win over the environment (PLIMSOLL_LINE), that over the file (line = \"512MiB\").",
      .flags = {{"--config", "FILE", "a TOML file with these keys (or PLIMSOLL_CONFIG)"}},
      .positional = {},
      .run = &run_serve};
  Settings defaults;
  for (const SettingKey& key : setting_keys()) {
    std::string value = key.get(defaults);
    std::string shown = value.empty() || key.value.empty() ? "" : " [" + value + "]";
    verb.flags.push_back({key.flag(), std::string(key.value), std::string(key.help) + shown});
  }
  return verb;
}

}  // namespace plimsoll
