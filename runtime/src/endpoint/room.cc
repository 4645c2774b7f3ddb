// SPDX-License-Identifier: Apache-2.0
#include "endpoint/room.h"

#include <algorithm>

#include "platform/os.h"
#include "registry/cleaner.h"
#include "wake/room.h"

namespace shmcomm::endpoint {

void Room::WaitFor(const ring::SlowestReader& slowest, std::int64_t timeout_ns) {
  layout::ReaderLine& line = site_.readers.lines[slowest.line];
  // One compare covers moved, demoted, left and reused: the word has the cursor, the generation and the state.
  const auto has_changed = [&] { return line.cursor.load(std::memory_order_acquire) != slowest.seen.bits; };
  const std::int64_t start_ns = platform::NowNs();
  if (wake::RoomBell(line).SleepUnless(has_changed, timeout_ns) || has_changed()) return;
  // A failure to look is not the reader's death; the next round looks again.
  registry::CleanReaderIfDead(site_, slowest.line).IgnoreError();
  // Time in which this process was stopped itself says nothing about the reader.
  CountStuck(slowest, std::min(platform::NowNs() - start_ns, wake::kMaxRoomSleepNs));
}

void Room::CountStuck(const ring::SlowestReader& slowest, std::int64_t waited_ns) {
  if (stuck_.line != slowest.line || stuck_.seen.bits != slowest.seen.bits) {
    stuck_ = slowest;
    stuck_ns_ = 0;
  }
  stuck_ns_ += waited_ns;
  if (stuck_ns_ < demote_after_ns_) return;
  if (ring::Demote(site_.readers, slowest.line, slowest.seen)) {
    wake::RoomBell(site_.readers.lines[slowest.line]).RingAlways();
  }
}

}  // namespace shmcomm::endpoint
