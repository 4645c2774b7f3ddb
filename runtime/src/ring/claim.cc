// SPDX-License-Identifier: Apache-2.0
#include "ring/claim.h"

#include "base/crash_point.h"

namespace shmcomm::ring {

bool CancelJob(const RingView& ring, const ReadersView& readers, Sequence sequence) {
  base::Atomic<std::uint64_t>& word = readers.ClaimAt(sequence);
  ClaimWord seen{word.load(std::memory_order_acquire)};
  const std::uint64_t lap = ring.Lap(sequence);
  const std::int64_t ahead = LapDistance(lap, seen.lap());
  const bool is_given_back = ahead == 0 && seen.state() == ClaimState::kReady;
  const bool is_untouched = ahead == -1 && seen.is_final();
  if (!is_given_back && !is_untouched) return false;
  const ClaimWord cancelled = ClaimWord::Make(lap, ClaimState::kDone, is_given_back ? seen.attempt() : 0, kNobody);
  // E9 release -> IsOver, IsRoomFor acquire: it carries on what the job before in this place released. From the exact word:
  // whoever claims the job meanwhile has it (I14).
  return word.compare_exchange_strong(seen.bits, cancelled.bits, std::memory_order_acq_rel, std::memory_order_relaxed);
}

bool CancelJobsOf(const RingView& ring, const ReadersView& readers, std::uint32_t publisher) {
  // One past head: it lags the entries by one where a publisher died in between.
  const Sequence end = ring.head().load(std::memory_order_acquire) + 1;
  const Sequence start = Distance(ring.first, end) < static_cast<std::int64_t>(ring.size) ? ring.first : end - ring.size;
  bool any = false;
  for (Sequence sequence = start; Distance(sequence, end) > 0; ++sequence) {
    const Entry entry{ring.At(sequence).load(std::memory_order_acquire)};
    const bool is_theirs = entry.lap() == ring.Lap(sequence) && entry.publisher() == publisher;
    if (is_theirs && CancelJob(ring, readers, sequence)) any = true;
  }
  return any;
}

void Claimer::Join() {
  layout::ReaderLine& line = config_.readers.lines[config_.line];
  const CursorWord old{line.cursor.load(std::memory_order_relaxed)};  // relaxed: only the lock's holder writes it
  const Sequence head = config_.ring.head().load(std::memory_order_acquire);
  // Release: whoever sees that the line is taken asks its lock. The cursor says nothing here; nothing waits for it.
  line.cursor.store(CursorWord::Make(head, old.generation() + 1, ReaderState::kActive).bits, std::memory_order_release);
  SHMCOMM_CRASH_POINT("ring.claim.after_join");
  SeekOldest();
}

Claimer::NextResult Claimer::Next() {
  if (claims_ >= config_.ring.size) SeekOldest();
  // Ends: each round steps one position on, or follows somebody else's claim of it. Two windows are more than a look can
  // pass while nobody overtakes it; whoever is overtaken that often looks again later.
  for (std::uint32_t round = 0; round < 2 * config_.ring.size; ++round) {
    const Seen seen = LookAt(next_);
    if (seen.place == Place::kEnd) break;
    Claim claim;
    if (seen.place == Place::kTaken) {
      StepPast(seen.entry);
    } else if (TryClaim(seen, claim)) {
      ++next_;
      ++claims_;
      if (seen.entry.publisher() != 0 && seen.entry.publisher() <= config_.ring.max_publishers) {
        return {Outcome::kClaimed, claim};
      }
      Fail(claim);  // I9; claimed first, or every reader would meet it and no publisher pass it
      return {Outcome::kCorrupt, claim};
    }
  }
  return {Outcome::kEmpty, {}};
}

bool Claimer::IsAvailable() {
  for (std::uint32_t round = 0; round < 2 * config_.ring.size; ++round) {
    const Seen seen = LookAt(next_);
    if (seen.place != Place::kTaken) return seen.place == Place::kReady;
    StepPast(seen.entry);
  }
  return false;
}

bool Claimer::AreMoreAvailableThan(std::uint32_t count) {
  if (!IsAvailable()) return false;
  // Ends: the window is one lap long. What overtakes us meanwhile looks like something taken.
  for (Sequence at = next_ + 1; count > 0 && Distance(next_, at) < static_cast<std::int64_t>(config_.ring.size); ++at) {
    const Place place = LookAt(at).place;
    if (place == Place::kEnd) return false;
    if (place == Place::kReady) --count;
  }
  return count == 0;
}

bool Claimer::IsAnyReady() {
  SeekOldest();
  return IsAvailable();
}

Claimer::Seen Claimer::LookAt(Sequence sequence) const {
  const RingView& ring = config_.ring;
  // E1 acquire <- Writer::TryCommitShared release. Only once the claim is ours does anybody rely on it: from then on the
  // entry cannot change (I14).
  const Entry entry{ring.At(sequence).load(std::memory_order_acquire)};
  const std::int64_t ahead = LapDistance(ring.Lap(sequence), entry.lap());
  if (ahead < 0) return {Place::kEnd, entry, {}};
  if (ahead > 0) return {Place::kTaken, entry, {}};
  const ClaimWord claim{config_.readers.ClaimAt(sequence).load(std::memory_order_acquire)};
  const std::int64_t claimed = LapDistance(ring.Lap(sequence), claim.lap());
  const bool is_ready = claimed < 0 || (claimed == 0 && claim.state() == ClaimState::kReady);
  if (leaves_any_ && IsLeftToOthers(entry.publisher())) return {Place::kTaken, entry, claim};
  return {is_ready ? Place::kReady : Place::kTaken, entry, claim};
}

void Claimer::LeaveToOthers(std::uint32_t publisher) {
  // acquire: as where the file of that generation was mapped (E5); an id is given out again only once its jobs are over.
  left_[publisher] = config_.ring.publishers[publisher].generation.load(std::memory_order_acquire);
  leaves_any_ = true;
}

bool Claimer::IsLeftToOthers(std::uint32_t publisher) const {
  const std::uint32_t left = left_[publisher];
  return left != 0 && left == config_.ring.publishers[publisher].generation.load(std::memory_order_acquire);
}

void Claimer::StepPast(Entry entry) {
  const bool is_lapped = entry.lap() != config_.ring.Lap(next_);
  ++next_;
  if (!is_lapped) return;
  // The ring has gone on without us, perhaps by many laps.
  const Sequence oldest = config_.ring.head().load(std::memory_order_acquire) - config_.ring.size;
  if (Distance(next_, oldest) > 0) next_ = oldest;
}

bool Claimer::TryClaim(const Seen& seen, Claim& claim) {
  const std::uint64_t lap = config_.ring.Lap(next_);
  const bool was_given_back = seen.claim.lap() == lap;
  claim = Claim{seen.entry, next_, was_given_back ? seen.claim.attempt() : 0};
  const ClaimWord mine = ClaimWord::Make(lap, ClaimState::kClaimed, claim.attempt, OwnerOf(config_.line));
  std::uint64_t expected = seen.claim.bits;
  // E9 release -> IsOver, IsRoomFor acquire: it carries on what the job before in this place released. The whole word is
  // compared: only one claims it, and only at this lap (H18).
  const bool is_ours = config_.readers.ClaimAt(next_).compare_exchange_strong(expected, mine.bits, std::memory_order_acq_rel,
                                                                             std::memory_order_relaxed);
  if (is_ours) SHMCOMM_CRASH_POINT("ring.claim.after_claim");
  return is_ours;
}

void Claimer::SeekOldest() {
  claims_ = 0;
  const Sequence head = config_.ring.head().load(std::memory_order_acquire);
  const bool is_young = Distance(config_.ring.first, head) < static_cast<std::int64_t>(config_.ring.size);
  next_ = is_young ? config_.ring.first : head - config_.ring.size;
}

bool Claimer::Retry(const Claim& claim, std::uint32_t max_attempts) {
  const std::uint32_t attempts = claim.attempt + 1;
  return End(claim, attempts < max_attempts ? ClaimState::kReady : ClaimState::kFailed, attempts, kNobody);
}

bool Claimer::End(const Claim& claim, ClaimState state, std::uint32_t attempt, std::uint32_t owner) {
  const std::uint64_t lap = config_.ring.Lap(claim.sequence);
  std::uint64_t expected = ClaimWord::Make(lap, ClaimState::kClaimed, claim.attempt, OwnerOf(config_.line)).bits;
  // E9 release -> IsOver, IsRoomFor acquire: our last read of the message precedes the next write of its slot. The swap
  // carries owner and attempt (I7): what somebody else was given in the meantime is not ended by us.
  const bool is_ended = config_.readers.ClaimAt(claim.sequence)
                            .compare_exchange_strong(expected, ClaimWord::Make(lap, state, attempt, owner).bits,
                                                     std::memory_order_acq_rel, std::memory_order_relaxed);
  SHMCOMM_CRASH_POINT("ring.claim.after_end");
  if (is_ended && state == ClaimState::kFailed) {
    config_.readers.header->dead_letters.fetch_add(1, std::memory_order_relaxed);  // a counter for tools
  }
  return is_ended;
}

}  // namespace shmcomm::ring
