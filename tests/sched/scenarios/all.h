// SPDX-License-Identifier: Apache-2.0
// The scenarios by name. Each file of this folder adds its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sched/explorer.h"

namespace shmcomm::sched {

struct Entry {
  std::string name;
  std::string about;
  std::function<std::unique_ptr<Scenario>()> make;
  Plan plan;
};

using Catalogue = std::vector<Entry>;

void AddTraffic(Catalogue& catalogue);
void AddSuccession(Catalogue& catalogue);
void AddSeats(Catalogue& catalogue);
void AddWaking(Catalogue& catalogue);
void AddWatching(Catalogue& catalogue);
void AddSeveral(Catalogue& catalogue);
void AddSeveralPullers(Catalogue& catalogue);
void AddReplyDirectories(Catalogue& catalogue);
void AddLostLocks(Catalogue& catalogue);
void AddFencing(Catalogue& catalogue);
void AddGated(Catalogue& catalogue);
void AddPulling(Catalogue& catalogue);
void AddCalling(Catalogue& catalogue);
void AddLapsPulling(Catalogue& catalogue);
void AddLapsCalling(Catalogue& catalogue);
void AddLaps(Catalogue& catalogue);
void AddLapsSuccession(Catalogue& catalogue);

/// All of them; those across the wrap of the lap in programs that shrink it, the others in programs that do not.
Catalogue AllScenarios();

}  // namespace shmcomm::sched
