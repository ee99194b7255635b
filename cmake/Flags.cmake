# One interface target carries the flags of every own target; nothing is set globally.
add_library(plimsoll_flags INTERFACE)
target_compile_options(plimsoll_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
  -Wno-missing-field-initializers  # an options struct names what it sets and leaves the rest at its defaults
  -fno-omit-frame-pointer  # stacks are walked by frame pointers
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Instrumentation, in a variable too: the installed library needs it of whoever links it (tests/consumer).
set(PLIMSOLL_INSTRUMENTATION "")
if(PLIMSOLL_SANITIZE)
  list(APPEND PLIMSOLL_INSTRUMENTATION -fsanitize=${PLIMSOLL_SANITIZE} -fno-sanitize-recover=all)
endif()
if(PLIMSOLL_COVERAGE)
  list(APPEND PLIMSOLL_INSTRUMENTATION --coverage -fprofile-update=atomic -DPLIMSOLL_COUNTS_LINES)
endif()
target_compile_options(plimsoll_flags INTERFACE ${PLIMSOLL_INSTRUMENTATION})
target_link_options(plimsoll_flags INTERFACE ${PLIMSOLL_INSTRUMENTATION})
if(PLIMSOLL_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    message(FATAL_ERROR "PLIMSOLL_FUZZ needs clang, as the preset `fuzz` has it")
  endif()
  target_compile_options(plimsoll_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
