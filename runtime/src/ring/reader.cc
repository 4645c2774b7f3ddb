// SPDX-License-Identifier: Apache-2.0
#include "ring/reader.h"

#include "base/crash_point.h"
#include "ring/hazard.h"

namespace shmcomm::ring {
namespace {

// Each round means that a publisher overtook us between two loads; a reader this unlucky tells its caller.
constexpr std::uint32_t kMaxRounds = 64;

}  // namespace

void Reader::Join(std::uint32_t history) {
  const RingView& ring = config_.ring;
  for (base::Atomic<std::uint64_t>& hazard : line().hazards) Unprotect(hazard);
  const Sequence early = ring.head().load(std::memory_order_acquire);
  const CursorWord old{line().cursor.load(std::memory_order_relaxed)};  // relaxed: only the lock's holder writes it
  generation_ = old.generation() + 1;
  const auto back = [&](Sequence from) {
    return Distance(ring.first, from) < static_cast<std::int64_t>(history) ? ring.first : from - history;
  };
  // Release: pairs with the acquire of whoever reads cursors (tools, and the gate of reliable channels).
  word_ = CursorWord::Make(back(early), generation_, State());
  line().cursor.store(word_.bits, std::memory_order_release);
  const std::uint64_t bit = std::uint64_t{1} << (config_.line % 64);
  config_.readers.ActiveWord(config_.line).fetch_or(bit, std::memory_order_acq_rel);
  SHMCOMM_CRASH_POINT("ring.join.after_active");
  // E6 likewise for the gate. E2 active bit, this fence, head re-read -> ScanHazards: a scan that does not see our bit happened before every
  // overwrite of what we may validate from this second read of head on (K3: never the first).
  base::FenceSeqCst();
  floor_ = ring.head().load(std::memory_order_acquire);
  Advance(back(floor_));
}

Reader::NextResult Reader::Next() {
  const RingView& ring = config_.ring;
  for (std::uint32_t round = 0; round < kMaxRounds && !is_dispossessed_; ++round) {
    const base::Atomic<std::uint64_t>& where = ring.At(next_);
    // E1 acquire <- Writer::TryCommitShared, Writer::CommitSole release.
    const Entry entry{where.load(std::memory_order_acquire)};
    const std::int64_t ahead = LapDistance(ring.Lap(next_), entry.lap());
    if (ahead < 0) {
      if (Distance(next_, floor_) <= 0) return {Outcome::kEmpty, {}};
      Advance(next_ + 1);  // below the floor of a young ring: nothing was ever there
      continue;
    }
    if (ahead > 0) {
      SkipLapped();
      continue;
    }
    if (entry.slot() == kTombstone) {
      Skip(1);
      continue;
    }
    if (entry.publisher() == 0 || entry.publisher() > ring.max_publishers) {  // I9
      Skip(1);
      return {Outcome::kCorrupt, {}};
    }
    const std::uint32_t hazard = FreeHazard();
    if (hazard == config_.max_borrowed) return {Outcome::kTooManyBorrowed, {}};
    if (Protect(line().hazards[hazard], where, entry)) return {Outcome::kHeld, Held{entry, next_, hazard}};
  }
  return {is_dispossessed_ ? Outcome::kDispossessed : Outcome::kLagging, {}};
}

void Reader::SkipLapped() {
  // A reliable reader is lapped only after it was demoted; it learns that here or at its next step, whichever is first.
  if (config_.mode == ReaderMode::kGating) {
    const CursorWord found{line().cursor.load(std::memory_order_acquire)};
    if (found.bits != word_.bits) LearnOfDemotion(found);
  }
  const Sequence head = config_.ring.head().load(std::memory_order_acquire);
  // The oldest position that nobody may be overwriting at this head. A head that does not get us past `next_`, though the
  // entry there is of a later lap, is stale or corrupt; the entry alone says that `next_` is gone.
  Sequence oldest = head - config_.ring.size + 1;
  // What a gating reader's floor promised is still there, even where nothing newer than `oldest` may be (I10).
  const bool is_below = config_.mode == ReaderMode::kGating && Distance(next_, floor_) > 0;
  if (is_below && Distance(floor_, oldest) > 0) oldest = floor_;
  const std::int64_t gone = Distance(next_, oldest);
  Skip(gone > 0 ? static_cast<std::uint64_t>(gone) : 1);
}

void Reader::Skip(std::uint64_t count) {
  // Below the floor of a join nothing was promised, so nothing is lost there; below that of a rejoin everything was.
  const std::int64_t below = Distance(next_, floor_);
  const std::uint64_t unpromised = below > 0 && !is_rejoined_ ? static_cast<std::uint64_t>(below) : 0;
  if (count > unpromised) lost_ += count - unpromised;
  Advance(next_ + count);
}

void Reader::SeekNewest() {
  const Sequence head = config_.ring.head().load(std::memory_order_acquire);
  if (Distance(next_, head) > 1) Advance(head - 1);
}

std::uint32_t Reader::PeekMany(Held* held, std::uint32_t most) const {
  if (is_dispossessed_) return 0;
  std::uint32_t count = 0;
  std::uint32_t hazard = 0;
  for (; count < most; ++count, ++hazard) {
    hazard = FreeHazard(hazard);
    if (hazard >= config_.max_borrowed) return count;
    const Sequence at = next_ + count;
    // E1 acquire <- Writer::TryCommitShared, Writer::CommitSole release.
    const Entry entry{config_.ring.At(at).load(std::memory_order_acquire)};
    const bool is_readable = entry.lap() == config_.ring.Lap(at) && entry.slot() != kTombstone && entry.publisher() != 0 &&
                             entry.publisher() <= config_.ring.max_publishers;  // I9
    if (!is_readable) return count;
    held[count] = Held{entry, at, hazard};
  }
  return count;
}

std::uint32_t Reader::ProtectMany(const Held* held, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    line().hazards[held[i].hazard].store(held[i].entry.bits, std::memory_order_release);  // release: as in Protect
    SHMCOMM_CRASH_POINT("ring.protect.after_one_of_many");
  }
  // E2 all hazard stores, this one fence, all entries re-read -> ScanHazards: overwrite, fence, scan.
  base::FenceSeqCst();
  std::uint32_t valid = 0;
  while (valid < count && config_.ring.At(held[valid].sequence).load(std::memory_order_acquire) == held[valid].entry.bits) ++valid;
  for (std::uint32_t i = valid; i < count; ++i) Unprotect(line().hazards[held[i].hazard]);
  return valid;
}

void Reader::AcceptMany(const Held* held, std::uint32_t taken, std::uint32_t count) {
  for (std::uint32_t i = 0; i < taken; ++i) is_accepted_[held[i].hazard].store(1, std::memory_order_relaxed);  // as in Accept
  for (std::uint32_t i = taken; i < count; ++i) Unprotect(line().hazards[held[i].hazard]);
  if (taken > 0) Advance(next_ + taken);
}

void Reader::Accept(const Held& held) {
  is_accepted_[held.hazard].store(1, std::memory_order_relaxed);  // relaxed: only this thread looks for a free one
  Advance(held.sequence + 1);
}

void Reader::Reject(const Held& held) {
  Unprotect(line().hazards[held.hazard]);
  Skip(1);
}

void Reader::Release(std::uint32_t hazard) {
  Unprotect(line().hazards[hazard]);
  // Release -> the acquire of FreeHazard and HoldsAny: the hazard is cleared before it is used again.
  is_accepted_[hazard].store(0, std::memory_order_release);
}

bool Reader::IsAvailable() const {
  const Entry entry{config_.ring.At(next_).load(std::memory_order_acquire)};
  return LapDistance(config_.ring.Lap(next_), entry.lap()) >= 0 || Distance(next_, floor_) > 0;
}

std::uint64_t Reader::TakeLost() {
  const std::uint64_t lost = lost_;
  lost_ = 0;
  return lost;
}

bool Reader::HoldsAny() const {
  for (const base::Atomic<std::uint32_t>& accepted : is_accepted_) {
    if (accepted.load(std::memory_order_acquire) != 0) return true;
  }
  return false;
}

std::uint32_t Reader::FreeHazard(std::uint32_t from) const {
  std::uint32_t k = from;
  while (k < config_.max_borrowed && is_accepted_[k].load(std::memory_order_acquire) != 0) ++k;
  return k;
}

void Reader::Advance(Sequence next) {
  next_ = next;
  const CursorWord moved = CursorWord::Make(next, generation_, State());
  if (config_.mode != ReaderMode::kGating) {
    // Only flow control and tools read cursors; no message is protected by one (H15).
    line().cursor.store(moved.bits, std::memory_order_release);
    word_ = moved;
    return;
  }
  std::uint64_t expected = word_.bits;
  // E7 release -> LeastCursor acquire: we have looked at the entries before it. A plain store would undo a demotion and
  // lose messages without a word (K5).
  if (line().cursor.compare_exchange_strong(expected, moved.bits, std::memory_order_acq_rel, std::memory_order_relaxed)) {
    word_ = moved;
  } else {
    LearnOfDemotion(CursorWord{expected});
  }
}

void Reader::LearnOfDemotion(CursorWord found) {
  if (found.bits == CursorWord::Make(word_.cursor(), generation_, ReaderState::kDemoted).bits) {
    Rejoin();
  } else {
    is_dispossessed_ = true;
  }
}

void Reader::Rejoin() {
  ++demotions_;
  ++generation_;
  is_rejoined_ = true;
  // The place stays: what still validates is still delivered. Only what has been overwritten is lost, and counted.
  word_ = CursorWord::Make(next_, generation_, ReaderState::kActive);
  line().cursor.store(word_.bits, std::memory_order_release);
  // E6 state stored, this fence, head loaded -> LeastCursor: head loaded, fence, cursors (K8: never the floor first).
  base::FenceSeqCst();
  floor_ = config_.ring.head().load(std::memory_order_acquire);
}

}  // namespace shmcomm::ring
