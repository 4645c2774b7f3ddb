// SPDX-License-Identifier: Apache-2.0
// One opened subscriber: the channel, its reader line, the publishers it has mapped, and by value the ring reader and
// the sleeper of the hot path.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/compiler.h"
#include "channel/channel.h"
#include "endpoint/deadline_watch.h"
#include "endpoint/debug_log.h"
#include "endpoint/look.h"
#include "endpoint/orphans.h"
#include "endpoint/polled.h"
#include "endpoint/publisher_maps.h"
#include "endpoint/waitable.h"
#include "endpoint/waiting.h"
#include "registry/seats.h"
#include "ring/reader.h"
#include "ring/segments.h"
#include "shmcomm/options.h"
#include "shmcomm/sample.h"
#include "shmcomm/sample_batch.h"
#include "shmcomm/stats.h"

namespace shmcomm::endpoint {

/// Owned by its handle and its living samples together; the last of them leaves the channel.
class SubscriberCore final : public Waitable, public Lender {
 public:
  static absl::StatusOr<SubscriberCore*> Open(const ChannelSpec& spec, const SubscriberOptions& options);
  /// The same in a channel that the caller has opened.
  static absl::StatusOr<SubscriberCore*> Join(channel::Channel channel, const ChannelSpec& spec,
                                              const SubscriberOptions& options);
  ~SubscriberCore() override;

  absl::StatusOr<std::optional<Sample>> TryTake();
  absl::StatusOr<std::optional<Sample>> TakeLatest();
  absl::StatusOr<Sample> Take(absl::Duration timeout);
  absl::StatusOr<SampleBatch> TakeMany(std::uint32_t most);
  absl::StatusOr<bool> Wait(absl::Duration timeout);
  absl::StatusOr<int> PolledDescriptor() { return polled_.Open(*this); }

  /// Ends the handle's ownership; the core may be gone afterwards.
  void CloseHandle();
  /// Gives a sample's slot back; the core may be gone afterwards.
  void Release(const Sample& sample);
  bool IsAnySampleAlive() const override;

  Backlog backlog() const;
  bool IsFromThisUser(const Sample& sample) const { return maps_.IsOurs(sample.publisher()); }

  const std::string& name() const override { return channel_.name(); }
  bool IsThisProcess() const override { return seat_.membership.IsThisProcess(); }
  Verify verify() const { return verify_; }
  SubscriberStats stats() const;

  /// In debug mode, once it is an endpoint of its own and not a requester's replies.
  void TellOpened() const;

  // For a requester, whose replies these are.
  /// Which request the message taken last answers.
  std::uint64_t correlation() const { return base::LoadPlain(message_.header->correlation); }
  /// Waits until something can be taken: true, or until `timeout_ns` passed, this was cancelled or, looked at after each
  /// sleep and each ring, `may_stop()` says true: false.
  template <class MayStop>
  bool WaitUnless(MayStop&& may_stop, std::int64_t timeout_ns) {
    return waiting_.Until([this] { return reader_.IsAvailable() || is_cancelled(); }, timeout_ns,
                          [&] { return !may_stop(); }) && !is_cancelled();
  }
  /// A copy of `sample` that holds nothing of this subscriber.
  static Sample Detach(const Sample& sample);
  static bool IsDetached(const Sample& sample) { return sample.core_ == nullptr; }
  static void DropDetached(const Sample& sample);

  // For WaitSet and fd(), see Waitable.
  const base::Atomic<std::uint32_t>& bell() const override { return sleeper_.word(); }
  void Arm(wake::Ear ear) override { sleeper_.Arm(ear); }
  wake::FenceRequest* fences() override { return sleeper_.fences(); }
  bool IsReady() override { return reader_.IsAvailable(); }
  std::int64_t longest_sleep_ns() const override;
  absl::Status AfterVainSleep() override;
  absl::StatusOr<const platform::KeptDescriptor*> WakeFile() override { return WakeFileOf(channel_.site().wake_files(), seat_); }

 private:
  SubscriberCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec,
                 const SubscriberOptions& options);

  // What a look found is in held_ and message_, or in error_.
  Look LookOnce();
  Look LookForMessage();
  std::uint32_t PublisherGeneration() const;
  Look Resolve();
  SHMCOMM_COLD Look MapAndResolve(std::uint32_t generation);
  SHMCOMM_COLD Look SkipIncompatible();
  SHMCOMM_COLD Look RejectCorrupt();
  SHMCOMM_COLD Look Failed(absl::Status error);
  Sample MakeSample();
  void FillSample(Sample& sample);
  void FillBatch(SampleBatch& batch, std::uint32_t most);
  void PrefetchHeld(const ring::Held& held) const;
  bool IsHeldReadable();
  SHMCOMM_COLD bool WaitUntilAvailable(std::int64_t timeout_ns);
  bool WaitWatchingDeadlines(std::int64_t timeout_ns);
  bool WaitOnce(std::int64_t timeout_ns);
  SHMCOMM_COLD void MeetDeadline();
  bool IsExpired() const;
  Look SkipExpired();
  void RingRoom();
  void RememberHint();
  void Count(std::uint64_t messages, std::uint64_t bytes);
  SHMCOMM_COLD void CountLost(std::uint64_t lost);
  SHMCOMM_COLD void TellReceived() const;
  SHMCOMM_COLD absl::Status TooManyBorrowed() const;
  SHMCOMM_COLD absl::Status NothingWithin(absl::Duration timeout);

  // Declared so that the seat's lock goes before the channel, which then sees who is left.
  channel::Channel channel_;
  registry::ReaderSeat seat_;
  ring::Reader reader_;
  PublisherMaps maps_;
  wake::Sleeper sleeper_;
  Waiting waiting_;
  Polled polled_;
  Verify verify_;
  std::int64_t lifespan_ns_;
  DeadlineWatch deadline_;
  bool is_gating_;                   // publishers wait for this reader
  ring::Sequence rung_at_ = 0;       // the position up to which they have been told
  ring::Held held_;
  ring::Resolved message_{ring::Resolution::kCorrupt};
  absl::Status error_;
  std::uint64_t lost_since_sample_ = 0;
  std::int64_t borrowed_since_ns_[layout::kMaxHazards] = {};
  std::unique_ptr<DebugLog> debug_;  // beside what each take counts; null unless in debug mode
  SubscriberStats stats_;
};

}  // namespace shmcomm::endpoint
