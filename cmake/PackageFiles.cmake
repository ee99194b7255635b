# What Debian wants of every package and an install into a prefix does not have: its licence, its changelogs, manuals that
# are packed, archives without debugging. CPack runs it when the files are laid out and before they are packed.
file(GLOB parts ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
string(TIMESTAMP today "%a, %d %b %Y %H:%M:%S +0000" UTC)  # or SOURCE_DATE_EPOCH's
foreach(part ${parts})
  get_filename_component(component ${part} NAME)
  string(TOUPPER ${component} COMPONENT)
  if(NOT IS_DIRECTORY ${part}/usr)
    continue()
  endif()
  set(package ${CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME})
  set(doc ${part}/usr/share/doc/${package})
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/../deploy/debian/copyright DESTINATION ${doc})
  configure_file(${CMAKE_CURRENT_LIST_DIR}/../CHANGELOG.md ${doc}/changelog COPYONLY)
  file(WRITE ${doc}/changelog.Debian "plimsoll (${CPACK_DEBIAN_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * What changed is in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${today}
")
  file(GLOB manuals ${part}/usr/share/man/man*/*.[0-9])
  execute_process(COMMAND gzip -9nf ${doc}/changelog ${doc}/changelog.Debian ${manuals} COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB archives ${part}/usr/lib/*/*.a)
  if(archives)
    execute_process(COMMAND strip --strip-debug --enable-deterministic-archives ${archives} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
