// SPDX-License-Identifier: Apache-2.0
// A message of any schema that a fuzzer's bytes describe, and whether one is well formed.
#pragma once

#include <cstdint>
#include <vector>

#include "flatbuffers/reflection_generated.h"
#include "fuzz/input.h"

namespace shmcomm::fuzz {

/// A message of type `root`. Its tables are built one after another and refer to earlier ones, also several to the same:
/// a small message may unfold to a very large tree.
std::vector<std::uint8_t> RandomMessage(const reflection::Schema& schema, const reflection::Object& root, Input& input);

/// Whether FlatBuffers' verifier finds the message good, asked as generated C++ asks it. False for what it cannot tell:
/// fields behind 64-bit offsets. `message` is aligned to 8 bytes.
bool IsVerified(const reflection::Schema& schema, const reflection::Object& root, const std::vector<std::uint8_t>& message);

}  // namespace shmcomm::fuzz
