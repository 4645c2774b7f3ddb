# SPDX-License-Identifier: Apache-2.0
# What goes into the wheel besides the Python files: the extension, the generator's grammar, and the C++ sources, so that a
# CMake project finds shmcomm in the environment it was pip-installed into (`shmcomm --cmake-dir`).
set(cpp_dir "shmcomm/cpp")

install(TARGETS shmcomm_core LIBRARY DESTINATION shmcomm COMPONENT wheel)
install(FILES schema/grammar.lark schema/diagnostics.md DESTINATION shmcomm_gen COMPONENT wheel)
if(EXISTS "${PROJECT_SOURCE_DIR}/schema/std")
  install(DIRECTORY schema/std DESTINATION shmcomm_gen COMPONENT wheel)
endif()

install(FILES CMakeLists.txt LICENSE DESTINATION "${cpp_dir}" COMPONENT wheel)
install(DIRECTORY runtime/src runtime/include DESTINATION "${cpp_dir}/runtime" COMPONENT wheel)
install(FILES runtime/CMakeLists.txt DESTINATION "${cpp_dir}/runtime" COMPONENT wheel)
install(DIRECTORY cmake/ DESTINATION "${cpp_dir}/cmake" COMPONENT wheel PATTERN "in_wheel" EXCLUDE)
install(FILES cmake/in_wheel/shmcommConfig.cmake DESTINATION "${cpp_dir}/config" COMPONENT wheel)
