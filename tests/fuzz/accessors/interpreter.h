// SPDX-License-Identifier: Apache-2.0
// The Python interpreter within a fuzz target: the extension's own objects need one.
#pragma once

#include <Python.h>

#include <memory>
#include <string>

#include "schema.h"

namespace shmcomm::fuzz {

/// Starts the interpreter with the extension, NumPy and the exceptions of the package. Once; ends the program on failure.
void StartPython();

/// A schema whose types have classes. The classes are plain ones: how the package dresses them up is not what is tested.
std::unique_ptr<python::Schema> LoadSchema(std::string bfbs);

/// The exception that is set is one of a message that makes no sense, or of a value that cannot be written; clears it.
/// Anything else ends the program.
void ExpectRefusal();

/// Ends the program, with what Python has to say.
[[noreturn]] void Fail(const char* what);

}  // namespace shmcomm::fuzz
