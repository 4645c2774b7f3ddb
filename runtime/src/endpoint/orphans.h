// SPDX-License-Identifier: Apache-2.0
// Endpoints that were closed while samples, jobs, requests or reply loans of theirs still lived. Whoever releases the last of
// them, on whatever thread, lets the endpoint leave its channel. Costs the ordinary release one load of a word that nobody
// writes. Closing and releasing find no memory wanting: both happen in destructors.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/compiler.h"

namespace shmcomm::endpoint {

/// An endpoint that its samples may outlive.
class Lender {
 public:
  Lender();  // may find no memory, once in a process
  Lender(const Lender&) = delete;
  Lender& operator=(const Lender&) = delete;
  virtual ~Lender() = default;
  /// Acquires what the threads that released samples did before. Always true in a forked child, which cannot know.
  virtual bool IsAnySampleAlive() const = 0;

  Lender* next_orphan = nullptr;  // of orphans::Adopt
};

namespace orphans {

extern base::Atomic<std::uint32_t> count;

/// Takes over a closed core. It is deleted once none of its samples is alive, perhaps at once.
void Adopt(Lender* core);

SHMCOMM_COLD void Reap();

/// After a sample was given back. The core must not be touched any more: it may be gone.
inline void ReapIfAny() {
  // Private Dekker: we clear our mark and then look at `count`; Adopt raises `count`, issues a membarrier, and then looks
  // at the marks. The barrier is this side's fence, so one of the two sees the other.
  base::CompilerBarrier();
  if (count.load(std::memory_order_relaxed) != 0) Reap();
}

}  // namespace orphans
}  // namespace shmcomm::endpoint
