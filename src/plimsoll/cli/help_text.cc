// What `plimsoll help` and `plimsoll VERB --help` print, and how it fits into a narrow terminal.
#include <algorithm>
#include <utility>
#include <vector>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/verb.h"
#include "plimsoll/report/table.h"

namespace plimsoll {
namespace {

constexpr std::size_t kParagraph = 105;  // columns of running text where the width is not known

// In lines that are not wider, where no word is; the first begins at column `indent`, the others do behind as
// many blanks.
std::string wrapped(std::string_view words, std::size_t columns, std::size_t indent) {
  std::string text;
  std::size_t at = indent;
  while (!words.empty()) {
    const std::string_view word = take_until(words, ' ');
    if (at > indent && at + 1 + word.size() > columns) {
      text += "\n" + std::string(indent, ' ');
      at = indent;
    } else if (at > indent) {
      text += ' ', ++at;
    }
    text += word;
    at += word.size();
  }
  return text;
}

using Rows = std::vector<std::pair<std::string, std::string>>;

// Names and what they mean side by side; where that is too wide, the meaning beside short names goes on below
// itself, and that of long names stands under them.
std::string rows_text(const Rows& rows, std::size_t columns) {
  std::size_t name = 0, meaning = 0;
  for (const auto& row : rows) {
    name = std::max(name, row.first.size());
    meaning = std::max(meaning, row.second.size());
  }
  const bool fits = columns == 0 || name + meaning + 4 <= columns;
  const bool beside = fits || name + 4 <= columns / 3;
  const std::size_t indent = beside ? name + 4 : 6;
  std::string text;
  for (const auto& row : rows) {
    std::string line = "  " + row.first;
    if (!beside) line += '\n' + std::string(indent, ' ');
    line.resize(std::max(line.size(), indent), ' ');
    text += line + (fits ? row.second : wrapped(row.second, columns, indent)) + "\n";
  }
  return text;
}

// "ACTION is show or check.\n\n"
std::string actions_text(const Verb& verb, std::size_t columns) {
  if (verb.actions.empty()) return {};
  std::string_view placeholder = verb.positional;
  std::string text = std::string(take_until(placeholder, ' ')) + " is ";
  for (std::size_t i = 0; i < verb.actions.size(); ++i) {
    if (i > 0) text += i + 1 == verb.actions.size() ? " or " : ", ";
    text += verb.actions[i];
  }
  return (columns == 0 ? text + "." : wrapped(text + ".", columns, 0)) + "\n\n";
}

}  // namespace

std::string help_text(std::size_t columns) {
  const std::size_t width = columns == 0 ? kParagraph : columns;
  Rows rows;
  for (const Verb& verb : verbs()) rows.emplace_back(verb.name, verb.summary);
  return wrapped(
             "Plimsoll: a cache and a log in the memory you have. It uses all of it and is never killed for "
             "it.",
             width, 0) +
         "\n\nplimsoll VERB [FLAGS]\n\n" + rows_text(rows, columns) + "\n" +
         wrapped(
             "plimsoll VERB --help says more of each, with an example and its exit codes (0 done, 1 it could "
             "not be done, 2 the command line is wrong). NO_COLOR=1 in the environment takes the colours "
             "away. To begin with:",
             width, 0) +
         "\n\n  plimsoll serve\n  plimsoll status\n  plimsoll top\n";
}

std::string help_text(const Verb& verb, std::size_t columns) {
  Rows flags, exits;
  for (const Flag& flag : verb.flags)
    flags.emplace_back(flag.value.empty() ? flag.name : flag.name + " " + flag.value, flag.help);
  flags.emplace_back("--help", "this text");
  std::size_t digits = 0;
  for (const Exit& exit : exits_of(verb)) digits = std::max(digits, std::to_string(exit.code).size());
  for (const Exit& exit : exits_of(verb)) {
    const std::string code = std::to_string(exit.code);
    exits.emplace_back(std::string(digits - code.size(), ' ') + code, exit.when);
  }
  const std::string summary = std::string(verb.summary) + ".";
  return "plimsoll " + usage_of(verb) + "\n\n" + (columns == 0 ? summary : wrapped(summary, columns, 0)) +
         "\n\n" + actions_text(verb, columns) + rows_text(flags, columns) + "\nExample:\n\n" +
         std::string(verb.example) + "\n\nExit codes:\n\n" + rows_text(exits, columns);
}

}  // namespace plimsoll
