# SPDX-License-Identifier: Apache-2.0
# shmcomm_generate(): from channel files to a library to link with and a Python package to import.
include_guard(GLOBAL)
cmake_policy(PUSH)
cmake_policy(VERSION 3.20)

include("${CMAKE_CURRENT_LIST_DIR}/shmcomm_find_generator.cmake")

#[=[
shmcomm_generate(TARGET <name> SCHEMAS <file>... [IMPORT_DIRS <folder>...] [LANGUAGES [cpp] [python]])

  TARGET       made here. With cpp: a static library that brings the headers' include directory and
               shmcomm::shmcomm. With python alone: a target that is always built.
  SCHEMAS      .channel and .fbs files. For robot.channel, C++ includes "robot.shm.h" and Python imports `robot`.
  IMPORT_DIRS  folders in which `include "..."` looks after the including file's own.
  LANGUAGES    default cpp.

Relative paths start at the calling CMakeLists.txt. All output is in <binary dir>/<name>.shm; the target's property
SHMCOMM_PYTHON_DIR is the folder to put on PYTHONPATH. The generator runs again when a schema, something it includes, or
the generator itself has changed.
]=]
function(shmcomm_generate)
  set(single TARGET COMPATIBLE_WITH)
  set(multiple SCHEMAS IMPORT_DIRS LANGUAGES)
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
  if(arg_COMPATIBLE_WITH)
    message(FATAL_ERROR "shmcomm_generate: COMPATIBLE_WITH is not available yet; remove it from target '${arg_TARGET}'")
  endif()
  if(NOT arg_LANGUAGES)
    set(arg_LANGUAGES cpp)
  endif()
  _shmcomm_check_languages(${arg_LANGUAGES})
  list(TRANSFORM arg_SCHEMAS REPLACE "^([^/].*)$" "${CMAKE_CURRENT_SOURCE_DIR}/\\1")
  list(TRANSFORM arg_IMPORT_DIRS REPLACE "^([^/].*)$" "${CMAKE_CURRENT_SOURCE_DIR}/\\1")
  _shmcomm_check_schemas("${arg_TARGET}" ${arg_SCHEMAS})

  set(out "${CMAKE_CURRENT_BINARY_DIR}/${arg_TARGET}.shm")
  set(generated)
  foreach(schema IN LISTS arg_SCHEMAS)
    _shmcomm_generate_from(outputs "${schema}" "${out}" "${arg_IMPORT_DIRS}" "${arg_LANGUAGES}")
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

# Adds the run of the generator on one schema; sets `outputs` to the files it makes.
function(_shmcomm_generate_from outputs schema out import_dirs languages)
  get_filename_component(name "${schema}" NAME)
  get_filename_component(stem "${schema}" NAME_WLE)
  _shmcomm_find_generator(generator dependencies)
  set(options)
  foreach(folder IN LISTS import_dirs)
    list(APPEND options -I "${folder}")
  endforeach()
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
