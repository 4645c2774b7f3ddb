# SPDX-License-Identifier: Apache-2.0
# The installed package: library, headers, CMake files, and the generator with its grammar, so that an installation
# can generate. Below share/shmcomm the generator finds its grammar where a source tree has it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/shmcomm")
set(share_dir "share/shmcomm")

install(TARGETS shmcomm EXPORT shmcommTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT shmcommTargets NAMESPACE shmcomm:: DESTINATION "${package_dir}")
install(DIRECTORY runtime/include/shmcomm DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")

configure_package_config_file(cmake/shmcommConfig.cmake.in "${PROJECT_BINARY_DIR}/shmcommConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/shmcommConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/shmcommConfig.cmake" "${PROJECT_BINARY_DIR}/shmcommConfigVersion.cmake"
  cmake/shmcomm_generate.cmake cmake/shmcomm_find_generator.cmake
  DESTINATION "${package_dir}")

install(DIRECTORY generator/shmcomm_gen DESTINATION "${share_dir}/generator" PATTERN "__pycache__" EXCLUDE)
install(FILES generator/requirements.txt DESTINATION "${share_dir}/generator")
install(DIRECTORY schema/ DESTINATION "${share_dir}/schema" FILES_MATCHING PATTERN "*.lark" PATTERN "*.fbs" PATTERN "diagnostics.md")
