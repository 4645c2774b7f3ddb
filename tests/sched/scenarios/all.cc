// SPDX-License-Identifier: Apache-2.0
#include "sched/scenarios/all.h"

#include "ring/entry.h"

namespace shmcomm::sched {

Catalogue AllScenarios() {
  Catalogue catalogue;
  if (ring::kLapBits < 40) {
    AddLaps(catalogue);
    AddLapsSuccession(catalogue);
    AddLapsPulling(catalogue);
    AddLapsCalling(catalogue);
    return catalogue;
  }
  AddTraffic(catalogue);
  AddSuccession(catalogue);
  AddSeats(catalogue);
  AddWaking(catalogue);
  AddWatching(catalogue);
  AddSeveral(catalogue);
  AddFencing(catalogue);
  AddGated(catalogue);
  AddPulling(catalogue);
  AddCalling(catalogue);
  AddSeveralPullers(catalogue);
  AddReplyDirectories(catalogue);
  AddLostLocks(catalogue);
  return catalogue;
}

}  // namespace shmcomm::sched
