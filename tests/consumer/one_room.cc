// The smallest use of an installed room: sizes that cannot be mixed, and a failure as a value.
#include <cstdio>

#include "plimsoll/base/text.h"

int main() {
  using namespace plimsoll::literals;
  plimsoll::Result<plimsoll::Bytes> size = plimsoll::parse_bytes("64MiB");
  if (!size || *size != 64_MiB) return 1;
  plimsoll::Result<plimsoll::Bytes> wrong = plimsoll::parse_bytes("64 apples");
  if (wrong || wrong.error().code != plimsoll::ErrorCode::kInvalid) return 2;
  std::printf("%s; %s\n", plimsoll::format_bytes(*size).c_str(), wrong.error().message().c_str());
  return 0;
}
