// SPDX-License-Identifier: Apache-2.0
// Where messages are claimed: a puller that runs the shipped claiming and waking, and a book that judges every change of an
// entry and of a claim word by the rules of I7 and I14.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "endpoint/giving_way.h"
#include "registry/cleaner.h"
#include "registry/seats.h"
#include "ring/claim.h"
#include "sched/channel_model.h"
#include "wake/turns.h"

namespace shmcomm::sched {

/// What has become of each job. It sees the words change, so it knows at once.
class JobBook {
 public:
  /// From Start, once the channel is set up: watches its entries and claims.
  void Open(Machine& machine, const ChannelModel& channel);
  /// `thread` has lost its lock, and may go on with its line's claims for as long as they are its own.
  void Excuse(unsigned thread) { excused_ = thread; }
  /// For Scenario::Changed.
  void Changed(Machine& machine, const void* word, std::uint64_t old, std::uint64_t now);

  /// Jobs published.
  std::uint32_t published() const { return published_; }
  /// Jobs that are done, and those that failed because nobody survived them.
  std::uint32_t done() const { return done_; }
  std::uint32_t failed() const { return failed_; }
  std::uint32_t cancelled() const { return cancelled_; }
  std::uint32_t open() const { return published_ - done_ - failed_ - cancelled_; }
  /// Published, claimed by nobody, not over.
  std::uint32_t ready() const { return open() - claimed_; }
  /// How often a claim was taken from the dead.
  std::uint32_t swept() const { return swept_; }
  std::uint32_t retried() const { return retried_; }   // given back by their claimers after an attempt in vain

 private:
  void EntryChanged(std::uint32_t index, ring::Entry old, ring::Entry now);
  void ClaimChanged(std::uint32_t index, ring::ClaimWord old, ring::ClaimWord now);
  void Claimed(std::uint32_t index, ring::ClaimWord old, ring::ClaimWord now);
  void Unclaimed(std::uint32_t index, ring::ClaimWord old, ring::ClaimWord now);
  void Cancelled(std::uint32_t index, ring::ClaimWord old, ring::ClaimWord now);
  bool HoldsLineOf(std::uint32_t owner) const;
  bool IsExcused() const { return machine_->current() == excused_; }

  Machine* machine_ = nullptr;
  const ChannelModel* channel_ = nullptr;
  std::array<ring::ClaimWord, kMaxModelEntries> claims_{};
  std::array<ring::Entry, kMaxModelEntries> entries_{};
  std::array<unsigned, kMaxModelEntries> claimers_{};  // the threads
  static constexpr unsigned kNobody = kMaxThreads;

  unsigned excused_ = kNobody;
  std::uint32_t published_ = 0;
  std::uint32_t claimed_ = 0;
  std::uint32_t done_ = 0;
  std::uint32_t failed_ = 0;
  std::uint32_t swept_ = 0;
  std::uint32_t retried_ = 0;
  std::uint32_t cancelled_ = 0;
};

/// A puller: claim, work, finish, and sleep until it is its turn.
class ModelPuller {
 public:
  /// From Start, for one that opens later.
  void Reset() { seat_.reset(); }
  /// From Start: on line `line`, whose lock it is given.
  void Open(Machine& machine, ChannelModel& channel, std::uint32_t line);
  /// On its own thread, as a process that takes whatever line is free. False when there was none.
  bool OpenAnywhere(Machine& machine, ChannelModel& channel);
  void Leave();

  /// True when a job was claimed that was not somebody else's turn; its message was looked at. Passes the wake on if more jobs lie there.
  bool Claim();
  /// Looks at the message again and ends the job.
  void Finish();
  void GiveBack();
  void Retry();
  /// Sleeps until it is this one's turn, unless there is a job; afterwards it looks after the dead.
  void Sleep(std::int64_t timeout_ns);
  /// After the last look, before it goes away: a wake that was spent on it goes to another (I17).
  void PassOnWake();
  // In steps, for who waits for several.
  wake::TurnSleeper& turns() { return *sleeper_; }
  bool IsReady() { return claimer_->IsAnyReady() && !giving_way_->IsGivingWay(); }
  std::int64_t longest_sleep_ns() const { return giving_way_->longest_sleep_ns(); }
  void LookAfterTheDead() { registry::CleanDeadClaimers(channel_->site()).IgnoreError(); }
  bool is_open() const { return claimer_.has_value(); }
  /// Asleep for a short time only, because it left a job to another.
  bool is_giving_way() const { return giving_way_->longest_sleep_ns() < wake::kMaxSleepNs; }
  /// Of the job in hand.
  std::uint64_t correlation() const { return correlation_; }
  std::uint32_t line() const { return line_; }

 private:
  void Enter(std::uint32_t line);
  void Check(const ring::Claim& claim);
  bool HasFile(std::uint32_t publisher, std::uint32_t generation) const;

  Machine* machine_ = nullptr;
  ChannelModel* channel_ = nullptr;
  std::optional<registry::ReaderSeat> seat_;
  std::optional<ring::Claimer> claimer_;
  std::optional<wake::TurnSleeper> sleeper_;
  std::optional<endpoint::GivingWay> giving_way_;
  std::optional<wake::WakeFileRinger> wake_files_;
  std::optional<wake::TurnRinger> ringer_;
  ring::Claim claim_;
  const std::uint64_t* words_ = nullptr;
  std::uint64_t value_ = 0;
  std::uint64_t correlation_ = 0;
  std::uint32_t line_ = 0;
};

}  // namespace shmcomm::sched
