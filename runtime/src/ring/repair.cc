// SPDX-License-Identifier: Apache-2.0
#include "ring/repair.h"

#include "base/crash_point.h"
#include "ring/claim.h"
#include "ring/hazard.h"

namespace shmcomm::ring {

void HelpHead(const RingView& ring) {
  Sequence head = ring.head().load(std::memory_order_acquire);
  const Entry entry{ring.At(head).load(std::memory_order_acquire)};
  if (entry.lap() != ring.Lap(head)) return;
  // Failing means that somebody else has helped. Release as in Writer::CommitShared.
  ring.head().compare_exchange_strong(head, head + 1, std::memory_order_release, std::memory_order_relaxed);
}

Swept SweepClaims(const ReadersView& readers, std::uint32_t line, std::uint32_t max_attempts) {
  Swept swept;
  for (std::uint32_t i = 0; i < readers.claim_count; ++i) {
    const ClaimWord seen{readers.claims[i].load(std::memory_order_acquire)};
    if (seen.state() != ClaimState::kClaimed || seen.owner() != OwnerOf(line)) continue;
    const std::uint32_t attempts = seen.attempt() + 1;
    const bool may_run_again = attempts < max_attempts;
    const ClaimState state = may_run_again ? ClaimState::kReady : ClaimState::kFailed;
    std::uint64_t expected = seen.bits;
    // The dead does not move, and whoever else swept held the lock: it fails only where the owner lives, has lost its lock,
    // and has just ended the job itself. Acq_rel, so that what its publisher released goes on to the next claimer.
    const bool is_taken =
        readers.claims[i].compare_exchange_strong(expected, ClaimWord::Make(seen.lap(), state, attempts, kNobody).bits,
                                                  std::memory_order_acq_rel, std::memory_order_relaxed);
    if (!is_taken) continue;
    SHMCOMM_CRASH_POINT("ring.sweep.after_claim");
    if (!may_run_again) readers.header->dead_letters.fetch_add(1, std::memory_order_relaxed);  // a counter for tools
    ++(may_run_again ? swept.given_back : swept.failed);
  }
  return swept;
}

void ClearReaderLine(const ReadersView& readers, std::uint32_t line) {
  layout::ReaderLine& entry = readers.lines[line];
  for (base::Atomic<std::uint64_t>& hazard : entry.hazards) Unprotect(hazard);
  SHMCOMM_CRASH_POINT("ring.clear.after_hazards");
  const std::uint64_t bit = std::uint64_t{1} << (line % 64);
  // E3 release -> ScanHazards' acquire of the word: a scan that no longer sees the bit comes after all our reads.
  readers.ActiveWord(line).fetch_and(~bit, std::memory_order_acq_rel);
  readers.IdleWord(line).fetch_and(~bit, std::memory_order_acq_rel);
  // relaxed: a hint, see wake/turns.h. After the idle bit, which is what makes others set this one.
  if (readers.has_claims()) readers.wake->called[line / 64].fetch_and(~bit, std::memory_order_relaxed);
  SHMCOMM_CRASH_POINT("ring.clear.after_active");
  const CursorWord old{entry.cursor.load(std::memory_order_relaxed)};  // relaxed: the lock's holder is its only writer
  // Release -> the acquire of whoever looks for a FREE line: it finds the line empty.
  entry.cursor.store(CursorWord::Make(old.cursor(), old.generation(), ReaderState::kFree).bits, std::memory_order_release);
}

bool IsPublisherNamed(const RingView& ring, std::uint32_t publisher) {
  const Sequence head = ring.head().load(std::memory_order_acquire);
  const std::uint64_t lap = ring.Lap(head);
  for (std::uint32_t i = 0; i < ring.size; ++i) {
    const Entry entry{ring.entries[i].load(std::memory_order_acquire)};
    if (entry.publisher() != publisher || entry.slot() == kTombstone) continue;
    if (LapDistance(lap, entry.lap()) >= -1) return true;
  }
  return false;
}

bool IsPublisherPromised(const RingView& ring, std::uint32_t publisher, Sequence oldest) {
  // Head too: it lags the entries by one where a publisher died in between. Where it does not, the message of a lap ago is
  // still in its place, and in a full ring of a reliable channel it is the first that is unread.
  const Sequence head = ring.head().load(std::memory_order_acquire);
  const Sequence start = Distance(oldest, head) > static_cast<std::int64_t>(ring.size) ? head - ring.size : oldest;
  for (Sequence sequence = start; Distance(sequence, head) >= 0; ++sequence) {
    const Entry entry{ring.At(sequence).load(std::memory_order_acquire)};
    const bool is_live = entry.lap() == ring.Lap(sequence) && entry.slot() != kTombstone;
    if (is_live && entry.publisher() == publisher) return true;
  }
  return false;
}

bool HasOpenJob(const RingView& ring, const ReadersView& readers, std::uint32_t publisher) {
  // Head may lag by one, and where it does not, the job of a lap ago is still in its place. Those before are over (I14).
  const Sequence head = ring.head().load(std::memory_order_acquire);
  for (Sequence sequence = head - ring.size; Distance(sequence, head) >= 0; ++sequence) {
    const Entry entry{ring.At(sequence).load(std::memory_order_acquire)};
    const bool is_named = entry.lap() == ring.Lap(sequence) && entry.publisher() == publisher;
    if (is_named && !IsOver(ring, readers, sequence)) return true;
  }
  return false;
}

}  // namespace shmcomm::ring
