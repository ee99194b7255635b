// The server's state and settings.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "plimsoll/base/text.h"
#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

// The order in which INFO gives its sections, whatever the order they were asked for in; others follow.
constexpr std::array<std::string_view, 14> kSections = {
    "default", "server",      "clients",      "memory",     "persistence",  "stats",   "replication",
    "cpu",     "module_list", "commandstats", "errorstats", "latencystats", "cluster", "keyspace"};

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return copy;
}

std::size_t place_of(std::string_view section) {
  const auto* found = std::find(kSections.begin(), kSections.end(), section);
  return static_cast<std::size_t>(found - kSections.begin());
}

// The sections that were asked for, in order and once each.
std::vector<std::string> asked_sections(std::span<const std::string_view> args) {
  std::vector<std::string> sections;
  for (std::string_view argument : args) {
    std::string section = lower(c_string(argument));
    if (section == "all" || section == "everything") return {std::move(section)};
    sections.push_back(std::move(section));
  }
  std::sort(sections.begin(), sections.end(), [](const std::string& a, const std::string& b) {
    return std::make_pair(place_of(a), std::string_view(a)) <
           std::make_pair(place_of(b), std::string_view(b));
  });
  sections.erase(std::unique(sections.begin(), sections.end()), sections.end());
  return sections;
}

// The usual ones are there when "default" was asked for too.
bool has_section(std::string_view text, std::string_view part) {
  const std::string_view title = part.substr(0, part.find('\n') + 1);
  return text.starts_with(title) || text.find("\n" + std::string(title)) != std::string_view::npos;
}

bool has_wildcard(std::string_view name) { return name.find_first_of("[*?") != std::string_view::npos; }

bool has_name(const Settings& settings, std::string_view name) {
  return std::any_of(settings.begin(), settings.end(),
                     [&](const auto& setting) { return equals_ignoring_case(setting.first, name); });
}

Progress refuse_setting(CommandContext& context, std::string_view name, std::string_view reason) {
  return refuse_argument(context, "ERR CONFIG SET failed (possibly related to argument '", name,
                         "') - " + std::string(reason));
}

// The settings of args[2], args[4], ... as they are; false when one is not there or there twice, and then an
// error is replied.
bool find_settings(CommandContext& context, Settings& old) {
  for (std::size_t i = 2; i < context.args.size(); i += 2) {
    const std::string_view name = context.args[i];
    Settings found = has_wildcard(name) || name.find('\0') != std::string_view::npos
                         ? Settings()
                         : context.server.config_get(name);
    if (found.empty()) {
      refuse_argument(context, "ERR Unknown option or number of arguments for CONFIG SET - '", name, "'");
      return false;
    }
    if (has_name(old, name)) {
      refuse_setting(context, name, "duplicate parameter");
      return false;
    }
    old.push_back(std::move(found.front()));
  }
  return true;
}

}  // namespace

Progress info_command(CommandContext& context) {
  std::vector<std::string> sections = asked_sections(context.args.subspan(1));
  if (context.args.size() == 1) sections.emplace_back("default");
  std::string text;
  for (const std::string& section : sections) {
    const std::string part = context.server.info(section);
    if (part.empty() || has_section(text, part)) continue;
    if (!text.empty()) text += "\r\n";
    text += part;
  }
  context.reply.verbatim(text);
  return Progress::kDone;
}

Progress config_get_command(CommandContext& context) {
  Settings settings;
  for (std::string_view argument : context.args.subspan(2)) {
    const std::string_view name = c_string(argument);
    for (auto& setting : context.server.config_get(name)) {
      if (has_name(settings, setting.first)) continue;
      // A name without wildcards comes back as it was written.
      if (!has_wildcard(name)) setting.first = name;
      settings.push_back(std::move(setting));
    }
  }
  context.reply.map(settings.size());
  for (const auto& [name, value] : settings) {
    context.reply.bulk(name);
    context.reply.bulk(value);
  }
  return Progress::kDone;
}

// All or none: when one is not taken, those before it get their old values back.
Progress config_set_command(CommandContext& context) {
  if (context.args.size() % 2 != 0) return refuse(context, kSyntaxError);
  Settings old;
  if (!find_settings(context, old)) return Progress::kDone;
  for (std::size_t i = 0; i < old.size(); ++i) {
    const std::string reason = context.server.config_set(old[i].first, context.args[2 * i + 3]);
    if (reason.empty()) continue;
    for (std::size_t back = i; back-- > 0;) context.server.config_set(old[back].first, old[back].second);
    return refuse_setting(context, old[i].first, reason);
  }
  context.reply.ok();
  return Progress::kDone;
}

Progress time_command(CommandContext& context) {
  const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
  context.reply.array(2);
  context.reply.bulk(std::to_string(us / 1'000'000));
  context.reply.bulk(std::to_string(us % 1'000'000));
  return Progress::kDone;
}

// Nobody follows this server: the offset is 0 and the list empty.
Progress role_command(CommandContext& context) {
  context.reply.array(3);
  context.reply.bulk("master");
  context.reply.integer(0);
  context.reply.array(0);
  return Progress::kDone;
}

Progress config_resetstat_command(CommandContext& context) {
  context.server.reset_stats();
  context.reply.ok();
  return Progress::kDone;
}

}  // namespace plimsoll
