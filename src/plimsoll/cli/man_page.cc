#include "plimsoll/cli/man_page.h"

#include "plimsoll/base/text.h"
#include "plimsoll/server/settings.h"
#include "plimsoll/server/version.h"

namespace plimsoll {
namespace {

std::string head(std::string_view name, std::string_view summary) {
  std::string title(name);
  for (char& c : title) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return ".\\\" Made by `plimsoll man`.\n.TH " + title + " 1 \"\" \"Plimsoll " + std::string(kVersion) +
         "\" \"Plimsoll\"\n.SH NAME\n" + as_roff(name) + " \\- " + as_roff(summary) + "\n";
}

// A term and what it means.
std::string entry(std::string_view term, std::string_view value, std::string_view meaning) {
  std::string text = ".TP\n\\fB" + as_roff(term) + "\\fR";
  if (!value.empty()) text += " \\fI" + as_roff(value) + "\\fR";
  return text + "\n" + as_roff(meaning) + "\n";
}

std::string lines_as_they_are(std::string_view text) {
  std::string block = ".nf\n";
  while (!text.empty()) {
    const std::string line = as_roff(take_until(text, '\n'));
    block += line.empty() ? ".sp\n" : line + "\n";
  }
  return block + ".fi\n";
}

std::string exit_status(std::span<const Exit> exits) {
  std::string text = ".SH EXIT STATUS\n";
  for (const Exit& exit : exits) text += entry(std::to_string(exit.code), "", exit.when);
  return text;
}

std::string see_also(std::span<const Verb> table, std::string_view but) {
  std::string text = ".SH SEE ALSO\n";
  if (!but.empty()) text += ".BR plimsoll (1)";
  for (const Verb& verb : table) {
    if (verb.name == but) continue;
    text +=
        (text.ends_with(")") ? ",\n" : "") + std::string(".BR plimsoll\\-") + std::string(verb.name) + " (1)";
  }
  return text + "\n";
}

constexpr std::string_view kNoColor =
    "Where it is set to anything, nothing is coloured. Without it, only terminals are.";

std::string environment(bool settings) {
  std::string text = ".SH ENVIRONMENT\n" + entry("NO_COLOR", "", kNoColor);
  if (!settings) return text;
  text += entry("PLIMSOLL_CONFIG", "FILE", "As --config.");
  for (const SettingKey& key : setting_keys())
    text += entry(key.environment(), key.value.empty() ? "on|off" : key.value, "As " + key.flag() + ".");
  return text;
}

}  // namespace

std::string as_roff(std::string_view text) {
  std::string safe;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) safe += "\\&";
    line_begins = c == '\n';
    switch (c) {
      case '\\':
        safe += "\\e";
        break;
      case '-':
        safe += "\\-";
        break;
      case '\'':
        safe += "\\(aq";
        break;
      case '`':
        safe += "\\(ga";
        break;
      case '~':
        safe += "\\(ti";
        break;
      case '^':
        safe += "\\(ha";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string man_page(std::span<const Verb> table) {
  std::string text = head("plimsoll", "a cache and a log in the memory you have");
  text += ".SH SYNOPSIS\n.B plimsoll\n.I VERB\n[FLAGS]\n.SH DESCRIPTION\n";
  text += as_roff(
      "Plimsoll serves clients of Redis and of Kafka from all the memory there is, and is never killed for "
      "it: "
      "it finds the limit, keeps a reserve free below it, and holds the line in between. The server needs "
      "nothing configured.\n");
  text += ".SH VERBS\nEach has a page of its own.\n";
  for (const Verb& verb : table) text += entry(verb.name, "", std::string(verb.summary) + ".");
  text += ".SH OPTIONS\n" + entry("--help", "", "What there is; behind a verb, what that one does.") +
          entry("--version", "", "The version, and how it was built.");
  text += exit_status(exits_of({}));
  text += "Other codes are in the page of the verb that has them.\n";
  text += environment(false);
  text += ".SH EXAMPLES\n" + lines_as_they_are("  plimsoll serve\n  plimsoll status\n  plimsoll top");
  return text + see_also(table, "");
}

std::string man_page(const Verb& verb, std::span<const Verb> table) {
  const bool settings = verb.name == "serve" || verb.name == "config";
  std::string text = head("plimsoll-" + std::string(verb.name), verb.summary);
  std::string usage = usage_of(verb);
  usage.erase(0, verb.name.size());
  text += ".SH SYNOPSIS\n.B plimsoll " + std::string(verb.name) + "\n" +
          (usage.empty() ? "" : as_roff(trim(usage)) + "\n");
  text += ".SH DESCRIPTION\n" + as_roff(verb.summary) + ".\n";
  if (!verb.actions.empty()) {
    std::string actions;
    for (const std::string_view action : verb.actions)
      actions += (actions.empty() ? "" : ", ") + std::string(action);
    text += "The first word is one of: " + as_roff(actions) + ".\n";
  }
  text += ".SH OPTIONS\n";
  for (const Flag& flag : verb.flags) text += entry(flag.name, flag.value, flag.help);
  text += entry("--help", "", "a short form of this page");
  text += exit_status(exits_of(verb)) + environment(settings);
  return text + ".SH EXAMPLES\n" + lines_as_they_are(verb.example) + see_also(table, verb.name);
}

}  // namespace plimsoll
