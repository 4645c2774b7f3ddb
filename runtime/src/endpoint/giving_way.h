// SPDX-License-Identifier: Apache-2.0
// Who was woken for a job goes first: whoever is awake anyway leaves so many jobs lying as others were called for, but not
// for long, because who was called may be dead or stopped. Protocol: runtime/doc/ring_protocol.md, "Wake one".
#pragma once

#include <cstdint>

#include "base/compiler.h"
#include "platform/os.h"
#include "ring/claim.h"
#include "wake/bell.h"
#include "wake/turns.h"

namespace shmcomm::endpoint {

/// One claimer's. Its claimer and its sleeper outlive it.
class GivingWay {
 public:
  /// For how long: what a death between a wake and a claim may cost where somebody else is awake.
  static constexpr std::int64_t kLongestNs = 1'000'000;

  /// What one takes of a backlog while others are on their way: then it is their turn.
  static constexpr std::uint32_t kMostJobs = 64;

  GivingWay(wake::TurnSleeper& turns, ring::Claimer& claimer) : turns_(&turns), claimer_(&claimer) {}

  /// True while the jobs that lie there are others' turn. From kLongestNs after it was first true on they are not.
  bool IsGivingWay() {
    const std::uint32_t called = turns_->CalledBeforeUs();
    if (called == 0) {
      since_ns_ = 0;
      jobs_ = 0;
      return false;
    }
    return GiveWayTo(called);
  }

  /// A job was taken.
  void HaveTaken() { ++jobs_; }

  /// No longer, or what is left lying would lie longer.
  std::int64_t longest_sleep_ns() const { return since_ns_ == 0 ? wake::kMaxSleepNs : kLongestNs; }

 private:
  SHMCOMM_COLD bool GiveWayTo(std::uint32_t called) {
    if (!claimer_->IsAvailable() || (jobs_ < kMostJobs && claimer_->AreMoreAvailableThan(called))) {
      since_ns_ = 0;
      return false;
    }
    const std::int64_t now_ns = platform::NowNs();
    if (since_ns_ == 0) since_ns_ = now_ns;
    if (now_ns - since_ns_ < kLongestNs) return true;
    turns_->EndTurnsOfOthers();
    since_ns_ = 0;
    jobs_ = 0;
    return false;
  }

  wake::TurnSleeper* turns_;
  ring::Claimer* claimer_;
  std::uint32_t jobs_ = 0;      // taken while others were called
  std::int64_t since_ns_ = 0;   // when a job was first left lying; 0: none is
};

}  // namespace shmcomm::endpoint
