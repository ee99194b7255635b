#include <unistd.h>

#include <cstdio>
#include <span>

#include "plimsoll/cli/verb.h"
#include "plimsoll/os/file.h"

int main(int argc, char** argv) {
  plimsoll::take_standard_descriptors();
  std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
  if (!words.empty()) words = words.subspan(1);
  return plimsoll::run_command_line(words, environ, stdout, stderr);
}
