// SPDX-License-Identifier: Apache-2.0
#include "wake/room.h"

namespace shmcomm::wake {

void RoomBell::RingArmed() {
  // acq_rel: one of several ringers takes the arming; a flag, so a dead publisher leaks nothing.
  if (arm_->exchange(0, std::memory_order_acq_rel) != 0) RingAlways();
}

}  // namespace shmcomm::wake
