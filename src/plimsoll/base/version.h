// The version, in the one place where it is written: CMake, the program, the packages and both faces read it
// here.
//
// Plain C, as the C face shows it too. Versions follow semver.org; until 1.0 a minor version may break.
//
// Thread-safety: constants. Cost: none. Limits: none. Errors: none. Ownership: none.
#pragma once

#define PLIMSOLL_VERSION_MAJOR 0
#define PLIMSOLL_VERSION_MINOR 1
#define PLIMSOLL_VERSION_PATCH 0

#define PLIMSOLL_VERSION_TEXT(x) #x
#define PLIMSOLL_VERSION_JOINED(major, minor, patch) \
  PLIMSOLL_VERSION_TEXT(major) "." PLIMSOLL_VERSION_TEXT(minor) "." PLIMSOLL_VERSION_TEXT(patch)
#define PLIMSOLL_VERSION \
  PLIMSOLL_VERSION_JOINED(PLIMSOLL_VERSION_MAJOR, PLIMSOLL_VERSION_MINOR, PLIMSOLL_VERSION_PATCH)
