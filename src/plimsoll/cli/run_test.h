// What the tests of verbs share: the command line run in this process, its words kept.
//
// Thread-safety: one thread. Cost: two files of the system's own. Limits: none. Errors: none. Ownership:
// values.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "plimsoll/cli/verb.h"

namespace plimsoll {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

inline std::string contents_of(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

inline Outcome run(std::vector<const char*> words, std::vector<const char*> environment = {}) {
  environment.push_back(nullptr);
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  Outcome outcome;
  outcome.code = run_command_line(words, environment.data(), out, err);
  outcome.out = contents_of(out);
  outcome.err = contents_of(err);
  return outcome;
}

}  // namespace plimsoll
