// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/program.h"

#include <string>

#include "platform/os.h"

namespace shmcomm {

void SetProgramName(absl::string_view name) { platform::SetProgramName(std::string(name)); }

}  // namespace shmcomm
