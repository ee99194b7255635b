#include "plimsoll/base/result.h"

#include <system_error>

namespace plimsoll {

std::string Error::message() const {
  std::string text = what;
  if (errno_value != 0) text += ": " + std::generic_category().message(errno_value);
  return text;
}

}  // namespace plimsoll
