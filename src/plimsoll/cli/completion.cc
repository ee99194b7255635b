#include "plimsoll/cli/completion.h"

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

enum class Takes { kNothing, kChoice, kFile, kFolder, kText };

Takes taken_by(const Flag& flag) {
  if (flag.value.empty()) return Takes::kNothing;
  if (flag.value == "FILE" || flag.value == "PROGRAM") return Takes::kFile;
  if (flag.value == "FOLDER") return Takes::kFolder;
  return choices_of(flag.value).empty() ? Takes::kText : Takes::kChoice;
}

bool takes_files(const Verb& verb) {
  return verb.positional.find("FILE") != std::string_view::npos || verb.positional == "TRACE";
}

template <typename Words>
std::string spaced(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + std::string(word);
  return text;
}

std::string verb_names(std::span<const Verb> table) {
  std::vector<std::string_view> names;
  for (const Verb& verb : table) names.push_back(verb.name);
  return spaced(names);
}

// What the first word behind a verb may be; empty: nobody knows.
std::string first_words(const Verb& verb, std::span<const Verb> table) {
  return verb.positional == "[VERB]" ? verb_names(table) : spaced(verb.actions);
}

// Every character of `special` with a backslash before it, and quotes so that the text may stand in '...'.
std::string quoted(std::string_view text, std::string_view special) {
  std::string safe;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) safe += '\\';
    safe += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return safe;
}

// --- bash
// ---------------------------------------------------------------------------------------------------

constexpr std::string_view kBashBegin = R"(_plimsoll_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_plimsoll() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} flags= first=
  COMPREPLY=()
  # --flag=value comes as three words.
  if [ "$cur" = = ]; then cur=; elif [ "$prev" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
)";

constexpr std::string_view kBashEnd = R"(  esac
  if [[ $cur = -* ]]; then
    COMPREPLY=($(compgen -W "$flags --help" -- "$cur"))
  elif [ -n "$first" ] && [ "$COMP_CWORD" -eq 2 ]; then
    COMPREPLY=($(compgen -W "$first" -- "$cur"))
)";

std::string bash_value(const Flag& flag) {
  switch (taken_by(flag)) {
    case Takes::kChoice:
      return "COMPREPLY=($(compgen -W '" + spaced(choices_of(flag.value)) + "' -- \"$cur\")); return";
    case Takes::kFile:
      return "_plimsoll_paths -f \"$cur\"; return";
    case Takes::kFolder:
      return "_plimsoll_paths -d \"$cur\"; return";
    case Takes::kText:
    case Takes::kNothing:
      break;
  }
  return "return";  // only its user knows what stands there
}

std::string bash(std::span<const Verb> table) {
  std::string text = "# bash completion for plimsoll; made by `plimsoll completion bash`.\n";
  text += kBashBegin;
  text += "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '" + verb_names(table) +
          " --help --version' -- \"$cur\"))\n    return\n  fi\n  case $verb:$prev in\n";
  for (const Verb& verb : table) {
    for (const Flag& flag : verb.flags) {
      if (!flag.value.empty())
        text += "    " + std::string(verb.name) + ":" + flag.name + ") " + bash_value(flag) + " ;;\n";
    }
  }
  text += "  esac\n  case $verb in\n";
  std::string with_files;
  for (const Verb& verb : table) {
    std::vector<std::string_view> flags;
    for (const Flag& flag : verb.flags) flags.push_back(flag.name);
    text += "    " + std::string(verb.name) + ") flags='" + spaced(flags) + "'";
    if (const std::string first = first_words(verb, table); !first.empty()) text += " first='" + first + "'";
    text += " ;;\n";
    if (takes_files(verb)) with_files += (with_files.empty() ? "" : "|") + std::string(verb.name);
  }
  text += kBashEnd;
  text += "  else\n    case $verb in\n      " + with_files + ") _plimsoll_paths -f \"$cur\" ;;\n";
  text += "      *) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n    esac\n  fi\n}\n\n";
  return text + "complete -F _plimsoll plimsoll\n";
}

// --- zsh
// ----------------------------------------------------------------------------------------------------

std::string zsh_flag(const Flag& flag) {
  const std::string help = "[" + quoted(flag.help, "[]:\\") + "]";
  const std::string name = quoted(flag.value, "[]:\\");
  switch (taken_by(flag)) {
    case Takes::kNothing:
      return "'*" + flag.name + help + "'";
    case Takes::kChoice:
      return "'*" + flag.name + "=" + help + ":value:(" + spaced(choices_of(flag.value)) + ")'";
    case Takes::kFile:
      return "'*" + flag.name + "=" + help + ":" + name + ":_files'";
    case Takes::kFolder:
      return "'*" + flag.name + "=" + help + ":" + name + ":_files -/'";
    case Takes::kText:
      break;
  }
  return "'*" + flag.name + "=" + help + ":" + name + ":'";
}

std::string zsh(std::span<const Verb> table) {
  std::string text =
      "#compdef plimsoll\n# zsh completion for plimsoll; made by `plimsoll completion zsh`.\n\n_plimsoll() "
      "{\n"
      "  local -a verbs\n  verbs=(\n";
  for (const Verb& verb : table)
    text += "    '" + std::string(verb.name) + ":" + quoted(verb.summary, ":\\") + "'\n";
  text +=
      "  )\n  if (( CURRENT == 2 )); then\n    _describe -t verbs verb verbs\n    return\n  fi\n"
      "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $verb in\n";
  for (const Verb& verb : table) {
    text += "    " + std::string(verb.name) + ")\n      _arguments '--help[this text]'";
    for (const Flag& flag : verb.flags) text += " \\\n        " + zsh_flag(flag);
    if (const std::string first = first_words(verb, table); !first.empty())
      text += " \\\n        '1:action:(" + first + ")'";
    if (takes_files(verb)) text += " \\\n        '*:file:_files'";
    text += "\n      ;;\n";
  }
  return text +
         "  esac\n}\n\nif [ \"$funcstack[1]\" = _plimsoll ]; then\n  _plimsoll \"$@\"\nelse\n"
         "  compdef _plimsoll plimsoll\nfi\n";
}

// --- fish
// ---------------------------------------------------------------------------------------------------

std::string fish_flag(const Verb& verb, const Flag& flag) {
  std::string line = "complete -c plimsoll -n '__plimsoll_verb " + std::string(verb.name) + "' -l " +
                     flag.name.substr(2) + " -d '" + quoted(flag.help, "\\") + "'";
  switch (taken_by(flag)) {
    case Takes::kNothing:
      break;
    case Takes::kChoice:
      line += " -x -a '" + spaced(choices_of(flag.value)) + "'";
      break;
    case Takes::kFile:
      line += " -r -F";
      break;
    case Takes::kFolder:
      line += " -x -a '(__fish_complete_directories)'";
      break;
    case Takes::kText:
      line += " -x";
      break;
  }
  return line + "\n";
}

std::string fish(std::span<const Verb> table) {
  std::string text =
      "# fish completion for plimsoll; made by `plimsoll completion fish`.\n\n"
      "function __plimsoll_verb\n  set -l words (commandline -opc)\n"
      "  test (count $words) -gt 1; and contains -- $words[2] $argv\nend\n"
      "function __plimsoll_words\n  test (count (commandline -opc)) -eq $argv[1]\nend\n\n"
      "complete -c plimsoll -f\n"
      "complete -c plimsoll -n '__plimsoll_words 1' -l help -d 'What there is'\n"
      "complete -c plimsoll -n '__plimsoll_words 1' -l version -d 'The version, and how it was built'\n";
  for (const Verb& verb : table) {
    const std::string name(verb.name);
    text += "\ncomplete -c plimsoll -n '__plimsoll_words 1' -a " + name + " -d '" +
            quoted(verb.summary, "\\") + "'\n";
    if (const std::string first = first_words(verb, table); !first.empty())
      text += "complete -c plimsoll -n '__plimsoll_words 2; and __plimsoll_verb " + name + "' -a '" + first +
              "'\n";
    if (takes_files(verb)) text += "complete -c plimsoll -n '__plimsoll_verb " + name + "' -F\n";
    for (const Flag& flag : verb.flags) text += fish_flag(verb, flag);
    text += "complete -c plimsoll -n '__plimsoll_verb " + name +
            "' -l help -d 'Its flags, an example, exit codes'\n";
  }
  return text;
}

}  // namespace

std::vector<std::string_view> choices_of(std::string_view value) {
  std::vector<std::string_view> choices;
  if (value.find('|') == std::string_view::npos) return choices;
  while (!value.empty()) choices.push_back(take_until(value, '|'));
  return choices;
}

std::string completion_of(Shell shell, std::span<const Verb> table) {
  switch (shell) {
    case Shell::kBash:
      return bash(table);
    case Shell::kZsh:
      return zsh(table);
    case Shell::kFish:
      break;
  }
  return fish(table);
}

}  // namespace plimsoll
