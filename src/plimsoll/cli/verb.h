// Verb: one thing the command line can do; each is a file, verb_<name>.cc, and a row of verbs().
//
// Human output first, on `out`; what went wrong on `err`, in one line that begins with the program's name.
// Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong; others are in the verb's row. The
// help, the man pages and the shells' completions are written from these rows, so that they cannot differ.
//
// Thread-safety: one thread. Cost: none. Limits: none. Errors: exit codes and a text. Ownership: a Call's
// streams and environment are the caller's.
#pragma once

#include <cerrno>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/cli/arguments.h"

namespace plimsoll {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

enum class Paint { kBold, kGreen, kYellow, kRed };

struct Call {
  const Arguments& arguments;
  const char* const* environment;  // as main() gets it
  std::FILE* out;
  std::FILE* err;
  mutable int print_errno = 0;  // of the first print that failed

  void print(std::string_view text) const {
    if (std::fwrite(text.data(), 1, text.size(), out) < text.size() && print_errno == 0) print_errno = errno;
  }
  // "plimsoll: `text`" on err.
  void complain(std::string_view text) const;
  // A variable of the environment; empty when it is not set.
  std::string_view variable(std::string_view name) const;
  // Whether `out` is a terminal that may be coloured (https://no-color.org).
  bool coloured() const;
  // How wide the terminal is that `out` is; 0: it is none.
  std::size_t columns() const;
  // `text` in that colour, where `out` is coloured.
  std::string painted(std::string_view text, Paint paint) const;
};

struct Exit {
  int code;
  std::string_view when;
};

struct Verb {
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view example;  // lines to paste, and what they do
  std::vector<Flag> flags;
  std::string_view positional;  // what stands for it in the help; empty: none
  int (*run)(const Call&);
  std::size_t words = 1;                       // that may stand beside the flags, where any may
  std::vector<std::string_view> actions = {};  // what the first of them may be, where that is known
  std::vector<Exit> exits = {};  // where a code means more than that of every verb, or is another
};

// All codes of a verb, by number.
std::vector<Exit> exits_of(const Verb& verb);
// What stands after the program's name: "topic ACTION [NAME] [FLAGS]".
std::string usage_of(const Verb& verb);

// The page of the server that `--http` names; kDone, or what to exit with after the complaint.
int ask_server(const Call& call, const std::string& verb, const char* path, std::string& body);
inline const Flag kHttpFlag = {"--http", "ADDRESS:PORT", "where its HTTP is [127.0.0.1:9644]"};

Verb serve_verb();
Verb status_verb();
Verb top_verb();
Verb pools_verb();
Verb cache_verb();
Verb topic_verb();
Verb sim_verb();
Verb doctor_verb();
Verb config_verb();
Verb demo_verb();
Verb completion_verb();
Verb man_verb();
Verb version_verb();
Verb help_verb();

std::vector<Verb> verbs();
// Null when there is none.
const Verb* find_verb(const std::vector<Verb>& table, std::string_view name);
// What is said to a name that no verb has, with the nearest one.
std::string no_such_verb(std::string_view name);
// What `plimsoll help` and `plimsoll VERB --help` print, for a terminal of that width (0: as wide as it
// gets). Examples are left as they are, to be pasted.
std::string help_text(std::size_t columns = 0);
std::string help_text(const Verb& verb, std::size_t columns = 0);

// `words`: the command line without the program's name. Returns the exit code.
int run_command_line(std::span<const char* const> words, const char* const* environment, std::FILE* out,
                     std::FILE* err);

}  // namespace plimsoll
