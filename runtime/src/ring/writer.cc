// SPDX-License-Identifier: Apache-2.0
#include "ring/writer.h"

#include "base/crash_point.h"
#include "ring/claim.h"
#include "ring/hazard.h"

// Fuzz builds, which meet corrupt rings all the time, give up sooner.
#if !defined(SHMCOMM_MAX_COMMIT_ROUNDS)
#define SHMCOMM_MAX_COMMIT_ROUNDS 65536
#endif

namespace shmcomm::ring {
namespace {

// Each round of a commit that does not commit is another publisher's progress, or means that the memory is corrupt. Nobody
// loses this many in a row to others; a hostile writer that moves head without end must not keep us for ever.
constexpr std::uint32_t kMaxCommitRounds = SHMCOMM_MAX_COMMIT_ROUNDS;

std::uint16_t Index(SlotIndex slot) { return static_cast<std::uint16_t>(slot); }

}  // namespace

void SlotList::PushFront(SlotRecord* records, SlotIndex slot) {
  records[Index(slot)].next = first_;
  first_ = slot;
  if (last_ == segment::kNoSlot) last_ = slot;
}

void SlotList::PushBack(SlotRecord* records, SlotIndex slot) {
  records[Index(slot)].next = segment::kNoSlot;
  if (last_ == segment::kNoSlot) {
    first_ = slot;
  } else {
    records[Index(last_)].next = slot;
  }
  last_ = slot;
}

SlotIndex SlotList::PopFront(SlotRecord* records) {
  const SlotIndex slot = first_;
  first_ = records[Index(slot)].next;
  if (first_ == segment::kNoSlot) last_ = segment::kNoSlot;
  return slot;
}

// relaxed: under the sole writer's lock nobody else moves head; its predecessor's stores were ordered by that lock.
Writer::Writer(const WriterConfig& config, SlotRecord* records)
    : config_(config),
      gate_(config.ring, config.readers, config.gate),
      records_(records),
      position_(config.ring.head().load(std::memory_order_relaxed)) {}

SlotIndex Writer::Reserve() {
  if (is_early_) RetractPassed();
  if (!free_.empty()) return free_.PopFront(records_);
  if (fresh_ < config_.fresh_first && fresh_ < config_.slots.count) return SlotIndex{static_cast<std::uint16_t>(fresh_++)};
  return Reclaim();
}

void Writer::Prepare() {
  if (is_early_) return;  // by the time of the next Reserve more will have been passed, the newest too
  if (!free_.empty() || fresh_ < config_.fresh_first) return;
  if (config_.readers.has_claims()) return CollectJobsThatAreOver();
  CollectOverwritten(config_.ring.head().load(std::memory_order_acquire));
  if (!out_.empty()) FreeWhatIsNotHeld();
}

void Writer::Abandon(SlotIndex slot) { free_.PushFront(records_, slot); }

Writer::CommitResult Writer::Commit(SlotIndex slot) {
  config_.slots.Header(slot)->next_slot = Index(NextSlotHint(slot));
  return config_.mode == CommitMode::kShared ? CommitShared(slot) : CommitSole(slot);
}

SlotIndex Writer::NextSlotHint(SlotIndex now) const {
  if (is_early_ && in_ring_.empty()) return now;  // readers keep up: the next message comes to the same place
  if (!free_.empty()) return free_.front();
  return fresh_ < config_.fresh_first ? SlotIndex{static_cast<std::uint16_t>(fresh_)} : segment::kNoSlot;
}

Writer::CommitResult Writer::CommitShared(SlotIndex slot) {
  const RingView& ring = config_.ring;
  for (std::uint32_t round = 0; round < kMaxCommitRounds; ++round) {
    Sequence head = ring.head().load(std::memory_order_acquire);
    const Entry seen{ring.At(head).load(std::memory_order_acquire)};
    const std::int64_t ahead = LapDistance(ring.Lap(head), seen.lap());
    if (ahead == -1) {
      if (!HasRoomAt(head)) return CommitResult::kFull;
      if (TryCommitShared(head, seen, slot)) return CommitResult::kCommitted;
      continue;
    }
    if (ahead == 0) {
      // Published but head not advanced: help, whoever it was (I2). Release: head's readers rely on the entry's order.
      ring.head().compare_exchange_strong(head, head + 1, std::memory_order_release, std::memory_order_relaxed);
      continue;
    }
    // A stale head, by a lap or more: never "free to write" (H11).
    base::Pause();
  }
  return CommitResult::kCorrupt;
}

bool Writer::HasRoomAt(Sequence head) {
  return config_.readers.has_claims() ? IsRoomFor(config_.ring, config_.readers, head) : gate_.HasRoom(head);
}

bool Writer::HasRoom() {
  if (config_.readers.has_claims()) return HasRoomForJob();
  return gate_.is_always_open() || gate_.HasRoom(Head());
}

bool Writer::HasRoomForJob() {
  const RingView& ring = config_.ring;
  Sequence head = ring.head().load(std::memory_order_acquire);
  const std::int64_t ahead = LapDistance(ring.Lap(head), Entry{ring.At(head).load(std::memory_order_acquire)}.lap());
  // Published but not counted, by somebody who may have died there: room is asked for behind it (I2). Any other lap means
  // that head has moved on; then Commit looks again.
  if (ahead == 0) ring.head().compare_exchange_strong(head, head + 1, std::memory_order_release, std::memory_order_relaxed);
  return ahead != -1 || IsRoomFor(ring, config_.readers, head);
}

bool Writer::TryCommitShared(Sequence at, Entry seen, SlotIndex slot) {
  const RingView& ring = config_.ring;
  const Entry mine = Entry::Make(ring.Lap(at), config_.publisher, slot);
  base::StorePlain(config_.slots.Header(slot)->sequence, at);  // the slot is still private; again at each attempt
  std::uint64_t expected = seen.bits;
  // E1 release -> Reader::Next acquire: makes the message and its header visible. This CAS is the commit point (I1).
  if (!ring.At(at).compare_exchange_strong(expected, mine.bits, std::memory_order_acq_rel, std::memory_order_relaxed)) {
    return false;
  }
  SHMCOMM_CRASH_POINT("ring.commit.after_entry");
  Sequence head = at;
  ring.head().compare_exchange_strong(head, at + 1, std::memory_order_release, std::memory_order_relaxed);
  Remember(slot, at, mine);
  return true;
}

Writer::CommitResult Writer::CommitSole(SlotIndex slot) {
  const RingView& ring = config_.ring;
  if (!gate_.HasRoom(position_)) return CommitResult::kFull;
  const Sequence at = position_++;
  const Entry mine = Entry::Make(ring.Lap(at), config_.publisher, slot);
  base::StorePlain(config_.slots.Header(slot)->sequence, at);
  // E1 release -> Reader::Next acquire. Nobody else writes entries: a store is the commit point (I1).
  ring.At(at).store(mine.bits, std::memory_order_release);
  SHMCOMM_CRASH_POINT("ring.commit.after_entry");
  ring.head().store(at + 1, std::memory_order_release);
  Remember(slot, at, mine);
  return CommitResult::kCommitted;
}

void Writer::Remember(SlotIndex slot, Sequence sequence, Entry entry) {
  SlotRecord& record = records_[Index(slot)];
  record.entry = entry;
  record.sequence = sequence;
  last_sequence_ = sequence;
  in_ring_.PushBack(records_, slot);
}

SlotIndex Writer::Reclaim() {
  const Sequence head = config_.ring.head().load(std::memory_order_acquire);
  if (config_.readers.has_claims()) {
    CollectJobsThatAreOver();
  } else {
    CollectOverwritten(head);
  }
  if (!out_.empty()) FreeWhatIsNotHeld();
  if (!free_.empty()) return free_.PopFront(records_);
  if (fresh_ < config_.slots.count) return SlotIndex{static_cast<std::uint16_t>(fresh_++)};
  // Out of slots: shorten our own tail of the ring, oldest first. Each round tests every slot that is out, old ones too:
  // a reader that holds the oldest must not stop us (K1).
  while (RetractOldest(head)) {
    FreeWhatIsNotHeld();
    if (!free_.empty()) return free_.PopFront(records_);
  }
  return segment::kNoSlot;
}

void Writer::CollectOverwritten(Sequence head) {
  while (!in_ring_.empty()) {
    const Sequence sequence = records_[Index(in_ring_.front())].sequence;
    // Position x is overwritten only when x + N is published, that is when head has reached x + N + 1 (H2).
    if (Distance(sequence, head) < static_cast<std::int64_t>(config_.ring.size) + 1) return;
    MoveOldestOut();
  }
}

void Writer::CollectJobsThatAreOver() {
  // No hazard and no cursor: the claim is the hold. In order, though jobs end in any: a job a lap behind the newest is over,
  // so what waits here behind an open one is never more than a ring.
  while (!in_ring_.empty() && IsOver(config_.ring, config_.readers, records_[Index(in_ring_.front())].sequence)) {
    free_.PushFront(records_, in_ring_.PopFront(records_));
  }
}

void Writer::MoveOldestOut() {
  const SlotIndex slot = in_ring_.PopFront(records_);
  // An earlier scan may have met a hazard on it while it was in the ring; only scans from now on count.
  records_[Index(slot)].is_held = false;
  out_.PushBack(records_, slot);
}

bool Writer::RetractOldest(Sequence head) {
  // Reliable: never unread (K7). N slots more than all readers can hold are laid out, so the gate is the only reason to wait.
  if (in_ring_.empty() || !gate_.is_always_open()) return false;
  if (config_.readers.has_claims()) return false;  // never: a job ends by its claim (I12)
  if (IsOldestPromised(head)) return false;
  TombstoneOldest();
  return true;
}

void Writer::RetractPassed() {
  const Sequence head = config_.ring.head().load(std::memory_order_acquire);
  CollectOverwritten(head);
  if (!in_ring_.empty() && !IsOldestPromised(head)) {
    // E6 and E7, as the gate: every ACTIVE cursor of this scan is at or past `least`, and the floor of every other reader
    // is above the head it was made for. The tombstone stays needed: late joiners and demoted readers look back.
    const Sequence least = LeastCursor(config_.readers, head, nullptr, Counted::kActiveAndLossy);
    while (!in_ring_.empty() && !IsOldestPromised(head) && Distance(records_[Index(in_ring_.front())].sequence, least) > 0) {
      TombstoneOldest();
    }
  }
  if (!out_.empty()) FreeWhatIsNotHeld();
}

bool Writer::IsOldestPromised(Sequence head) const {
  return Distance(records_[Index(in_ring_.front())].sequence, head) <= static_cast<std::int64_t>(config_.history);
}

void Writer::TombstoneOldest() {
  const SlotRecord& oldest = records_[Index(in_ring_.front())];
  std::uint64_t expected = oldest.entry.bits;
  // Only its owner tombstones an entry, and only this exact one (I12); failing means that it was overwritten meanwhile.
  // The fence of the following scan orders it before the hazards are read (E2).
  config_.ring.At(oldest.sequence)
      .compare_exchange_strong(expected, oldest.entry.Tombstone().bits, std::memory_order_acq_rel, std::memory_order_relaxed);
  SHMCOMM_CRASH_POINT("ring.retract.after_tombstone");
  MoveOldestOut();
}

void Writer::FreeWhatIsNotHeld() {
  ScanHazards(config_.readers, [this](Entry hazard) {
    const std::uint16_t slot = Index(hazard.slot());
    if (hazard.publisher() != config_.publisher || slot >= config_.slots.count) return;
    // The whole entry, lap included: a leftover of an earlier use of the slot pins nothing.
    if (records_[slot].entry == hazard) records_[slot].is_held = true;
  });
  SlotList held;
  while (!out_.empty()) {
    const SlotIndex slot = out_.PopFront(records_);
    SlotRecord& record = records_[Index(slot)];
    if (record.is_held) {
      held.PushBack(records_, slot);
    } else {
      free_.PushFront(records_, slot);
    }
    record.is_held = false;
  }
  out_ = held;
}

}  // namespace shmcomm::ring
