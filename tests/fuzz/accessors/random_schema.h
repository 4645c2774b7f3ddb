// SPDX-License-Identifier: Apache-2.0
// A binary schema that a fuzzer's bytes describe.
#pragma once

#include <string>

#include "fuzz/input.h"

namespace shmcomm::fuzz {

/// Wider than FlatBuffers 2.0.8 has a name for.
constexpr int kVector64 = 18;

/// An enum, a union, a few structs and tables with fields of every kind, as a .bfbs. Well formed, whatever the input says:
/// a program's own schema is trusted, only messages are not.
std::string RandomSchema(Input& input);

}  // namespace shmcomm::fuzz
