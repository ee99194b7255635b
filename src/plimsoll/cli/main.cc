#include <unistd.h>

#include <cstdio>
#include <span>

#include "plimsoll/cli/verb.h"

int main(int argc, char** argv) {
  std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
  if (!words.empty()) words = words.subspan(1);
  return plimsoll::run_command_line(words, environ, stdout, stderr);
}
