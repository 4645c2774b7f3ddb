// SPDX-License-Identifier: Apache-2.0
#include "endpoint/room.h"

#include <algorithm>

#include "platform/os.h"
#include "registry/cleaner.h"
#include "wake/room.h"

namespace shmcomm::endpoint {

bool Room::IsTheSameAsBefore(const ring::SlowestReader& slowest) const {
  return tried_ns_ != 0 && stuck_.line == slowest.line && stuck_.seen.bits == slowest.seen.bits;
}

void Room::WaitFor(const ring::SlowestReader& slowest, std::int64_t timeout_ns) {
  layout::ReaderLine& line = site_.readers.lines[slowest.line];
  // One compare covers moved, demoted, left and reused: the word has the cursor, the generation and the state.
  const auto has_changed = [&] { return line.cursor.load(std::memory_order_acquire) != slowest.seen.bits; };
  if (!IsTheSameAsBefore(slowest)) {
    stuck_ = slowest;
    stuck_for_ns_ = 0;
    looked_ns_ = tried_ns_ = platform::NowNs();
    if (timeout_ns <= 0) LookAfter(slowest);  // whoever does not wait would never come to look
  }
  if (timeout_ns > 0) wake::RoomBell(line).SleepUnless(has_changed, timeout_ns);
  if (has_changed()) return;
  // By the clock, not by how the sleep ended: signals may end every one early. An absence of this process itself (it was
  // stopped, or published nothing) says nothing about the reader and counts as one step at most.
  const std::int64_t now_ns = platform::NowNs();
  stuck_for_ns_ += std::min(now_ns - tried_ns_, wake::kMaxRoomSleepNs);
  tried_ns_ = now_ns;
  if (now_ns - looked_ns_ >= wake::kMaxRoomSleepNs) LookAfter(slowest);
}

void Room::LookAfter(const ring::SlowestReader& slowest) {
  looked_ns_ = platform::NowNs();
  // A failure to look is not the reader's death; the next round looks again.
  registry::CleanReaderIfDead(site_, slowest.line).IgnoreError();
  if (stuck_for_ns_ < demote_after_ns_) return;
  if (ring::Demote(site_.readers, slowest.line, slowest.seen)) {
    wake::RoomBell(site_.readers.lines[slowest.line]).RingAlways();
  }
}

void JobRoom::WaitFor(ring::Writer& writer, std::int64_t timeout_ns) {
  const auto has_room = [&writer] { return writer.HasRoom(); };
  if (timeout_ns > 0) wake::RoomBell(*site_.readers.wake).SleepUnless(has_room, timeout_ns);
  if (has_room()) return;
  const std::int64_t now_ns = platform::NowNs();
  if (now_ns - looked_ns_ < wake::kMaxRoomSleepNs) return;
  looked_ns_ = now_ns;
  registry::CleanDeadClaimers(site_).IgnoreError();  // as above: the next round looks again
}

}  // namespace shmcomm::endpoint
