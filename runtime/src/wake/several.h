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
///   void Arm(Ear)               sets its flag, relaxed, without a fence
///   bool is_asymmetric() const  its ringers may leave their fence to a membarrier of ours
///   void DemandFences()         tells those ringers to fence from now on
template <class Iterator>
void ArmAll(Iterator begin, Iterator end, Ear ear) {
  bool is_any_asymmetric = false;
  for (Iterator each = begin; each != end; ++each) {
    (*each)->Arm(ear);
    is_any_asymmetric = is_any_asymmetric || (*each)->is_asymmetric();
  }
  if (is_any_asymmetric) {
    // E4 armed stores, one membarrier, looks -> Ringer: commit, compiler barrier, armed read. It is a full barrier for us
    // too, so it serves the bells whose ringers fence as well.
    if (platform::BarrierAll()) return;
    // A wake lost before the ringers see it costs one bounded sleep.
    for (Iterator each = begin; each != end; ++each) {
      if ((*each)->is_asymmetric()) (*each)->DemandFences();
    }
  }
  // E4 armed stores, this fence, looks -> Ringer: commit, fence, armed read.
  base::FenceSeqCst();
}

}  // namespace shmcomm::wake
