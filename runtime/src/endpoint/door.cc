// SPDX-License-Identifier: Apache-2.0
#include "endpoint/door.h"

#include "platform/os.h"

namespace shmcomm::endpoint {

void Door::Cancel() {
  // seq_cst on both: Shut takes the core and then looks for cancellers, we count ourselves and then look for the core.
  cancellers_.fetch_add(1, std::memory_order_seq_cst);
  if (Cancellable* core = core_.load(std::memory_order_seq_cst)) core->Cancel();
  cancellers_.fetch_sub(1, std::memory_order_release);
}

Cancellable* Door::Shut() {
  Cancellable* core = core_.exchange(nullptr, std::memory_order_seq_cst);
  if (core == nullptr || !core->IsThisProcess()) return core;  // in a forked child nobody else is inside
  core->Cancel();
  // Without the barrier a thread that enters in this very moment may be missed; no system we know refuses it.
  if (!platform::RegisterForBarrier() || !platform::BarrierAll()) base::FenceSeqCst();
  while (inside_.load(std::memory_order_acquire) != 0 || cancellers_.load(std::memory_order_seq_cst) != 0) {
    core->Rouse();
    platform::Yield();
  }
  return core;
}

}  // namespace shmcomm::endpoint
