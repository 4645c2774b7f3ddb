// SPDX-License-Identifier: Apache-2.0
#include "endpoint/orphans.h"

#include <mutex>

#include "platform/os.h"

namespace shmcomm::endpoint {
namespace orphans {
namespace {

struct Home {
  std::mutex mutex;
  Lender* first = nullptr;
};

Home& TheHome() {
  // Never destroyed: samples may be released during exit.
  static Home* home = [] {
    auto* made = new Home;
    platform::HoldDuringFork(&made->mutex);
    return made;
  }();
  return *home;
}

/// Takes one of them out of the list: one of which nothing is alive. Null if there is none.
Lender* TakeUnused() {
  Home& home = TheHome();
  const std::lock_guard<std::mutex> lock(home.mutex);
  Lender** link = &home.first;
  while (*link != nullptr && (*link)->IsAnySampleAlive()) link = &(*link)->next_orphan;
  Lender* unused = *link;
  if (unused == nullptr) return nullptr;
  *link = unused->next_orphan;
  count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);  // the mutex orders the changes
  return unused;
}

}  // namespace

base::Atomic<std::uint32_t> count{0};

void Adopt(Lender* core) {
  {
    Home& home = TheHome();
    const std::lock_guard<std::mutex> lock(home.mutex);
    core->next_orphan = home.first;
    home.first = core;
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // the mutex orders the changes
  }
  // Without the barrier a release in this very moment may be missed; the next one, or the next open or close, sees it.
  if (!platform::RegisterForBarrier() || !platform::BarrierAll()) base::FenceSeqCst();
  Reap();
}

void Reap() {
  while (const Lender* unused = TakeUnused()) delete unused;
}

}  // namespace orphans

// What has to be made once is made where an endpoint is opened, which may fail.
Lender::Lender() { orphans::TheHome(); }

}  // namespace shmcomm::endpoint
