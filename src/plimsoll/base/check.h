// PLIMSOLL_CHECK: a programmer's error ends the process with the expression, its values and the place.
//
// Not for input from outside (that is an Error value) and not for a refusal of memory (that is an empty
// Charge). PLIMSOLL_DCHECK is the same in builds without NDEBUG and nothing in the others: for hot paths.
//
//   PLIMSOLL_CHECK(begin <= end, "begin %zu, end %zu", begin, end);
//
// Thread-safety: any thread. Cost: one predicted branch. Limits: the message is cut at 512 bytes. Errors:
// aborts.
#pragma once

#include <cstdarg>

namespace plimsoll::detail {
[[noreturn, gnu::cold, gnu::format(printf, 4, 5)]] void check_failed(const char* file, int line,
                                                                     const char* expression,
                                                                     const char* format, ...);
}  // namespace plimsoll::detail

#define PLIMSOLL_CHECK(expression, ...)               \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::plimsoll::detail::check_failed(__FILE__, __LINE__, #expression, " " __VA_ARGS__))

#ifdef NDEBUG
#define PLIMSOLL_DCHECK(expression, ...) static_cast<void>(sizeof(static_cast<bool>(expression)))
#else
#define PLIMSOLL_DCHECK(expression, ...) PLIMSOLL_CHECK(expression __VA_OPT__(, ) __VA_ARGS__)
#endif
