#include "plimsoll/server/settings.h"

// toml++ 3.3 asserts on "[}" and other broken files before its own error path, which is what we want, gets to
// see them; and without NDEBUG's alternative, which tells clang that they cannot be.
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <optional>
#include <utility>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/base/text.h"
#include "plimsoll/os/file.h"

namespace plimsoll {
namespace {

constexpr std::string_view kPrefix = "PLIMSOLL_";

std::size_t index_of(std::string_view name) {
  const SettingKey* key = find_setting(name);
  PLIMSOLL_CHECK(key != nullptr, "no setting is called %.*s", static_cast<int>(name.size()), name.data());
  return static_cast<std::size_t>(key - setting_keys().data());
}

// "; did you mean resp_port?", with the name as `spell` writes it; empty when nothing is near.
template <typename Spell>
std::string suggestion(std::string_view name, Spell spell) {
  std::vector<std::string> spelled;
  for (const SettingKey& key : setting_keys()) spelled.push_back(spell(key));
  std::vector<std::string_view> candidates(spelled.begin(), spelled.end());
  std::string_view near = nearest(name, candidates);
  return near.empty() ? std::string() : "; did you mean " + std::string(near) + "?";
}

void add_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

// What a person would have written as a flag; nothing for tables, arrays and dates.
std::optional<std::string> text_of(const toml::node& node) {
  if (auto text = node.value_exact<std::string>()) return text;
  if (auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (auto flag = node.value_exact<bool>()) return *flag ? "on" : "off";
  return std::nullopt;
}

// Names under our prefix that are not settings: what the project's own tools read, and the links that
// Kubernetes puts into every container beside a service called plimsoll (PLIMSOLL_PORT=tcp://10.0.0.1:6379
// and others).
bool belongs_to_others(std::string_view name, std::string_view value) {
  for (std::string_view own :
       {"PEERS", "TRACK_ALLOCATION_SITES", "PRINT_ALLOCATIONS", "SOURCE_DIR", "CONFIG"}) {
    if (name == own) return true;
  }
  return name.starts_with("SERVICE_") || name.starts_with("PORT_") || name.starts_with("TEST_") ||
         (name == "PORT" && value.find("://") != std::string_view::npos);
}

Configuration::Outcome outcome_of(std::string faults) {
  if (faults.empty()) return {};
  return tl::unexpected(std::move(faults));
}

}  // namespace

std::string_view name_of(SettingOrigin origin) {
  switch (origin) {
    case SettingOrigin::kDefault:
      return "default";
    case SettingOrigin::kFile:
      return "file";
    case SettingOrigin::kEnvironment:
      return "environment";
    case SettingOrigin::kFlag:
      return "flag";
    case SettingOrigin::kRuntime:
      return "runtime";
  }
  return "?";
}

std::string Configuration::take(std::string_view name, std::string_view text, const Source& source) {
  std::size_t index = index_of(name);
  const SettingKey& key = setting_keys()[index];
  Settings tried = settings_;
  if (const char* want = key.set(tried, text)) {
    std::string shown = key.secret ? "(not shown)" : "\"" + std::string(text) + "\"";
    return std::string(name) + " = " + shown + ": " + want;
  }
  if (source.origin >= sources_[index].origin) {
    settings_ = std::move(tried);
    sources_[index] = source;
  }
  return {};
}

Configuration::Outcome Configuration::load_file(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text) return tl::unexpected(path + ": " + text.error().message());
  return load_text(*text, path);
}

Configuration::Outcome Configuration::load_text(std::string_view toml, std::string_view file_name) {
  std::string file(file_name);
  toml::parse_result parsed = toml::parse(toml);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return tl::unexpected(file + ":" + std::to_string(error.source().begin.line) +
                          ": this is not TOML: " + std::string(error.description()));
  }
  std::string faults;
  for (const auto& [toml_key, node] : parsed.table()) {
    std::string_view name = toml_key.str();
    std::string place = file + ":" + std::to_string(toml_key.source().begin.line);
    if (find_setting(name) == nullptr) {
      std::string kind = node.is_table() ? "no section " : "no key ";
      add_line(faults, place + ": there is " + kind + std::string(name) +
                           suggestion(name, [](const SettingKey& key) { return std::string(key.name); }));
    } else if (std::optional<std::string> text = text_of(node); !text) {
      add_line(faults,
               place + ": " + std::string(name) + " wants one value, as text, a number, true or false");
    } else if (std::string fault = take(name, *text, {SettingOrigin::kFile, place}); !fault.empty()) {
      add_line(faults, place + ": " + fault);
    }
  }
  return outcome_of(std::move(faults));
}

Configuration::Outcome Configuration::load_environment(const char* const* environment) {
  std::string faults;
  for (; *environment != nullptr; ++environment) {
    std::string_view value = *environment;
    std::string_view variable = take_until(value, '=');
    if (!variable.starts_with(kPrefix) || belongs_to_others(variable.substr(kPrefix.size()), value)) continue;
    const SettingKey* found = nullptr;
    for (const SettingKey& key : setting_keys()) {
      if (key.environment() == variable) found = &key;
    }
    std::string source(variable);
    if (found == nullptr) {
      add_line(faults, "environment: there is no " + source +
                           suggestion(variable, [](const SettingKey& key) { return key.environment(); }));
    } else if (std::string fault = take(found->name, value, {SettingOrigin::kEnvironment, source});
               !fault.empty()) {
      add_line(faults, "environment: " + source + ": " + fault);
    }
  }
  return outcome_of(std::move(faults));
}

Configuration::Outcome Configuration::set_flag(std::string_view name, std::string_view value) {
  std::string flag = setting_keys()[index_of(name)].flag();
  std::string fault = take(name, value, {SettingOrigin::kFlag, flag});
  return outcome_of(fault.empty() ? fault : flag + ": " + fault);
}

Configuration::Outcome Configuration::set_now(std::string_view name, std::string_view value) {
  const SettingKey* key = find_setting(name);
  if (key == nullptr) {
    return tl::unexpected("there is no key " + std::string(name) +
                          suggestion(name, [](const SettingKey& known) { return std::string(known.name); }));
  }
  if (!key->live) return tl::unexpected(std::string(name) + " cannot be changed while the server runs");
  Configuration tried = *this;
  std::string fault = tried.take(name, value, {SettingOrigin::kRuntime, "set at run time"});
  if (!fault.empty()) return tl::unexpected(std::move(fault));
  if (Outcome valid = tried.Validate(); !valid) return valid;
  *this = std::move(tried);
  return {};
}

Configuration::Outcome Configuration::Validate() const {
  if (!is_loopback(settings_.bind) && settings_.password.empty() && !settings_.insecure) {
    return tl::unexpected(
        "bind = \"" + settings_.bind +
        "\" lets other machines connect, and there is no password: set one (password in the file, "
        "or PLIMSOLL_PASSWORD), or say --insecure where the network is trusted");
  }
  if (!is_loopback(settings_.bind) && !settings_.data_dir.empty() && !settings_.insecure) {
    return tl::unexpected(
        "bind = \"" + settings_.bind +
        "\" lets other machines connect, and the log asks Kafka's clients for no password: leave "
        "data_dir away, or say --insecure where the network is trusted");
  }
  if (!settings_.disk_level.empty() && !settings_.remote_level.empty()) {
    return tl::unexpected<std::string>(
        "disk_level and remote_level are both given: what memory gives up goes to one of them; leave one "
        "away");
  }
  const std::pair<std::string_view, std::uint16_t> ports[] = {
      {"resp_port", settings_.resp_port},
      {"kafka_port", settings_.data_dir.empty() ? std::uint16_t{0} : settings_.kafka_port},
      {"http_port", settings_.http_port}};
  for (std::size_t i = 0; i < std::size(ports); ++i) {
    for (std::size_t j = i + 1; j < std::size(ports); ++j) {
      if (ports[i].second == 0 || ports[i].second != ports[j].second) continue;
      return tl::unexpected(std::string(ports[i].first) + " and " + std::string(ports[j].first) +
                            " are both " + std::to_string(ports[i].second) + ": give each its own");
    }
  }
  return {};
}

SettingOrigin Configuration::origin(std::string_view name) const { return sources_[index_of(name)].origin; }

std::string Configuration::origin_words(std::string_view name) const {
  return sources_[index_of(name)].words;
}

std::string Configuration::shown(std::string_view name) const {
  const SettingKey& key = setting_keys()[index_of(name)];
  std::string text = key.get(settings_);
  return key.secret && !text.empty() ? "(set)" : text;
}

}  // namespace plimsoll
