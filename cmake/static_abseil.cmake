# SPDX-License-Identifier: Apache-2.0
# Abseil inside an extension module: compiled from source with the module, position-independent, only what is needed, none
# of its symbols exported. Debian's shared Abseil would have to be installed wherever the wheel is, and its static one was
# compiled for executables.
include_guard(GLOBAL)

set(SHMCOMM_ABSEIL_SOURCE "" CACHE PATH "Folder of Abseil's sources; empty: Debian's source package, fetched with apt-get")

function(_shmcomm_fetch_abseil folder)
  set(${folder} "${CMAKE_BINARY_DIR}/abseil/source" PARENT_SCOPE)
  if(EXISTS "${CMAKE_BINARY_DIR}/abseil/source/CMakeLists.txt")
    return()
  endif()
  execute_process(COMMAND bash "${PROJECT_SOURCE_DIR}/cmake/fetch_abseil.sh" "${CMAKE_BINARY_DIR}/abseil"
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "Debian's source package of Abseil cannot be had; fix: -DSHMCOMM_ABSEIL_SOURCE=<folder of Abseil's "
      "sources>, with pip: --config-settings=cmake.define.SHMCOMM_ABSEIL_SOURCE=<folder>\n${output}")
  endif()
endfunction()

set(abseil_source "${SHMCOMM_ABSEIL_SOURCE}")
if(NOT abseil_source)
  _shmcomm_fetch_abseil(abseil_source)
endif()
message(STATUS "Abseil: ${abseil_source}")

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
set(BUILD_SHARED_LIBS OFF)
set(BUILD_TESTING OFF)
set(ABSL_PROPAGATE_CXX_STD ON)
set(ABSL_ENABLE_INSTALL OFF)
add_subdirectory("${abseil_source}" "${CMAKE_BINARY_DIR}/abseil/build" EXCLUDE_FROM_ALL SYSTEM)

# shmcomm_hide_libraries(<module>): nothing of the libraries linked into the module is seen from outside.
function(shmcomm_hide_libraries module)
  target_link_options(${module} PRIVATE "LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/wheel_exports.map"
    "LINKER:--exclude-libs,ALL" "LINKER:--gc-sections")
endfunction()
