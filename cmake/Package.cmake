# The packages for Debian, by CPack; `./dev package` makes them into build/package:
#
#   plimsoll          the program, its manuals and completions, its service, and what is in deploy/
#   plimsoll-rocksdb  the cache's level on a disk: apart, as it brings 15 MiB of libraries that only `disk_level` asks for
#   libplimsoll-dev   headers (C++ and C), archives, and what CMake and pkg-config read
if(NOT TARGET plimsoll)
  return()
endif()
set(where ${CMAKE_CURRENT_LIST_DIR}/../deploy)

# Only in packages: a service and its settings belong to a system and to no prefix. From the prefix, /usr, one up is the root.
install(FILES ${where}/systemd/plimsoll.service DESTINATION ../lib/systemd/system COMPONENT program EXCLUDE_FROM_ALL)
install(FILES ${where}/systemd/plimsoll.toml DESTINATION ../etc/plimsoll COMPONENT program EXCLUDE_FROM_ALL)
install(DIRECTORY ${where}/grafana ${where}/prometheus DESTINATION ${CMAKE_INSTALL_DATADIR}/plimsoll
        COMPONENT program EXCLUDE_FROM_ALL PATTERN *.test.yml EXCLUDE)
install(FILES ${where}/../docs/operating.md ${where}/../docs/metrics.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/plimsoll
        COMPONENT program EXCLUDE_FROM_ALL)
install(FILES ${where}/../docs/examples.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libplimsoll-dev
        COMPONENT development EXCLUDE_FROM_ALL)
install(DIRECTORY ${where}/../examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libplimsoll-dev
        COMPONENT development EXCLUDE_FROM_ALL PATTERN CMakeLists.txt EXCLUDE)

# All that is packed; nothing of the tests.
add_custom_target(plimsoll_packaged DEPENDS plimsoll plimsoll_pages $<TARGET_NAME_IF_EXISTS:plimsoll_rocksdb>)
foreach(room ${rooms})
  add_dependencies(plimsoll_packaged plimsoll_${room})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME plimsoll)
set(CPACK_PACKAGE_VENDOR Plimsoll)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
# Nobody reads that address, and it says so: the format wants one, and the project has none.
set(CPACK_PACKAGE_CONTACT "Plimsoll developers <plimsoll@localhost.invalid>")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_SOURCE_DIR}/build/package)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program development)
if(TARGET plimsoll_rocksdb)
  list(APPEND CPACK_COMPONENTS_ALL rocksdb)
endif()
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/PackageFiles.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME plimsoll)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS plimsoll-rocksdb)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA
    ${where}/debian/postinst ${where}/debian/prerm ${where}/debian/postrm ${where}/debian/conffiles)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "cache and log in the memory you have
A server that speaks the protocols of Redis and Kafka. It finds what the kernel
would kill it for, keeps a reserve free below that, and charges every byte
before it takes it: it uses all the memory there is and is not killed for it.")

set(CPACK_DEBIAN_ROCKSDB_PACKAGE_NAME plimsoll-rocksdb)
set(CPACK_DEBIAN_ROCKSDB_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_ROCKSDB_PACKAGE_DEPENDS "plimsoll (= ${PROJECT_VERSION}-1)")
set(CPACK_DEBIAN_ROCKSDB_DESCRIPTION "cache and log in the memory you have (level on a disk)
What the cache of plimsoll gives up is kept in RocksDB, on a disk, and comes
back when it is asked for. Loaded when the setting disk_level asks for it.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libplimsoll-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libc6-dev, libexpected-dev, libisal-dev, liblz4-dev, libsnappy-dev, libstdc++-12-dev | libstdc++-dev, libzstd-dev, prometheus-cpp-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "cmake, pkgconf")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "memory under one line (development files)
A C++20 library, with a C face, that holds every byte of a process against one
limit: accounts and charges, a governor, allocators, pools, a cache and a log.
Archives, headers, and what CMake and pkg-config read.")

include(CPack)
