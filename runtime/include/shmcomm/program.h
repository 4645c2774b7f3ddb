// SPDX-License-Identifier: Apache-2.0
// What other programs call this one.
#pragma once

#include "absl/strings/string_view.h"

namespace shmcomm {

/// Endpoints opened from now on carry `name` in place of the executable's: errors in other programs and the tool `shmcomm`
/// name it, cut to 47 bytes and in places to 23. For interpreters, whose executable says little. An empty name takes the
/// executable's again. From any thread.
void SetProgramName(absl::string_view name);

}  // namespace shmcomm
