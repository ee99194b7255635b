# plimsoll_alloc_jemalloc: jemalloc linked into a program under its own names only (mallocx, mallctl, ...).
#
# A program that links it gets the backend `jemalloc` of plimsoll/alloc/backend.h, and keeps the malloc it had. Plain
# -ljemalloc takes malloc over for the whole process, and opening the library at run time fails for want of static
# thread storage; so its position-independent archive is made into one object with all other names local. For tests,
# benchmarks and examples. Where libjemalloc-dev is not installed there is no such target, so ask for it:
#
#   if(TARGET plimsoll_alloc_jemalloc)
#     target_link_libraries(alloc_bench PRIVATE plimsoll_alloc_jemalloc)
#   endif()
find_library(PLIMSOLL_JEMALLOC_ARCHIVE NAMES libjemalloc_pic.a DOC "jemalloc's position-independent archive")
mark_as_advanced(PLIMSOLL_JEMALLOC_ARCHIVE)
if(NOT PLIMSOLL_JEMALLOC_ARCHIVE OR NOT CMAKE_LINKER OR NOT CMAKE_OBJCOPY)
  message(STATUS "No backend `jemalloc` in tests and benchmarks: the package libjemalloc-dev is not installed")
  return()
endif()

set(names mallocx rallocx xallocx sallocx dallocx sdallocx nallocx mallctl mallctlnametomib mallctlbymib
          malloc_stats_print)
set(wanted ${names})
set(kept ${names})
list(TRANSFORM wanted PREPEND --undefined=)
list(TRANSFORM kept PREPEND --keep-global-symbol=)
set(object ${CMAKE_CURRENT_BINARY_DIR}/jemalloc_private.o)
add_custom_command(
  OUTPUT ${object}
  COMMAND ${CMAKE_LINKER} -r ${wanted} -o ${object} ${PLIMSOLL_JEMALLOC_ARCHIVE}
  COMMAND ${CMAKE_OBJCOPY} ${kept} ${object}
  DEPENDS ${PLIMSOLL_JEMALLOC_ARCHIVE}
  COMMENT "jemalloc under its own names"
  VERBATIM)
add_custom_target(plimsoll_alloc_jemalloc_object DEPENDS ${object})
add_library(plimsoll_alloc_jemalloc INTERFACE)
add_dependencies(plimsoll_alloc_jemalloc plimsoll_alloc_jemalloc_object)
# An object and no archive: the names are weak where they are used, and those take nothing out of archives.
target_link_libraries(plimsoll_alloc_jemalloc INTERFACE ${object})
