// Whether a sanitizer has taken malloc's place and maps memory of its own, or lines are counted: what tests
// of limits and of malloc need to know, and those that take long.
//
// Thread-safety: constants. Cost: none. Limits: none. Errors: none.
#pragma once

#if defined(__has_feature)
#define PLIMSOLL_HAS_FEATURE(x) __has_feature(x)
#else
#define PLIMSOLL_HAS_FEATURE(x) 0
#endif

namespace plimsoll {

// The thread sanitizer touches four bytes of its own for each of ours, and runs a thread.
#if defined(__SANITIZE_THREAD__) || PLIMSOLL_HAS_FEATURE(thread_sanitizer)
inline constexpr bool kThreadSanitized = true;
#else
inline constexpr bool kThreadSanitized = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || PLIMSOLL_HAS_FEATURE(address_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = kThreadSanitized;
#endif

// Here one thread's code is a tenth as fast, and long random tests of it show nothing: no thread to race
// with, and a line is covered by the first of a thousand rounds. Other builds run them in full.
#ifdef PLIMSOLL_COUNTS_LINES
inline constexpr bool kBrief = true;
#else
inline constexpr bool kBrief = kThreadSanitized;
#endif

}  // namespace plimsoll
