// SPDX-License-Identifier: Apache-2.0
#include "ring/hazard.h"

#include "base/crash_point.h"

namespace shmcomm::ring {

bool Protect(base::Atomic<std::uint64_t>& hazard, const base::Atomic<std::uint64_t>& where, Entry entry) {
  // Release, though nothing of ours is handed over yet: a scanner that reads this value must synchronise with our
  // previous use of the slot through it (E3); a relaxed store would end that release sequence.
  hazard.store(entry.bits, std::memory_order_release);
  SHMCOMM_CRASH_POINT("ring.protect.after_hazard");
  // E2 hazard store, this fence, entry re-read -> ScanHazards: overwrite, fence, scan.
  base::FenceSeqCst();
  if (where.load(std::memory_order_acquire) == entry.bits) return true;
  Unprotect(hazard);
  return false;
}

void Unprotect(base::Atomic<std::uint64_t>& hazard) {
  // E3 release -> ScanHazards acquire.
  hazard.store(0, std::memory_order_release);
}

}  // namespace shmcomm::ring
