# Installs the library as the CMake package `plimsoll`: one target a room (plimsoll::base, ...), and plimsoll::plimsoll for
# all of them, and the same for pkg-config. The rooms of the program (server, cli) are not part of the library; the binary
# is installed when built. Its component is `development`; what says none is of `program`, as the packages are (Package.cmake).
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY PLIMSOLL_ROOMS)
list(REMOVE_ITEM rooms server cli)

add_library(plimsoll_library INTERFACE)
add_library(plimsoll::plimsoll ALIAS plimsoll_library)
set_target_properties(plimsoll_library PROPERTIES EXPORT_NAME plimsoll)
install(TARGETS plimsoll_library EXPORT plimsoll COMPONENT development)

# A static library's private dependencies are linked by its user, so the package has to find them: the package of
# a::b is a.
set(packages tl-expected)
foreach(room ${rooms})
  target_link_libraries(plimsoll_library INTERFACE plimsoll_${room})
  install(TARGETS plimsoll_${room} EXPORT plimsoll
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
  get_property(libraries GLOBAL PROPERTY PLIMSOLL_${room}_LIBS)
  list(APPEND linked ${libraries})
  list(PREPEND archives -lplimsoll_${room})  # those of higher floors first
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
install(EXPORT plimsoll NAMESPACE plimsoll:: FILE plimsoll-targets.cmake DESTINATION ${package_dir}
        COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/plimsoll-config.cmake.in
                              ${PROJECT_BINARY_DIR}/plimsoll-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/plimsoll-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/plimsoll-config.cmake ${PROJECT_BINARY_DIR}/plimsoll-config-version.cmake
        DESTINATION ${package_dir} COMPONENT development)

# For who does not use CMake. There are archives only, so whoever links says `pkg-config --static`. What is linked under
# another name than its package's:
set(package_of_z zlib)
set(package_of_lz4 liblz4)
set(package_of_zstd libzstd)
set(package_of_isal libisal)
set(PLIMSOLL_REQUIRED "")
set(PLIMSOLL_SYSTEM_LIBRARIES -lstdc++ -lm -pthread)
list(REMOVE_DUPLICATES linked)
foreach(library ${linked})
  if(library STREQUAL "${CMAKE_DL_LIBS}")
    list(APPEND PLIMSOLL_SYSTEM_LIBRARIES -l${library})
  elseif(DEFINED package_of_${library})
    list(APPEND PLIMSOLL_REQUIRED ${package_of_${library}})
  elseif(NOT library MATCHES "::")
    list(APPEND PLIMSOLL_REQUIRED ${library})
  endif()
endforeach()
list(JOIN archives " " PLIMSOLL_ARCHIVES)
list(JOIN PLIMSOLL_REQUIRED " " PLIMSOLL_REQUIRED)
list(JOIN PLIMSOLL_SYSTEM_LIBRARIES " " PLIMSOLL_SYSTEM_LIBRARIES)
# From where the file is, so that an installed tree may be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE libdir)
string(REGEX REPLACE "[^/]+" ".." PLIMSOLL_UP ${libdir})
configure_file(${CMAKE_CURRENT_LIST_DIR}/plimsoll.pc.in ${PROJECT_BINARY_DIR}/plimsoll.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/plimsoll.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

if(TARGET plimsoll)
  install(TARGETS plimsoll RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
