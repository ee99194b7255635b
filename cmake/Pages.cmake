# Completions and man pages: the built program writes them from its table of verbs, into share/ of the build folder as they
# are installed. Included by the program's room; run as a script (cmake -P) with PROGRAM, SOURCES and TO it makes them.
if(CMAKE_SCRIPT_MODE_FILE)
  function(write FILE)
    execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    file(WRITE ${TO}/${FILE} "${text}")
  endfunction()

  file(REMOVE_RECURSE ${TO})
  write(bash-completion/completions/plimsoll completion bash)
  write(zsh/vendor-completions/_plimsoll completion zsh)
  write(fish/vendor_completions.d/plimsoll.fish completion fish)
  write(man/man1/plimsoll.1 man)
  # Each verb is a file of its name.
  file(GLOB verbs ${SOURCES}/verb_*.cc)
  list(FILTER verbs EXCLUDE REGEX "_test\\.cc$")
  foreach(file ${verbs})
    string(REGEX REPLACE ".*/verb_(.*)\\.cc$" "\\1" verb ${file})
    write(man/man1/plimsoll-${verb}.1 man ${verb})
  endforeach()
  return()
endif()

set(pages ${PROJECT_BINARY_DIR}/share)
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/pages.stamp
                   COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:plimsoll> -D SOURCES=${CMAKE_CURRENT_SOURCE_DIR}
                           -D TO=${pages} -P ${PROJECT_SOURCE_DIR}/cmake/Pages.cmake
                   COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_BINARY_DIR}/pages.stamp
                   DEPENDS plimsoll ${PROJECT_SOURCE_DIR}/cmake/Pages.cmake
                   COMMENT "Writing completions and man pages" VERBATIM)
add_custom_target(plimsoll_pages ALL DEPENDS ${PROJECT_BINARY_DIR}/pages.stamp)
install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_DATADIR})
