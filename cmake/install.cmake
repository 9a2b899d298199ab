# The installed package: headers, libraries, command, find_package(weir COMPONENTS NAME...), and for pkg-config
# weir and weir-NAME.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(WEIR_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/weir)

install(TARGETS weir weir_sim EXPORT weir-targets)
foreach(name ${WEIR_COMPONENTS})
  install(TARGETS weir_${name} EXPORT weir-targets)
endforeach()
install(DIRECTORY include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT weir-targets NAMESPACE weir:: DESTINATION ${WEIR_CMAKE_DIR})
if(TARGET weir_command)
  install(TARGETS weir_command)
endif()

set(WEIR_CONFIG_MODULES "") # what the components stand on, needed by those who link them
foreach(name ${WEIR_COMPONENTS})
  string(APPEND WEIR_CONFIG_MODULES "pkg_check_modules(${name} QUIET IMPORTED_TARGET ${WEIR_${name}_MODULE})\n"
                                    "set(weir_${name}_FOUND \"\${${name}_FOUND}\")\n")
endforeach()
configure_package_config_file(cmake/weir-config.cmake.in weir-config.cmake INSTALL_DESTINATION ${WEIR_CMAKE_DIR})
write_basic_package_version_file(weir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weir-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/weir-config-version.cmake
        DESTINATION ${WEIR_CMAKE_DIR})

# The prefix is found from where weir.pc lies, so `cmake --install --prefix` and a moved tree both work.
file(RELATIVE_PATH WEIR_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
# A shared library brings what it stands on itself; for a static one the user's own link line must name it.
if(BUILD_SHARED_LIBS)
  set(WEIR_PC_REQUIRES Requires.private)
else()
  set(WEIR_PC_REQUIRES Requires)
endif()
configure_file(cmake/weir.pc.in weir.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
foreach(name ${WEIR_COMPONENTS})
  if(BUILD_SHARED_LIBS)
    set(WEIR_PC_REQUIRES_OF_COMPONENT "Requires: weir\nRequires.private: ${WEIR_${name}_MODULE}")
  else()
    set(WEIR_PC_REQUIRES_OF_COMPONENT "Requires: weir, ${WEIR_${name}_MODULE}")
  endif()
  configure_file(cmake/weir-component.pc.in weir-${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weir-${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
