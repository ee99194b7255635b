#include <array>
#include <cstdio>
#include <cstring>

#include "plimsoll/c/internal/handles.h"

namespace plimsoll::c {
namespace {

// Kept as what it is and put into words when somebody asks: failing costs two stores.
struct LastError {
  const char* what = "";
  int errno_value = 0;
  std::array<char, 256> words{};
};
thread_local LastError last_error;

}  // namespace

plimsoll_status fail(plimsoll_status status, const char* what, int errno_value) noexcept {
  last_error.what = what;
  last_error.errno_value = errno_value;
  return status;
}

plimsoll_status fail(const Error& error) noexcept {
  plimsoll_status status = PLIMSOLL_SYSTEM;
  switch (error.code) {
    case ErrorCode::kInvalid:
      status = PLIMSOLL_INVALID;
      break;
    case ErrorCode::kOutOfRange:
      status = PLIMSOLL_OUT_OF_RANGE;
      break;
    case ErrorCode::kNotFound:
      status = PLIMSOLL_NOT_FOUND;
      break;
    case ErrorCode::kRefused:
      status = PLIMSOLL_REFUSED;
      break;
    case ErrorCode::kTimedOut:
      status = PLIMSOLL_TIMED_OUT;
      break;
    case ErrorCode::kUnsupported:
      status = PLIMSOLL_UNSUPPORTED;
      break;
    case ErrorCode::kSystem:
      status = PLIMSOLL_SYSTEM;
      break;
  }
  return fail(status, error.what, error.errno_value);
}

bool is_name(const char* name) noexcept {
  const std::size_t length = ::strnlen(name, 65);
  return length > 0 && length <= 64 && std::strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

}  // namespace plimsoll::c

using plimsoll::c::last_error;

const char* plimsoll_status_name(plimsoll_status status) {
  switch (status) {
    case PLIMSOLL_OK:
      return "ok";
    case PLIMSOLL_INVALID:
      return "invalid";
    case PLIMSOLL_OUT_OF_RANGE:
      return "out of range";
    case PLIMSOLL_NOT_FOUND:
      return "not found";
    case PLIMSOLL_REFUSED:
      return "refused";
    case PLIMSOLL_TIMED_OUT:
      return "timed out";
    case PLIMSOLL_UNSUPPORTED:
      return "unsupported";
    case PLIMSOLL_SYSTEM:
      return "system";
    case PLIMSOLL_TOO_SMALL:
      return "too small";
    case PLIMSOLL_BUSY:
      return "busy";
    case PLIMSOLL_STATUS_ANY:
      break;
  }
  return "unknown";
}

const char* plimsoll_last_error() {
  if (last_error.errno_value == 0) return last_error.what;
  const char* why = ::strerrordesc_np(last_error.errno_value);
  std::snprintf(last_error.words.data(), last_error.words.size(), "%s: %s", last_error.what,
                why != nullptr ? why : "an unknown error");
  return last_error.words.data();
}

const char* plimsoll_version() { return PLIMSOLL_VERSION; }
