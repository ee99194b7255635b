# Installs the library as the CMake package `plimsoll`: one target a room (plimsoll::base, ...), and plimsoll::plimsoll for
# all of them. The rooms of the program (server, cli) are not part of the library; the binary is installed when built.
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY PLIMSOLL_ROOMS)
list(REMOVE_ITEM rooms server cli)

add_library(plimsoll_library INTERFACE)
add_library(plimsoll::plimsoll ALIAS plimsoll_library)
set_target_properties(plimsoll_library PROPERTIES EXPORT_NAME plimsoll)
install(TARGETS plimsoll_library EXPORT plimsoll)

# A static library's private dependencies are linked by its user, so the package has to find them: the package of
# a::b is a.
set(packages tl-expected)
foreach(room ${rooms})
  target_link_libraries(plimsoll_library INTERFACE plimsoll_${room})
  install(TARGETS plimsoll_${room} EXPORT plimsoll
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  get_property(libraries GLOBAL PROPERTY PLIMSOLL_${room}_LIBS)
  list(FILTER libraries INCLUDE REGEX "::")
  list(TRANSFORM libraries REPLACE "::.*" "")
  list(APPEND packages ${libraries})
endforeach()
list(REMOVE_DUPLICATES packages)

set(PLIMSOLL_DEPENDENCIES "")
foreach(package ${packages})
  string(APPEND PLIMSOLL_DEPENDENCIES "find_dependency(${package})\n")
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/plimsoll)
install(EXPORT plimsoll NAMESPACE plimsoll:: FILE plimsoll-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/plimsoll-config.cmake.in
                              ${PROJECT_BINARY_DIR}/plimsoll-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/plimsoll-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/plimsoll-config.cmake ${PROJECT_BINARY_DIR}/plimsoll-config-version.cmake
        DESTINATION ${package_dir})

if(TARGET plimsoll)
  install(TARGETS plimsoll RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
