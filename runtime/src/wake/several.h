// SPDX-License-Identifier: Apache-2.0
// Arming several bells for one sleep. Protocol: runtime/doc/ring_protocol.md, "Waiting on many".
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "platform/os.h"
#include "wake/bell.h"

namespace shmcomm::wake {

/// Arms what every pointer of [begin, end) leads to, then fences once for all of them. The caller has read every word (or
/// emptied every wake file) before and looks at everything again afterwards (H19, I8). Each has
///   void Arm(Ear)            sets its flag by a read-modify-write, without a fence
///   FenceRequest* fences()   asks its ringers for theirs; null where they always fence
template <class Iterator>
void ArmAll(Iterator begin, Iterator end, Ear ear) {
  for (Iterator each = begin; each != end; ++each) (*each)->Arm(ear);
  // E4 armed stores, this fence, looks -> Ringer: commit, fence, armed read. Where nothing is armed, nothing is looked at.
  base::FenceAfterRmw();
  bool is_barrier_needed = false;
  for (Iterator each = begin; each != end; ++each) {
    FenceRequest* const fences = (*each)->fences();
    if (fences != nullptr && fences->IsBarrierNeeded()) is_barrier_needed = true;
  }
  if (!is_barrier_needed) return;
  // E4 armed stores, one membarrier, looks -> Ringer: commit, compiler barrier, fenced read, armed read.
  // If it is refused, a wake lost before the ringers see that costs one bounded sleep.
  const bool is_issued = platform::BarrierAll();
  for (Iterator each = begin; each != end; ++each) {
    if (FenceRequest* const fences = (*each)->fences(); fences != nullptr) fences->Settle(is_issued);
  }
}

}  // namespace shmcomm::wake
