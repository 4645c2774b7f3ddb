// SPDX-License-Identifier: Apache-2.0
// What pullers and repliers have in common: a seat among those who claim the messages of a channel, the places of what they
// have claimed and not ended, and the sleep until it is their turn. Protocol: runtime/doc/ring_protocol.md, "Claim".
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/compiler.h"
#include "channel/channel.h"
#include "endpoint/debug_log.h"
#include "endpoint/giving_way.h"
#include "endpoint/look.h"
#include "endpoint/orphans.h"
#include "endpoint/polled.h"
#include "endpoint/publisher_maps.h"
#include "endpoint/waitable.h"
#include "endpoint/waiting.h"
#include "registry/seats.h"
#include "ring/claim.h"
#include "ring/segments.h"
#include "shmcomm/options.h"
#include "wake/room.h"
#include "wake/turns.h"

namespace shmcomm::endpoint {

/// How a claimer sleeps: the last look before it and the first one after go over the whole ring, because a job may have been
/// given back behind the place where looks begin.
class ClaimerSleeper {
 public:
  ClaimerSleeper(wake::TurnSleeper& turns, ring::Claimer& claimer, GivingWay& giving_way)
      : turns_(&turns), claimer_(&claimer), giving_way_(&giving_way) {}

  template <class IsAvailable>
  bool SleepUnless(IsAvailable&& is_available, std::int64_t timeout_ns) {
    const auto look = [&] { return IsAnyForUs() || is_available(); };
    const auto longest_ns = [&] { return std::min(timeout_ns, giving_way_->longest_sleep_ns()); };
    return turns_->SleepUnless(look, longest_ns) || IsAnyForUs();
  }

 private:
  bool IsAnyForUs() { return claimer_->IsAnyReady() && !giving_way_->IsGivingWay(); }

  wake::TurnSleeper* turns_;
  ring::Claimer* claimer_;
  GivingWay* giving_way_;
};

/// Owned by its handle and by what it has claimed together; the last of them leaves the channel.
class ClaimingCore : public Waitable, public Lender {
 public:
  absl::StatusOr<bool> Wait(absl::Duration timeout);
  absl::StatusOr<int> PolledDescriptor() { return polled_.Open(*this); }

  /// Ends the handle's ownership; the core may be gone afterwards.
  void CloseHandle();
  bool IsAnySampleAlive() const override;

  const std::string& name() const override { return channel_.name(); }
  bool IsThisProcess() const override { return seat_.membership.IsThisProcess(); }
  /// Whether the sender of a message taken here runs as this process's user.
  bool IsFromThisUser(std::uint32_t sender) const { return maps_.IsOurs(sender); }
  Verify verify() const { return verify_; }

  // For WaitSet and fd(), see Waitable.
  const base::Atomic<std::uint32_t>& bell() const override { return turns_.word(); }
  void Arm(wake::Ear) override { turns_.Arm(); }
  bool IsReady() override { return claimer_.IsAnyReady() && !giving_way_.IsGivingWay(); }
  void Disarm() override { turns_.Disarm(); }
  std::int64_t longest_sleep_ns() const override { return giving_way_.longest_sleep_ns(); }
  absl::Status AfterVainSleep() override;
  absl::StatusOr<const platform::KeptDescriptor*> WakeFile() override { return WakeFileOf(channel_.site().wake_files(), seat_); }

 protected:
  struct Opened {
    channel::Channel channel;
    registry::ReaderSeat seat;
  };
  static absl::StatusOr<Opened> OpenSeat(const ChannelSpec& spec, const EndpointOptions& options, std::optional<Verify> verify);

  ClaimingCore(Opened opened, const ChannelSpec& spec, std::optional<Verify> verify, absl::Duration spin);
  ~ClaimingCore() override;

  /// A place for what is claimed next; `max_borrowed` where all are taken.
  std::uint32_t FreePlace() const;
  bool IsFull(std::uint32_t place) const { return place == channel_.meta().max_borrowed; }
  void TakePlace(std::uint32_t place) {
    is_taken_[place].store(1, std::memory_order_relaxed);  // relaxed: FreePlace is ours
    giving_way_.HaveTaken();
  }
  /// The last touch of the core, which may be gone afterwards.
  void LeavePlace(std::uint32_t place);

  /// False: the job was somebody else's by then.
  bool End(const ring::Claim& claim);
  /// Ends a claim as our death would. As End.
  bool Retry(const ring::Claim& claim);
  /// Leaves a claimed job to another.
  void GiveBack(const ring::Claim& claim);
  /// Claims the oldest job that nobody has, and wakes another puller where more lie there.
  ring::Claimer::NextResult ClaimNext();
  /// What we were woken for we will not take.
  void PassTurnOn() {
    if (turns_.HaveCome()) PassWakeOn();
  }
  /// True while what lies there is for others, who were woken for it and are on their way.
  bool IsGivingWay() { return giving_way_.IsGivingWay(); }
  void RingRoom() { room_bell_.RingIfArmedAfterRmw(); }
  std::uint32_t GenerationOf(std::uint32_t publisher) const;
  void RememberHint(const ring::Claim& claim, const layout::SlotHeader& header);
  void PrefetchHinted() const { waiting_.PrefetchHinted(); }
  void CountReceived(std::uint64_t messages, std::uint64_t bytes);

  SHMCOMM_COLD bool WaitUntilAvailable(std::int64_t timeout_ns);
  /// After a sleep in vain: what the dead had claimed may be for us. False: our lock is gone.
  SHMCOMM_COLD virtual bool MayGoOn();
  /// Why a take within `timeout` brought none of `what`.
  SHMCOMM_COLD absl::Status NothingWithin(absl::Duration timeout, const char* what);
  /// True where an event loop waits for it.
  bool IsPolled() const { return polled_.is_open(); }
  /// A take that found nothing looks again if this says so.
  bool Rearm() { return polled_.Rearm(*this); }

  // Declared so that the seat's lock goes before the channel, which then sees who is left.
  channel::Channel channel_;
  registry::ReaderSeat seat_;
  ring::Claimer claimer_;
  PublisherMaps maps_;
  Verify verify_;
  std::unique_ptr<DebugLog> debug_;  // null unless in debug mode

 private:
  void PassWakeOn();

  wake::WakeFileRinger wake_files_;
  wake::TurnRinger turn_ringer_;
  wake::TurnSleeper turns_;
  GivingWay giving_way_;
  wake::RoomBell room_bell_;
  WaitingOn<ClaimerSleeper> waiting_;
  Polled polled_;
  std::int64_t looked_after_dead_ns_ = 0;
  // Which places back what was claimed and has not ended. Our own memory: nobody else can make one look free.
  base::Atomic<std::uint32_t> is_taken_[layout::kMaxHazards] = {};
};

}  // namespace shmcomm::endpoint
