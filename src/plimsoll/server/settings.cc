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

#include <map>
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
  for (std::string_view own : {"PEERS", "BROKERS", "KAFKA", "BUILD", "TRACK_ALLOCATION_SITES",
                               "PRINT_ALLOCATIONS", "SOURCE_DIR", "CONFIG"}) {
    if (name == own) return true;
  }
  return name.starts_with("SERVICE_") || name.starts_with("PORT_") || name.starts_with("TEST_") ||
         (name == "PORT" && value.find("://") != std::string_view::npos);
}

// What a person meant by a line that is not TOML: most often, text without its quotes.
std::string right_line(std::string_view line, std::string_view description) {
  if (description.find("redefine") != std::string_view::npos) return "a key stands once in a file";
  std::string_view value = line;
  const std::string_view name = trim(take_until(value, '='));
  value = trim(value);
  const std::string_view bare = trim(take_until(value, '#'));
  const SettingKey* key = find_setting(name);
  Settings tried;
  if (key != nullptr && !key->secret && !bare.empty() && bare.find('"') == std::string_view::npos &&
      key->set(tried, bare) == nullptr)
    return "write " + std::string(name) + " = \"" + std::string(bare) + "\"";
  return "a line is KEY = VALUE, with text in quotes, as in line = \"512MiB\"";
}

std::string_view line_at(std::string_view text, std::size_t number) {
  std::string_view line;
  while (number-- > 0) line = take_until(text, '\n');
  return line;
}

// Faults of a file in the order of its lines, whatever the order in which they are found.
class FileFaults {
 public:
  explicit FileFaults(std::string_view file) : file_(file) {}

  std::string place(std::size_t line) const { return file_ + ":" + std::to_string(line); }
  void add(std::size_t line, const std::string& what) { faults_.emplace(line, place(line) + ": " + what); }
  std::string text() const {
    std::string text;
    for (const auto& [line, fault] : faults_) add_line(text, fault);
    return text;
  }

 private:
  std::string file_;
  std::multimap<std::size_t, std::string> faults_;
};

// The file without the lines that are not TOML, each of which is told: who mends a file wants to hear all of
// it. They become empty, so that the others keep their numbers; below the head of a broken section nothing
// can be judged.
toml::table table_of(std::string text, FileFaults& faults) {
  constexpr int kMostFaults = 20;
  for (int i = 0; i < kMostFaults; ++i) {
    toml::parse_result parsed = toml::parse(text);
    if (parsed) return std::move(parsed).table();
    const toml::parse_error& error = parsed.error();
    const std::size_t number = error.source().begin.line;
    const std::string_view line = line_at(text, number);
    faults.add(number, "this is not TOML: " + std::string(error.description()) + "; " +
                           right_line(line, error.description()));
    if (trim(line).empty()) break;
    const auto begin = static_cast<std::size_t>(line.data() - text.data());
    text.erase(begin, trim(line).starts_with('[') ? std::string::npos : line.size());
  }
  return {};
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
  FileFaults faults(file_name);
  const toml::table table = table_of(std::string(toml), faults);
  for (const auto& [toml_key, node] : table) {
    const std::string_view name = toml_key.str();
    const std::size_t line = toml_key.source().begin.line;
    if (find_setting(name) == nullptr) {
      const std::string kind = node.is_table() ? "no section " : "no key ";
      faults.add(line, "there is " + kind + std::string(name) +
                           suggestion(name, [](const SettingKey& key) { return std::string(key.name); }));
    } else if (std::optional<std::string> text = text_of(node); !text) {
      faults.add(line, std::string(name) + " wants one value, as text, a whole number, true or false");
    } else if (std::string fault = take(name, *text, {SettingOrigin::kFile, faults.place(line)});
               !fault.empty()) {
      faults.add(line, fault);
    }
  }
  return outcome_of(faults.text());
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
  std::string faults;
  // Where the file says it, so that a person finds it there.
  auto add = [&](std::string_view key, const std::string& what) {
    const Source& source = sources_[index_of(key)];
    add_line(faults, source.origin == SettingOrigin::kFile ? source.words + ": " + what : what);
  };
  if (!is_loopback(settings_.bind) && settings_.password.empty() && !settings_.insecure) {
    add("bind", "bind = \"" + settings_.bind +
                    "\" lets other machines connect, and there is no password: set one (password in the "
                    "file, or PLIMSOLL_PASSWORD), or say --insecure where the network is trusted");
  }
  if (!is_loopback(settings_.bind) && !settings_.data_dir.empty() && !settings_.insecure) {
    add("data_dir", "bind = \"" + settings_.bind +
                        "\" lets other machines connect, and the log asks Kafka's clients for no password: "
                        "leave data_dir away, or say --insecure where the network is trusted");
  }
  if (!settings_.disk_level.empty() && !settings_.remote_level.empty() &&
      settings_.remote_level_size > settings_.disk_level_size * 7) {
    add("remote_level_size",
        "remote_level_size is more than seven times disk_level_size: make the disk level larger, as what "
        "goes there passes the disk in quarters of it, and not many more than thirty are kept apart");
  }
  const std::pair<std::string_view, std::uint16_t> ports[] = {
      {"resp_port", settings_.resp_port},
      {"kafka_port", settings_.data_dir.empty() ? std::uint16_t{0} : settings_.kafka_port},
      {"http_port", settings_.http_port}};
  for (std::size_t i = 0; i < std::size(ports); ++i) {
    for (std::size_t j = i + 1; j < std::size(ports); ++j) {
      if (ports[i].second == 0 || ports[i].second != ports[j].second) continue;
      // One of them may be a default, which stands nowhere.
      const bool first = origin(ports[i].first) > origin(ports[j].first);
      add(ports[first ? i : j].first, std::string(ports[i].first) + " and " + std::string(ports[j].first) +
                                          " are both " + std::to_string(ports[i].second) +
                                          ": give each its own");
    }
  }
  return outcome_of(std::move(faults));
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
