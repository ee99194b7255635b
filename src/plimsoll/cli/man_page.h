// Man pages: one for the program, plimsoll(1), and one a verb, plimsoll-VERB(1), written from the table of
// verbs and the settings.
//
// In the macros of man(7), which groff and mandoc both read; without a date, so that two builds of one source
// are the same.
//
// Thread-safety: pure functions. Cost: some string work. Limits: none. Errors: none. Ownership: values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "plimsoll/cli/verb.h"

namespace plimsoll {

std::string man_page(std::span<const Verb> table);
std::string man_page(const Verb& verb, std::span<const Verb> table);

// A text as roff prints it: no part of it is taken for a request or an escape.
std::string as_roff(std::string_view text);

}  // namespace plimsoll
