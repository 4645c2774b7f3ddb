# SPDX-License-Identifier: Apache-2.0
# shmcomm_generate(): from channel files to a library to link with and a Python package to import.
include_guard(GLOBAL)
cmake_policy(PUSH)
cmake_policy(VERSION 3.20)

include("${CMAKE_CURRENT_LIST_DIR}/shmcomm_find_generator.cmake")

#[=[
shmcomm_generate(TARGET <name> SCHEMAS <file>... [IMPORT_DIRS <folder>...] [LANGUAGES [cpp] [python]]
                 [COMPATIBLE_WITH <lock>...])

  TARGET       made here. With cpp: a static library that brings the headers' include directory and
               shmcomm::shmcomm. With python alone: a target that is always built.
  SCHEMAS      .channel and .fbs files. For robot.channel, C++ includes "robot.shm.h" and Python imports `robot`.
  IMPORT_DIRS  folders in which `include "..."` looks after the including file's own.
  LANGUAGES    default cpp.
  COMPATIBLE_WITH  locks, made by `shmcommc lock <schema>`: the build fails where a schema breaks with what its programs
               have agreed on. robot.lock is that of robot.channel; the lock of a single schema may have any name.

Relative paths start at the calling CMakeLists.txt. All output is in <binary dir>/<name>.shm; the target's property
SHMCOMM_PYTHON_DIR is the folder to put on PYTHONPATH. The generator runs again when a schema, something it includes, or
the generator itself has changed.
]=]
function(shmcomm_generate)
  set(single TARGET)
  set(multiple SCHEMAS IMPORT_DIRS LANGUAGES COMPATIBLE_WITH)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "${single}" "${multiple}")
  _shmcomm_reject_unknown_keywords("${ARGV}" "${arg_UNPARSED_ARGUMENTS}" "${arg_TARGET}")
  if(arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "shmcomm_generate: no value after ${arg_KEYWORDS_MISSING_VALUES}")
  endif()
  foreach(keyword IN ITEMS TARGET SCHEMAS)
    if(NOT arg_${keyword})
      message(FATAL_ERROR "shmcomm_generate: ${keyword} is missing")
    endif()
  endforeach()
  if(NOT arg_LANGUAGES)
    set(arg_LANGUAGES cpp)
  endif()
  _shmcomm_check_languages(${arg_LANGUAGES})
  list(TRANSFORM arg_SCHEMAS REPLACE "^([^/].*)$" "${CMAKE_CURRENT_SOURCE_DIR}/\\1")
  list(TRANSFORM arg_IMPORT_DIRS REPLACE "^([^/].*)$" "${CMAKE_CURRENT_SOURCE_DIR}/\\1")
  list(TRANSFORM arg_COMPATIBLE_WITH REPLACE "^([^/].*)$" "${CMAKE_CURRENT_SOURCE_DIR}/\\1")
  _shmcomm_check_schemas("${arg_TARGET}" ${arg_SCHEMAS})
  _shmcomm_check_locks("${arg_SCHEMAS}" ${arg_COMPATIBLE_WITH})

  set(out "${CMAKE_CURRENT_BINARY_DIR}/${arg_TARGET}.shm")
  set(generated)
  foreach(schema IN LISTS arg_SCHEMAS)
    _shmcomm_lock_of(lock "${schema}" "${arg_SCHEMAS}" ${arg_COMPATIBLE_WITH})
    _shmcomm_generate_from(outputs "${schema}" "${out}" "${arg_IMPORT_DIRS}" "${arg_LANGUAGES}" "${lock}")
    list(APPEND generated ${outputs})
  endforeach()
  if("cpp" IN_LIST arg_LANGUAGES)
    _shmcomm_add_generated_library("${arg_TARGET}" "${out}/cpp" ${generated})
  else()
    add_custom_target(${arg_TARGET} ALL DEPENDS ${generated})
  endif()
  if("python" IN_LIST arg_LANGUAGES)
    set_target_properties(${arg_TARGET} PROPERTIES SHMCOMM_PYTHON_DIR "${out}/python")
  endif()
endfunction()

# An unknown keyword after SCHEMAS would pass for one more file, so every word in capitals that is no file is one.
function(_shmcomm_reject_unknown_keywords words unparsed target)
  set(unknown "${unparsed}")
  set(known TARGET SCHEMAS IMPORT_DIRS LANGUAGES COMPATIBLE_WITH "${target}")
  foreach(word IN LISTS words)
    if(word MATCHES "^[A-Z][A-Z0-9_]+$" AND NOT word IN_LIST known AND NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${word}")
      list(APPEND unknown "${word}")
    endif()
  endforeach()
  if(unknown)
    list(REMOVE_DUPLICATES unknown)
    list(JOIN unknown "', '" unknown)
    message(FATAL_ERROR
      "shmcomm_generate: unknown argument '${unknown}'; known are TARGET SCHEMAS IMPORT_DIRS LANGUAGES COMPATIBLE_WITH")
  endif()
endfunction()

function(_shmcomm_check_languages)
  foreach(language IN LISTS ARGN)
    if(NOT language MATCHES "^(cpp|python)$")
      message(FATAL_ERROR "shmcomm_generate: unknown language '${language}'; known are cpp and python")
    endif()
  endforeach()
endfunction()

function(_shmcomm_check_schemas target)
  set(stems)
  foreach(schema IN LISTS ARGN)
    get_filename_component(stem "${schema}" NAME_WLE)
    if(NOT EXISTS "${schema}")
      message(FATAL_ERROR "shmcomm_generate: no such schema: ${schema}")
    elseif(stem IN_LIST stems)
      message(FATAL_ERROR
        "shmcomm_generate: two schemas of target '${target}' are named '${stem}', their output would collide")
    endif()
    list(APPEND stems "${stem}")
  endforeach()
endfunction()

# Every lock is there, and is that of one schema.
function(_shmcomm_check_locks schemas)
  set(stems)
  foreach(schema IN LISTS schemas)
    get_filename_component(stem "${schema}" NAME_WLE)
    list(APPEND stems "${stem}")
  endforeach()
  list(LENGTH stems count)
  list(LENGTH ARGN locks)
  foreach(lock IN LISTS ARGN)
    get_filename_component(stem "${lock}" NAME_WLE)
    if(NOT EXISTS "${lock}")
      message(FATAL_ERROR "shmcomm_generate: no such lock: ${lock}; write it with shmcommc lock <schema> -o <lock>")
    elseif(NOT stem IN_LIST stems AND (count GREATER 1 OR locks GREATER 1))
      message(FATAL_ERROR "shmcomm_generate: ${lock} is the lock of none of the schemas, which are ${stems}")
    endif()
  endforeach()
endfunction()

# Sets `result` to the lock of `schema`, or to nothing.
function(_shmcomm_lock_of result schema schemas)
  set(lock "")
  get_filename_component(stem "${schema}" NAME_WLE)
  foreach(candidate IN LISTS ARGN)
    get_filename_component(name "${candidate}" NAME_WLE)
    if(name STREQUAL stem OR schema STREQUAL schemas)
      set(lock "${candidate}")
    endif()
  endforeach()
  set(${result} "${lock}" PARENT_SCOPE)
endfunction()

# Adds the run of the generator on one schema; sets `outputs` to the files it makes. `lock` may be empty.
function(_shmcomm_generate_from outputs schema out import_dirs languages lock)
  get_filename_component(name "${schema}" NAME)
  get_filename_component(stem "${schema}" NAME_WLE)
  _shmcomm_find_generator(generator dependencies)
  set(options)
  foreach(folder IN LISTS import_dirs)
    list(APPEND options -I "${folder}")
  endforeach()
  if(lock)
    list(APPEND options --compatible-with "${lock}")
    list(APPEND dependencies "${lock}")
  endif()
  set(files)
  if("cpp" IN_LIST languages)
    _shmcomm_find_flatc(flatc)
    list(APPEND dependencies "${flatc}")
    list(APPEND options --cpp "${out}/cpp" --flatc "${flatc}")
    list(APPEND files "${out}/cpp/${stem}.shm.cc" "${out}/cpp/${stem}.shm.h" "${out}/cpp/${stem}_generated.h")
  endif()
  if("python" IN_LIST languages)
    list(APPEND options --python "${out}/python")
    set(package __init__.py __init__.pyi py.typed ${stem}.bfbs)
    list(TRANSFORM package PREPEND "${out}/python/${stem}/")
    list(APPEND files ${package})
  endif()

  # Output that stays the same keeps its time, and Ninja then builds nothing more. make goes by the time of the first
  # output alone and would come back for ever.
  list(GET files 0 first)
  set(mark)
  if(CMAKE_GENERATOR MATCHES "Make")
    set(mark COMMAND "${CMAKE_COMMAND}" -E touch "${first}")
  endif()
  file(MAKE_DIRECTORY "${out}")
  add_custom_command(
    OUTPUT ${files}
    COMMAND ${generator} "${schema}" ${options} --depfile "${out}/${stem}.d"
    ${mark}
    DEPENDS "${schema}" ${dependencies}
    DEPFILE "${out}/${stem}.d"
    COMMENT "Generating from ${name}"
    VERBATIM)
  set(${outputs} "${files}" PARENT_SCOPE)
endfunction()

function(_shmcomm_add_generated_library target include_dir)
  add_library(${target} STATIC ${ARGN})
  target_include_directories(${target} SYSTEM PUBLIC "$<BUILD_INTERFACE:${include_dir}>")
  target_link_libraries(${target} PUBLIC shmcomm::shmcomm)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON LINKER_LANGUAGE CXX)
endfunction()

cmake_policy(POP)
