// SPDX-License-Identifier: Apache-2.0
// One opened puller: the channel, its reader line, the pushers it has mapped, and by value the claimer and the sleeper of
// the hot path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/compiler.h"
#include "channel/channel.h"
#include "endpoint/dead_letters.h"
#include "endpoint/orphans.h"
#include "endpoint/polled.h"
#include "endpoint/publisher_maps.h"
#include "endpoint/waitable.h"
#include "endpoint/waiting.h"
#include "registry/seats.h"
#include "ring/claim.h"
#include "ring/segments.h"
#include "shmcomm/options.h"
#include "shmcomm/puller.h"
#include "shmcomm/stats.h"
#include "wake/room.h"
#include "wake/turns.h"

namespace shmcomm::endpoint {

/// How a puller sleeps: the last look before it and the first one after go over the whole ring, because a job may have been
/// given back behind the place where looks begin.
class PullerSleeper {
 public:
  PullerSleeper(wake::TurnSleeper& turns, ring::Claimer& claimer) : turns_(&turns), claimer_(&claimer) {}

  template <class IsAvailable>
  bool SleepUnless(IsAvailable&& is_available, std::int64_t timeout_ns) {
    const auto look = [&] { return claimer_->IsAnyReady() || is_available(); };
    return turns_->SleepUnless(look, timeout_ns) || claimer_->IsAnyReady();
  }

 private:
  wake::TurnSleeper* turns_;
  ring::Claimer* claimer_;
};

/// Owned by its handle and its living jobs together; the last of them leaves the channel.
class PullerCore final : public Waitable, public Lender {
 public:
  static absl::StatusOr<PullerCore*> Open(const ChannelSpec& spec, const PullerOptions& options);
  ~PullerCore() override;

  absl::StatusOr<std::optional<Job>> TryTake();
  absl::StatusOr<Job> Take(absl::Duration timeout);
  absl::StatusOr<bool> Wait(absl::Duration timeout);
  absl::StatusOr<int> PolledDescriptor();

  /// Ends the handle's ownership; the core may be gone afterwards.
  void CloseHandle();
  /// Acknowledges a job; the core may be gone afterwards. False when it was somebody else's by then.
  bool Release(const Job& job);
  bool IsAnySampleAlive() const override;

  const std::string& name() const override { return channel_.name(); }
  bool IsThisProcess() const override { return seat_.membership.IsThisProcess(); }
  Verify verify() const { return verify_; }
  PullerStats stats() const;

  // For WaitSet and fd(), see Waitable.
  const base::Atomic<std::uint32_t>& bell() const override { return turns_.word(); }
  void Arm(wake::Ear) override { turns_.Arm(); }
  bool IsReady() override { return claimer_.IsAnyReady(); }
  void Disarm() override { turns_.Disarm(); }
  absl::Status AfterVainSleep() override;
  absl::StatusOr<int> WakeFile() override;

 private:
  PullerCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec, const PullerOptions& options);

  /// What one look at the ring brought: a job in claim_ and message_, or an error in error_. Members, not returned values,
  /// because copying them costs more than finding them.
  enum class Look : std::uint8_t { kEmpty, kJob, kSkipped, kError };

  Look LookForJob();
  Look LookOnce();
  Look Resolve(std::uint32_t generation);
  SHMCOMM_COLD Look MapAndResolve(std::uint32_t generation);
  SHMCOMM_COLD Look LeaveToOthers(absl::Status why);
  SHMCOMM_COLD Look GiveUp();
  SHMCOMM_COLD Look Failed(absl::Status error);
  bool IsExpired() const;
  Look SkipExpired();
  Job MakeJob();
  void RememberHint();
  void Count();
  std::uint32_t FreePlace() const;
  bool End(const ring::Claim& claim);
  void RingRoom();
  void PassWakeOn();
  SHMCOMM_COLD bool WaitUntilAvailable(std::int64_t timeout_ns);
  SHMCOMM_COLD bool MayGoOn();
  SHMCOMM_COLD absl::Status NothingWithin(absl::Duration timeout);
  SHMCOMM_COLD absl::Status TooManyBorrowed() const;

  // Declared so that the seat's lock goes before the channel, which then sees who is left.
  channel::Channel channel_;
  registry::ReaderSeat seat_;
  ring::Claimer claimer_;
  PublisherMaps maps_;
  wake::WakeFileRinger wake_files_;
  wake::TurnRinger turn_ringer_;
  wake::TurnSleeper turns_;
  wake::RoomBell room_bell_;
  WaitingOn<PullerSleeper> waiting_;
  Polled polled_;
  platform::Descriptor wake_file_;
  Verify verify_;
  std::int64_t lifespan_ns_;
  ring::Claim claim_;
  std::uint32_t place_ = 0;
  ring::Resolved message_{ring::Resolution::kCorrupt};
  absl::Status error_;
  // Which places back a job that is not acknowledged, and since when. Our own memory: nobody else can make one look free.
  base::Atomic<std::uint32_t> is_taken_[layout::kMaxHazards] = {};
  std::int64_t taken_since_ns_[layout::kMaxHazards] = {};
  DeadLetters dead_letters_;
  PullerStats stats_;
};

}  // namespace shmcomm::endpoint
