// Error and Result<T>: a failure with a reason, as a value.
//
// The library throws nothing: a throw costs about a microsecond and allocates, when memory may be what is
// short. An Error is 16 bytes with static text; what only a person needs (a path, a line number) is added
// where it is printed.
//
//   Result<Bytes> size = parse_bytes("64MiB");
//   if (!size) return tl::unexpected(size.error());
//
// Thread-safety: values. Cost: 16 bytes more than T. Limits: `what` points at text that lives for ever.
// Errors: is one.
// Ends when the compiler has std::expected.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace plimsoll {

enum class ErrorCode : std::uint8_t {
  kInvalid,      // the input is malformed
  kOutOfRange,   // well formed, but more or less than is allowed
  kNotFound,     // what was named does not exist
  kRefused,      // the line, or an account, does not grant it
  kTimedOut,     // the deadline passed
  kUnsupported,  // this kernel, file or build cannot
  kSystem,       // a system call failed; errno_value says how
};

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  int errno_value = 0;
  const char* what = "";  // static text: what is wrong and what would be right

  std::string message() const;  // `what`, followed by the system's words for errno_value if there is one
};
static_assert(sizeof(Error) == 16);

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, const char* what, int errno_value = 0) {
  return tl::unexpected(Error{code, errno_value, what});
}

}  // namespace plimsoll
