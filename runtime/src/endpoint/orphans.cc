// SPDX-License-Identifier: Apache-2.0
#include "endpoint/orphans.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "platform/os.h"

namespace shmcomm::endpoint::orphans {
namespace {

struct Home {
  std::mutex mutex;
  std::vector<Lender*> cores;
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

}  // namespace

base::Atomic<std::uint32_t> count{0};

void Adopt(Lender* core) {
  {
    Home& home = TheHome();
    const std::lock_guard<std::mutex> lock(home.mutex);
    home.cores.push_back(core);
    count.store(static_cast<std::uint32_t>(home.cores.size()), std::memory_order_relaxed);
  }
  // Without the barrier a release in this very moment may be missed; the next one, or the next open or close, sees it.
  if (!platform::RegisterForBarrier() || !platform::BarrierAll()) base::FenceSeqCst();
  Reap();
}

void Reap() {
  std::vector<Lender*> done;
  {
    Home& home = TheHome();
    const std::lock_guard<std::mutex> lock(home.mutex);
    const auto alive = std::partition(home.cores.begin(), home.cores.end(),
                                      [](const Lender* core) { return core->IsAnySampleAlive(); });
    done.assign(alive, home.cores.end());
    home.cores.erase(alive, home.cores.end());
    count.store(static_cast<std::uint32_t>(home.cores.size()), std::memory_order_relaxed);
  }
  for (const Lender* core : done) delete core;
}

}  // namespace shmcomm::endpoint::orphans
