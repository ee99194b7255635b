// Completions: scripts by which bash, zsh and fish complete this program's verbs, flags and their values.
//
// Written from the table of verbs, as the help is. What a flag takes is seen by what stands for it there:
// "on|off" is a choice, FILE and FOLDER are paths, all else is free text.
//
// Thread-safety: pure functions. Cost: some string work. Limits: none. Errors: none. Ownership: values.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/cli/verb.h"

namespace plimsoll {

enum class Shell { kBash, kZsh, kFish };

std::string completion_of(Shell shell, std::span<const Verb> table);

// The words of "never|interval|always"; none where it is no choice.
std::vector<std::string_view> choices_of(std::string_view value);

}  // namespace plimsoll
