// SPDX-License-Identifier: Apache-2.0
// The publishing side of the ring: reserve a slot, fill it, commit it; take slots back when the ring has passed them.
// Protocol: runtime/doc/ring_protocol.md, "Publish" and "Loan". Works on plain memory; allocates nothing.
#pragma once

#include <cstdint>

#include "base/compiler.h"
#include "ring/gate.h"
#include "ring/view.h"
#include "segment/slots.h"

namespace shmcomm::ring {

/// What a writer remembers of one of its slots. The owner of the writer provides one per slot.
struct SlotRecord {
  Entry entry;                    // as last published
  Sequence sequence = 0;          // where
  SlotIndex next = segment::kNoSlot;  // in whichever list the slot is
  bool is_held = false;           // during one scan: some hazard names it
};

/// A list through SlotRecord::next; a slot is in at most one.
class SlotList {
 public:
  bool empty() const { return first_ == segment::kNoSlot; }
  SlotIndex front() const { return first_; }
  void PushFront(SlotRecord* records, SlotIndex slot);
  void PushBack(SlotRecord* records, SlotIndex slot);
  SlotIndex PopFront(SlotRecord* records);

 private:
  SlotIndex first_ = segment::kNoSlot;
  SlotIndex last_ = segment::kNoSlot;
};

/// How the entry is committed. `kShared`: any number of publishers, a compare-and-swap. `kSole`: the one publisher of a
/// channel with max_publishers 1, plain release stores.
enum class CommitMode : std::uint8_t { kShared, kSole };

struct WriterConfig {
  RingView ring;
  ReadersView readers;
  segment::SlotTable slots;
  std::uint32_t publisher = 0;      // id, 1..255; its lock is held
  CommitMode mode = CommitMode::kShared;
  std::uint32_t history = 0;        // promised to late joiners: never retracted
  std::uint32_t gate = 0;           // reliable: the channel's capacity; 0: best_effort
  std::uint32_t fresh_first = 0;    // unused slots taken before used ones are reclaimed; the rest only when those are held
};

/// Owns the private side of one publisher: which of its slots are free, on loan, in the ring, or out but maybe held.
/// Everything here is derived from the ring's head by its owner (I5), so a crash can leak nothing.
class Writer {
 public:
  /// `records` has one element per slot and outlives the writer.
  Writer(const WriterConfig& config, SlotRecord* records);

  /// A slot nobody reads, or kNoSlot when every slot is on loan, in the ring as promised history, or held. With
  /// R * H + loans slots best_effort always succeeds (I6); where messages are claimed, with N + loans.
  SlotIndex Reserve();

  /// Makes the next Reserve cheap, and its slot known to the next commit's hint. For after a commit, when the message is
  /// already on its way.
  void Prepare();

  /// Whether Reserve first takes back what every reader has passed, so that a message goes to the slot read last: for
  /// messages so large that a warm slot is worth two scans of the readers. Nothing where messages are claimed: a job ends
  /// by its claim (I12).
  void set_early(bool is_early) { is_early_ = is_early && !config_.readers.has_claims(); }

  /// From now on at most `slots` unused slots are taken before used ones are reclaimed.
  void LimitFresh(std::uint32_t slots) { config_.fresh_first = slots < config_.fresh_first ? slots : config_.fresh_first; }

  /// Gives back a reserved slot that was not published.
  void Abandon(SlotIndex slot);

  /// Fetches the entry that the next commit will probably write, if no other publisher has been quicker.
  void PrefetchEntry() const {
    base::PrefetchForWrite(&config_.ring.At(config_.mode == CommitMode::kSole ? position_ : last_sequence_ + 1));
  }

  enum class CommitResult : std::uint8_t { kCommitted, kFull, kCorrupt };
  /// Publishes a reserved slot whose message and header (all but sequence and next_slot) are written. Lock-free. kFull:
  /// reliable readers have not read far enough, or the job a lap ago is not over. kCorrupt: head does not fit the entries
  /// and nobody moves it. In both the slot stays reserved.
  CommitResult Commit(SlotIndex slot);

  /// Whether a commit now would find room. Another publisher may take it first. Where messages are claimed it helps a head
  /// that lags.
  bool HasRoom();

  /// The reader to wait for after kFull, or after HasRoom said false, where messages are not claimed.
  const SlowestReader& slowest() const { return gate_.slowest(); }

  /// Where the last commit published: its job's claim is beside that entry.
  Sequence last_sequence() const { return last_sequence_; }

 private:
  bool HasRoomAt(Sequence head);
  SHMCOMM_COLD bool HasRoomForJob();
  bool TryCommitShared(Sequence at, Entry seen, SlotIndex slot);
  CommitResult CommitShared(SlotIndex slot);
  CommitResult CommitSole(SlotIndex slot);
  void Remember(SlotIndex slot, Sequence sequence, Entry entry);
  SlotIndex NextSlotHint(SlotIndex now) const;
  Sequence Head() const {
    return config_.mode == CommitMode::kSole ? position_ : config_.ring.head().load(std::memory_order_acquire);
  }

  SHMCOMM_COLD SlotIndex Reclaim();
  SHMCOMM_COLD void CollectOverwritten(Sequence head);
  SHMCOMM_COLD void CollectJobsThatAreOver();
  SHMCOMM_COLD void RetractPassed();
  bool RetractOldest(Sequence head);
  bool IsOldestPromised(Sequence head) const;
  void TombstoneOldest();
  void MoveOldestOut();
  SHMCOMM_COLD void FreeWhatIsNotHeld();

  WriterConfig config_;
  Gate gate_;
  SlotRecord* records_;
  SlotList free_;                   // newest first: the next message is written to warm cache
  SlotList in_ring_;                // oldest first
  SlotList out_;                    // left the ring, not yet seen unheld
  std::uint32_t fresh_ = 0;         // slots [fresh_, count) were never used
  bool is_early_ = false;
  Sequence position_;               // sole writer: the next sequence
  Sequence last_sequence_ = 0;
};

}  // namespace shmcomm::ring
