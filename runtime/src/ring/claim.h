// SPDX-License-Identifier: Apache-2.0
// Claims: where each message goes to one reader only, a word beside each entry says whose it is. A message is a job: ready,
// claimed by compare-and-swap, and over once its claim is final. The claim is the hold: no hazard protects a job, because
// its slot is not reused, and its entry not overwritten, before the claim is final (I14).
// Protocol: runtime/doc/ring_protocol.md, "Claim". Works on plain memory; allocates nothing.
#pragma once

#include <cstdint>

#include "base/compiler.h"
#include "ring/view.h"

namespace shmcomm::ring {

enum class ClaimState : std::uint8_t { kDone = 0, kClaimed = 1, kReady = 2, kFailed = 3 };

/// lap:40 | 0:10 | state:2 | attempt:4 | owner:8. The owner is its line + 1, so 0 is nobody. A zeroed word is {lap 0, done}:
/// an entry of lap L beside a final claim of lap L - 1 is a job that nobody has claimed yet.
struct ClaimWord {
  std::uint64_t bits = 0;

  static constexpr ClaimWord Make(std::uint64_t lap, ClaimState state, std::uint32_t attempt, std::uint32_t owner) {
    return ClaimWord{((lap & kLapMask) << 24) | (std::uint64_t{static_cast<std::uint8_t>(state)} << 12) |
                     (std::uint64_t{attempt & 0xF} << 8) | (owner & 0xFF)};
  }
  constexpr std::uint64_t lap() const { return (bits >> 24) & kLapMask; }
  constexpr ClaimState state() const { return static_cast<ClaimState>((bits >> 12) & 3); }
  constexpr std::uint32_t attempt() const { return static_cast<std::uint32_t>(bits >> 8) & 0xF; }
  constexpr std::uint32_t owner() const { return static_cast<std::uint32_t>(bits) & 0xFF; }
  constexpr bool is_final() const { return state() == ClaimState::kDone || state() == ClaimState::kFailed; }
  constexpr bool operator==(const ClaimWord& other) const { return bits == other.bits; }
};

inline constexpr std::uint32_t kNobody = 0;

/// The owner field of reader line `line`.
constexpr std::uint32_t OwnerOf(std::uint32_t line) { return line + 1; }

/// True when the job at `sequence`, which was published, is over: its slot may be written again.
inline bool IsOver(const RingView& ring, const ReadersView& readers, Sequence sequence) {
  // E9 acquire <- Claimer::Finish release, at once or through later claims of the word: the job's last read precedes our
  // next write.
  const ClaimWord claim{readers.ClaimAt(sequence).load(std::memory_order_acquire)};
  const std::int64_t ahead = LapDistance(ring.Lap(sequence), claim.lap());
  return ahead > 0 || (ahead == 0 && claim.is_final());
}

/// True when position `head` may be published: the job it overwrites, a lap ago, is over.
inline bool IsRoomFor(const RingView& ring, const ReadersView& readers, Sequence head) {
  // E9 acquire <- Claimer::Finish release, as in IsOver.
  const ClaimWord claim{readers.ClaimAt(head).load(std::memory_order_acquire)};
  return LapDistance(claim.lap(), ring.Lap(head)) == 1 && claim.is_final();
}

/// By the job's publisher: takes back a job that nobody has claimed. True when nobody ever will; its slot is free again, and
/// the caller rings for room (E8).
bool CancelJob(const RingView& ring, const ReadersView& readers, Sequence sequence);

/// The same for every job of `publisher`, whose lock is held. True when there was one.
bool CancelJobsOf(const RingView& ring, const ReadersView& readers, std::uint32_t publisher);

/// One job claimed by this reader: its message stays as it is until Finish.
struct Claim {
  Entry entry;
  Sequence sequence = 0;
  std::uint32_t attempt = 0;         // how often it was claimed before by somebody who died
};

struct ClaimerConfig {
  RingView ring;                     // may be mapped read-only
  ReadersView readers;
  std::uint32_t line = 0;            // ours; its lock is held, and its earlier owner's claims were swept (I15)
};

/// The taking end of a channel whose messages are claimed. One thread, except Finish, Fail, GiveBack and Retry, which any
/// thread may call. How many claims are open at once is its caller's affair.
class Claimer {
 public:
  explicit Claimer(const ClaimerConfig& config) : config_(config), next_(config.ring.first) {}

  /// Enters the line: it counts as taken until ClearReaderLine, whoever calls that.
  void Join();

  enum class Outcome : std::uint8_t { kEmpty, kClaimed, kCorrupt };
  struct NextResult {
    Outcome outcome;
    Claim claim;
  };
  /// Claims the oldest job that nobody has, beginning where the last look ended; a job given back behind that place is found
  /// by IsAnyReady, and here once in N claims. kCorrupt: the entry names an impossible publisher; its job was failed.
  NextResult Next();

  /// True when Next would probably claim a job: looks from where the last look ended.
  bool IsAvailable();
  /// True when more than `count` jobs are ready there.
  bool AreMoreAvailableThan(std::uint32_t count);
  /// As IsAvailable over the whole ring, for the last look before a sleep and before leaving. Next goes on from what it finds.
  bool IsAnyReady();

  /// Ends a claim: the job is done, and its message no longer ours. False when it was not ours any more, which only happens
  /// after this process's descriptors were closed under it. Afterwards the caller rings for room (E8).
  bool Finish(const Claim& claim) { return End(claim, ClaimState::kDone, claim.attempt, OwnerOf(config_.line)); }
  /// Ends a claim whose message can be given to nobody: it counts as a dead letter. As Finish.
  bool Fail(const Claim& claim) { return End(claim, ClaimState::kFailed, claim.attempt, OwnerOf(config_.line)); }
  /// From now on the jobs of `publisher` in its present generation are left to others.
  void LeaveToOthers(std::uint32_t publisher);

  /// Leaves the job to whoever claims it next, its attempt unchanged. Afterwards the caller wakes one (E10).
  bool GiveBack(const Claim& claim) { return End(claim, ClaimState::kReady, claim.attempt, kNobody); }
  /// Ends a claim as its owner's death would: the attempt counts, and after `max_attempts` of them the job is a dead letter.
  /// Afterwards the caller wakes one (E10) and rings for room (E8).
  bool Retry(const Claim& claim, std::uint32_t max_attempts);

 private:
  enum class Place : std::uint8_t { kEnd, kReady, kTaken };
  struct Seen {
    Place place;
    Entry entry;
    ClaimWord claim;
  };
  Seen LookAt(Sequence sequence) const;
  bool IsLeftToOthers(std::uint32_t publisher) const;
  void StepPast(Entry entry);
  bool TryClaim(const Seen& seen, Claim& claim);
  SHMCOMM_COLD void SeekOldest();
  bool End(const Claim& claim, ClaimState state, std::uint32_t attempt, std::uint32_t owner);

  ClaimerConfig config_;
  Sequence next_;                    // a hint: jobs before it were taken when we looked
  std::uint32_t claims_ = 0;         // since the whole ring was looked at
  bool leaves_any_ = false;
  std::uint32_t left_[layout::kPublisherRows] = {};  // by publisher: the generation whose jobs are left to others, 0 = none
};

}  // namespace shmcomm::ring
