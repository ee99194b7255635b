#include "plimsoll/cli/serve_settings.h"

#include "plimsoll/os/file.h"

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

std::string warning_of_rights(const std::string& file, const Configuration& configuration) {
  const auto in_file = [&](std::string_view name) {
    return configuration.origin(name) == SettingOrigin::kFile;
  };
  const Settings& settings = configuration.settings();
  const bool secret = (in_file("password") && !settings.password.empty()) ||
                      (in_file("remote_level") && settings.remote_level.find('@') != std::string::npos);
  if (file.empty() || !secret || !anybody_may_read(file)) return {};
  return file + " has a password in it, and every user of this machine may read it: chmod o-r " + file;
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
