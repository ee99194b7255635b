#include "plimsoll/cli/serve_settings.h"

namespace plimsoll {

std::vector<Flag> setting_flags() {
  std::vector<Flag> flags = {{"--config", "FILE", "a TOML file with these keys (or PLIMSOLL_CONFIG)"}};
  const Settings defaults;
  for (const SettingKey& key : setting_keys()) {
    const std::string value = key.get(defaults);
    const std::string shown = value.empty() || key.value.empty() ? "" : " [" + value + "]";
    flags.push_back({key.flag(), std::string(key.value), std::string(key.help) + shown});
  }
  return flags;
}

std::string settings_file(const Call& call) {
  return call.arguments.value("--config").value_or(std::string(call.variable("PLIMSOLL_CONFIG")));
}

std::string load_settings(const Call& call, Configuration& configuration) {
  std::string faults;
  auto note = [&faults](const Configuration::Outcome& outcome) {
    if (!outcome) faults += (faults.empty() ? "" : "\n") + outcome.error();
  };
  if (const std::string file = settings_file(call); !file.empty()) note(configuration.load_file(file));
  note(configuration.load_environment(call.environment));
  for (const Arguments::Given& given : call.arguments.given()) {
    for (const SettingKey& key : setting_keys()) {
      if (key.flag() == given.name) note(configuration.set_flag(key.name, given.value.value_or("on")));
    }
  }
  if (faults.empty()) note(configuration.Validate());
  return faults;
}

}  // namespace plimsoll
