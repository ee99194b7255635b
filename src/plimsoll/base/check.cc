#include "plimsoll/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace plimsoll::detail {

void check_failed(const char* file, int line, const char* expression, const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "%s:%d: check failed: %s:%s\n", file, line, expression, message);
  std::abort();
}

}  // namespace plimsoll::detail
