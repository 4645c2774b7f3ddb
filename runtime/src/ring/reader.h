// SPDX-License-Identifier: Apache-2.0
// The subscribing side of the ring: follow the entries, protect what is read, count what was overwritten.
// Protocol: runtime/doc/ring_protocol.md, "Take" and "Join". Works on plain memory; allocates nothing.
#pragma once

#include <cstdint>

#include "base/compiler.h"
#include "ring/view.h"

namespace shmcomm::ring {

/// What the reader asks of publishers. `kGating`: a reliable reader of a reliable channel, whose cursor holds publishers
/// back. `kLossy`: a best_effort reader of a reliable channel. `kBestEffort`: any reader of a best_effort channel.
enum class ReaderMode : std::uint8_t { kBestEffort, kGating, kLossy };

struct ReaderConfig {
  RingView ring;                     // may be mapped read-only
  ReadersView readers;
  std::uint32_t line = 0;            // ours; its lock is held
  std::uint32_t max_borrowed = 1;    // hazards used, 1..6
  ReaderMode mode = ReaderMode::kBestEffort;
};

/// One protected entry: its slot keeps its content until Release(hazard).
struct Held {
  Entry entry;
  Sequence sequence = 0;
  std::uint32_t hazard = 0;
};

/// Owns the private side of one reader line. One thread, except Release, which any thread may call.
class Reader {
 public:
  explicit Reader(const ReaderConfig& config) : config_(config) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Enters the line: from here on publishers see its hazards. Messages from the join's own floor on are delivered, and
  /// up to `history` older ones that are still intact. The line's lock is held and its content is a dead reader's or none.
  void Join(std::uint32_t history);

  enum class Outcome : std::uint8_t { kEmpty, kHeld, kTooManyBorrowed, kLagging, kCorrupt, kDispossessed };
  struct NextResult {
    Outcome outcome;
    Held held;
  };
  /// Protects the next entry that can still be read, skipping and counting what is gone. Does not move on: the caller
  /// answers kHeld with Accept or Reject. kLagging: publishers lap this reader faster than it can look; call again.
  /// kCorrupt: the entry names an impossible publisher; it was skipped. kDispossessed: the line was given to somebody else,
  /// which only happens after this process's descriptors were closed under it; nothing more can be read.
  NextResult Next();

  /// Moves on to the newest message; those passed over are neither taken nor lost.
  void SeekNewest();

  // Several at once, with one fence and one step of the cursor: PeekMany, ProtectMany, AcceptMany, in this order and with
  // the same `held`. What has to be skipped or refused is left to Next.

  /// The entries from the position on that can be read as they are, at most `most` and one for each free hazard.
  std::uint32_t PeekMany(Held* held, std::uint32_t most) const;
  /// Protects them. Returns how many of them, from the first on, the ring still names; the others are let go.
  std::uint32_t ProtectMany(const Held* held, std::uint32_t count);
  /// Accepts the first `taken` of `count` protected entries, gives the others back unread, and moves on behind those taken.
  void AcceptMany(const Held* held, std::uint32_t taken, std::uint32_t count);

  void Accept(const Held& held);
  /// Gives the entry back unread and counts it as lost.
  void Reject(const Held& held);
  /// Ends an accepted entry's protection, on any thread. Its last step is a release store in this reader, so that whoever
  /// then finds HoldsAny false may destroy it.
  void Release(std::uint32_t hazard);

  /// True when Next would say anything but kEmpty.
  bool IsAvailable() const;

  /// Sequences lost since the last call.
  std::uint64_t TakeLost();
  /// True while an accepted entry has not been released. Acquires what the releasing threads did before.
  bool HoldsAny() const;
  Sequence position() const { return next_; }
  /// Nothing at or above it is lost to a gating reader that was not demoted since (I10).
  Sequence floor() const { return floor_; }
  /// How often a publisher has taken this reader's cursor because it was stuck. What it lost by that counts as lost.
  std::uint32_t demotions() const { return demotions_; }

 private:
  layout::ReaderLine& line() const { return config_.readers.lines[config_.line]; }
  std::uint32_t FreeHazard(std::uint32_t from = 0) const;
  SHMCOMM_COLD void SkipLapped();
  SHMCOMM_COLD void Skip(std::uint64_t count);
  void Advance(Sequence next);
  SHMCOMM_COLD void LearnOfDemotion(CursorWord found);
  SHMCOMM_COLD void Rejoin();
  ReaderState State() const { return config_.mode == ReaderMode::kLossy ? ReaderState::kLossy : ReaderState::kActive; }

  ReaderConfig config_;
  Sequence next_ = 0;
  Sequence floor_ = 0;               // nothing below it was promised
  std::uint64_t lost_ = 0;
  std::uint32_t generation_ = 0;
  std::uint32_t demotions_ = 0;
  CursorWord word_;                  // as last stored by us
  bool is_dispossessed_ = false;      // the line is somebody else's now
  bool is_rejoined_ = false;         // what is gone below the floor was promised once: it counts as lost
  // Which hazards back an accepted entry. Our own memory, not the shared line: nobody else can make one look free.
  base::Atomic<std::uint32_t> is_accepted_[layout::kMaxHazards] = {};
};

}  // namespace shmcomm::ring
