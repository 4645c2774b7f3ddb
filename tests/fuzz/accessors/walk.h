// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "record.h"

namespace shmcomm::fuzz {

/// Reads every field of the message that fills `region` by its accessor and touches what comes back, then makes of it a
/// dict, a text and a copy. If `is_good`, all of that must succeed; otherwise it may be refused.
void Walk(python::Type& type, python::Region region, bool is_good);

}  // namespace shmcomm::fuzz
