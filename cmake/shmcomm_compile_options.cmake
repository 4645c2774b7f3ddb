# SPDX-License-Identifier: Apache-2.0
# How this project compiles its own sources: language level, warnings, sanitizers, coverage. Users of the library inherit
# only the language level.
include_guard(GLOBAL)

# Sanitizers, the fuzzer and coverage change every object and the link, so they are set for the whole tree, generated code included.
if(SHMCOMM_SANITIZE)
  # Lines for the traces and no more: full debug information is a third of the time.
  add_compile_options(-fsanitize=${SHMCOMM_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${SHMCOMM_SANITIZE})
  if(SHMCOMM_SANITIZE MATCHES "undefined")
    # Looking at a type's name asks the kernel, by system calls that tests let fail.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
  endif()
endif()
if(SHMCOMM_LIBFUZZER)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "libFuzzer is clang's; fix: -DCMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)  # the library, too, tells the fuzzer which branches an input took
endif()
if(SHMCOMM_COVERAGE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "coverage is counted by clang, whose branches are those of the source; fix: -DCMAKE_CXX_COMPILER=clang++")
  endif()
  # Counters that can lie in a file that all processes share: those of a process that is killed are not lost.
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic "SHELL:-mllvm -runtime-counter-relocation")
  add_link_options(-fprofile-instr-generate)
endif()

# Makes `target` one of ours: C++17, warnings, warnings as errors where asked.
function(shmcomm_own_target target)
  target_compile_features(${target} PUBLIC cxx_std_17)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic $<$<BOOL:${SHMCOMM_WERROR}>:-Werror>)
endfunction()

# Precompiled headers take a third off the time. Not beside a compiler cache, which knows such files by their bytes and would
# find nothing again in another tree; and only as tried with GCC.
set(SHMCOMM_PRECOMPILES OFF)
if(SHMCOMM_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(SHMCOMM_PRECOMPILES ON)
endif()

# Precompiles the headers that most files of `target` include.
function(shmcomm_precompile target)
  if(SHMCOMM_PRECOMPILES)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# What nearly every source of the runtime includes.
set(SHMCOMM_RUNTIME_PRELUDE
  <algorithm> <array> <functional> <memory> <optional> <string> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/time/time.h>)
