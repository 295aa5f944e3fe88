# cmake --install: tools, libraries, headers with what TableGen made, the plugin, and a package for find_package(Weir).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY WEIR_LIBRARIES)
list(APPEND libraries WeirRuntimeC)
foreach(library ${libraries} WeirC)
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
# MLIR's shared libraries stand where they were found.
set_target_properties(weirc weir-opt WeirC PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};${LLVM_LIBRARY_DIR}")

install(TARGETS ${libraries} WeirC weirc weir-opt EXPORT WeirTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS weir-plugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/weir include/weir-c DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY dialects DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY ${CMAKE_BINARY_DIR}/include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.inc")
install(DIRECTORY ${CMAKE_BINARY_DIR}/dialects/Attention ${CMAKE_BINARY_DIR}/dialects/Mapping
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dialects FILES_MATCHING PATTERN "*.inc")
install(FILES python/weir.py DESTINATION ${CMAKE_INSTALL_DATADIR}/weir)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/weir)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Weir)
get_filename_component(WEIR_LLVM_PREFIX ${LLVM_LIBRARY_DIR} DIRECTORY)
set(WEIR_MLIR_VERSION ${LLVM_VERSION_MAJOR}.${LLVM_VERSION_MINOR})
set(WEIR_PLUGIN_PATH ${CMAKE_INSTALL_LIBDIR}/weir-plugin.so)
configure_package_config_file(cmake/WeirConfig.cmake.in ${CMAKE_BINARY_DIR}/WeirConfig.cmake INSTALL_DESTINATION ${package}
  PATH_VARS WEIR_PLUGIN_PATH)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/WeirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT WeirTargets NAMESPACE Weir:: DESTINATION ${package})
install(FILES ${CMAKE_BINARY_DIR}/WeirConfig.cmake ${CMAKE_BINARY_DIR}/WeirConfigVersion.cmake DESTINATION ${package})
