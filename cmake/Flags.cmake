# One interface target carries the flags of every own target; nothing is set globally.
add_library(plimsoll_flags INTERFACE)
target_compile_options(plimsoll_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -fno-omit-frame-pointer  # stacks are walked by frame pointers
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

if(PLIMSOLL_SANITIZE)
  target_compile_options(plimsoll_flags INTERFACE -fsanitize=${PLIMSOLL_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(plimsoll_flags INTERFACE -fsanitize=${PLIMSOLL_SANITIZE})
endif()
if(PLIMSOLL_COVERAGE)
  target_compile_options(plimsoll_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(plimsoll_flags INTERFACE --coverage)
endif()
if(PLIMSOLL_FUZZ)
  target_compile_options(plimsoll_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
