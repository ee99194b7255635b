// plimsoll config: what `serve` would run with and who said so, and whether a file is as it should be.
#include <algorithm>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/serve_settings.h"
#include "plimsoll/os/memory_probe.h"
#include "plimsoll/os/process.h"
#include "plimsoll/report/json_writer.h"
#include "plimsoll/report/table.h"

namespace plimsoll {
namespace {

struct Effective {
  const SettingKey* key;
  std::string value;
  std::string origin;  // default, file, environment, flag or found
  std::string words;   // the same for people: "plimsoll.toml:3"
};

// What nobody said and the server finds out when it starts.
void find(Effective& setting, const Settings& settings) {
  const std::string_view name = setting.key->name;
  if (name == "loops" && settings.loops == 0) {
    setting = {setting.key, std::to_string(cpus_allowed()), "found", "found: one a core"};
  } else if (name == "line" && settings.line.empty()) {
    Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({});
    Result<FoundLimit> limit = probe ? (*probe)->limit() : tl::unexpected(probe.error());
    if (limit) setting = {setting.key, format_bytes(limit->limit), "found", "found: " + limit->words};
  }
}

std::vector<Effective> effective(const Configuration& configuration) {
  std::vector<Effective> all;
  for (const SettingKey& key : setting_keys()) {
    Effective setting{&key, configuration.shown(key.name),
                      std::string(name_of(configuration.origin(key.name))),
                      configuration.origin_words(key.name)};
    if (configuration.origin(key.name) == SettingOrigin::kDefault) find(setting, configuration.settings());
    all.push_back(std::move(setting));
  }
  return all;
}

std::string json_of(const std::vector<Effective>& all) {
  JsonWriter json;
  json.begin_object().begin_array("settings");
  for (const Effective& setting : all) {
    json.begin_object()
        .field("name", setting.key->name)
        .field("value", setting.value)
        .field("origin", setting.origin)
        .field("source", setting.words)
        .field("live", setting.key->live)
        .end();
  }
  return json.end().end().take() + "\n";
}

int show(const Call& call) {
  Configuration configuration;
  if (const std::string faults = load_settings(call, configuration); !faults.empty()) {
    call.complain(faults);
    return kFailed;
  }
  const std::vector<Effective> all = effective(configuration);
  if (call.arguments.has("--json")) {
    call.print(json_of(all));
    return kDone;
  }
  const bool origin = call.arguments.has("--origin");
  std::vector<Column> columns = {{"setting"}, {"value"}};
  if (origin) columns.push_back({"from"});
  Table table(std::move(columns));
  for (const Effective& setting : all) {
    std::vector<std::string> row = {std::string(setting.key->name),
                                    setting.value.empty() ? "-" : setting.value};
    if (origin) row.push_back(setting.words);
    table.row(std::move(row));
  }
  call.print(table.text());
  return kDone;
}

// The file alone: what the environment and flags say here need not be what they say where it will be used.
int check(const Call& call) {
  const std::vector<std::string>& words = call.arguments.positional();
  const std::string file = words.size() == 2 ? words[1] : settings_file(call);
  for (const Arguments::Given& given : call.arguments.given()) {
    if (given.name == "--config") continue;
    call.complain("config check: it checks a file alone, without " + given.name +
                  "; plimsoll config show takes it");
    return kWrongUsage;
  }
  if (file.empty()) {
    call.complain("config check: which file? Write its name, as in plimsoll config check plimsoll.toml");
    return kWrongUsage;
  }
  Configuration configuration;
  std::string faults;
  if (auto loaded = configuration.load_file(file); !loaded) faults = loaded.error();
  if (auto valid = configuration.Validate(); !valid) faults += (faults.empty() ? "" : "\n") + valid.error();
  if (!faults.empty()) {
    const auto count = static_cast<std::size_t>(std::count(faults.begin(), faults.end(), '\n')) + 1;
    call.print(faults + "\n");
    call.complain("config check: " + file + ": " + std::to_string(count) +
                  (count == 1 ? " fault" : " faults"));
    return kFailed;
  }
  std::size_t given = 0;
  for (const SettingKey& key : setting_keys())
    given += configuration.origin(key.name) == SettingOrigin::kFile;
  call.print(
      file + ": no faults. Checked: that it is TOML, the names and values of its " + std::to_string(given) +
      (given == 1 ? " setting" : " settings") +
      ", and that they go together with what is left at its default. Not checked: whether addresses "
      "are free, folders can be written and the memory is there; plimsoll doctor says more of that.\n");
  if (const std::string warning = warning_of_rights(file, configuration); !warning.empty())
    call.complain("config check: " + warning);
  return kDone;
}

int run_config(const Call& call) {
  const std::vector<std::string>& words = call.arguments.positional();
  if (words.size() == 1 && words[0] == "show") return show(call);
  if (!words.empty() && words[0] == "check") return check(call);
  const std::vector<std::string_view> known = config_verb().actions;
  const std::string_view near = words.empty() ? "" : nearest(words[0], known);
  if (!near.empty() && near != words[0]) {
    call.complain("config: there is no " + words[0] + "; did you mean " + std::string(near) + "?");
    return kWrongUsage;
  }
  call.complain(words.size() == 2 && words[0] == "show"
                    ? "config show: takes no name; the file is --config FILE"
                    : "config: say what to do: show, or check FILE");
  return kWrongUsage;
}

}  // namespace

Verb config_verb() {
  Verb verb{.name = "config",
            .summary = "What serve would run with, and who said so; or whether a file is as it should be",
            .example =
                "  plimsoll config show --origin --config plimsoll.toml\n"
                "  plimsoll config show --json\n"
                "  plimsoll config check plimsoll.toml   # every fault with its line; 1 where there is one",
            .flags = {{"--origin", "", "where each value comes from, too"},
                      {"--json", "", "as one JSON object, origins included"}},
            .positional = "ACTION [FILE]",
            .run = &run_config,
            .words = 2,
            .actions = {"show", "check"},
            .exits = {{kFailed, "the file has faults, or serve would not start with these settings"}}};
  for (Flag& flag : setting_flags()) verb.flags.push_back(std::move(flag));
  return verb;
}

}  // namespace plimsoll
