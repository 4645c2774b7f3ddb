# SPDX-License-Identifier: Apache-2.0
# find_package(shmcomm) with the copy inside the wheel: the runtime is compiled in the project's own build, because Abseil
# has no stable ABI. The generator is the wheel's, too, found beside the Python that has it.
if(NOT TARGET shmcomm::shmcomm)
  get_filename_component(shmcomm_environment "${CMAKE_CURRENT_LIST_DIR}/../../../../../.." ABSOLUTE)
  if(NOT SHMCOMM_GENERATOR AND EXISTS "${shmcomm_environment}/bin/shmcommc")
    set(SHMCOMM_GENERATOR "${shmcomm_environment}/bin/shmcommc" CACHE STRING "The generator" FORCE)
  endif()
  add_subdirectory("${CMAKE_CURRENT_LIST_DIR}/.." "${CMAKE_BINARY_DIR}/shmcomm" EXCLUDE_FROM_ALL)
endif()
set(shmcomm_FOUND TRUE)
