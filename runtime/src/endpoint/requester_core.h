// SPDX-License-Identifier: Apache-2.0
// One opened requester: a publisher of requests, the one subscriber of its own reply ring, and the calls that wait for
// replies. Protocol: runtime/doc/ring_protocol.md, "reqrep".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/compiler.h"
#include "endpoint/polled.h"
#include "endpoint/publisher_core.h"
#include "endpoint/subscriber_core.h"
#include "endpoint/waitable.h"
#include "endpoint/waiting.h"
#include "ring/claim.h"
#include "shmcomm/options.h"
#include "shmcomm/requester.h"
#include "shmcomm/sample.h"
#include "shmcomm/stats.h"

namespace shmcomm::endpoint {

/// How long a requester sleeps without a look at whether its replier has died: what a death may cost its caller.
inline constexpr std::int64_t kMaxReplySleepNs = 20'000'000;

/// What becomes of calls without a reply is in requester_unanswered.cc.
class RequesterCore final : public Waitable {
 public:
  static absl::StatusOr<std::unique_ptr<RequesterCore>> Open(const ChannelSpec& spec, const RequesterOptions& options);
  ~RequesterCore() override;

  absl::StatusOr<Loan> Lend() { return requests_->Lend(); }

  /// Sends what `publish(PublisherCore&)` publishes.
  template <class Publish>
  absl::StatusOr<CallId> Send(absl::Duration timeout, Publish&& publish) {
    absl::StatusOr<Call*> call = Prepare(timeout);
    if (!call.ok()) return Refuse(call.status());
    if (absl::Status sent = publish(*requests_); !sent.ok()) return Refuse(std::move(sent));
    return Start(**call);
  }

  absl::StatusOr<Sample> Receive(CallId id);
  absl::StatusOr<std::optional<Sample>> TryReceive(CallId id);
  absl::StatusOr<bool> WaitForReply(CallId id, absl::Duration timeout);
  absl::StatusOr<std::optional<CallId>> WaitForAnyReply(absl::Duration timeout);
  void Forget(CallId id);
  absl::StatusOr<bool> WaitForReplier(absl::Duration timeout);
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout);
  absl::StatusOr<int> PolledDescriptor() { return polled_.Open(*this); }

  const std::string& name() const override { return requests_->name(); }
  bool IsThisProcess() const override { return requests_->IsThisProcess(); }
  void Cancel() override;
  Verify verify() const { return replies_->verify(); }
  bool is_last_reply_ours() const { return is_last_reply_ours_; }
  RequesterStats stats() const { return stats_; }

  // For WaitSet and fd(), see Waitable. Ready: a call is settled.
  const base::Atomic<std::uint32_t>& bell() const override { return replies_->bell(); }
  void Arm(wake::Ear ear) override { replies_->Arm(ear); }
  wake::FenceRequest* fences() override { return replies_->fences(); }
  bool IsReady() override;
  std::int64_t longest_sleep_ns() const override;
  absl::Status AfterVainSleep() override;
  absl::StatusOr<const platform::KeptDescriptor*> WakeFile() override;

 private:
  /// A request that was sent. Its id is the correlation id of its reply; 0 marks a free place.
  struct Call {
    std::uint64_t id = 0;
    ring::Sequence sequence = 0;           // where it was published: its claim tells how far it is
    segment::SlotIndex slot{};
    std::int64_t deadline_ns = kForeverNs;
    std::int64_t looked_after_ns = 0;      // when we last asked whether its replier lives, or sent it
    std::uint32_t claimer_pid = 0;         // of the replier last seen at it
    std::optional<Sample> reply;           // taken, and not received yet
    bool is_reply_ours = false;            // from a replier of this process's user; its id may be another's by the time it is received
  };
  using Reply = absl::StatusOr<std::optional<Sample>>;

  RequesterCore(std::unique_ptr<PublisherCore> requests, SubscriberCore* replies, const ChannelSpec& spec,
                const RequesterOptions& options, std::uint32_t max_in_flight);

  const registry::Site& site() const { return requests_->site(); }
  ring::ClaimWord ClaimOf(const Call& call) const;
  bool IsOver(const Call& call) const { return ring::IsOver(site().ring, site().readers, call.sequence); }
  Call* Find(std::uint64_t id);

  absl::StatusOr<Call*> Prepare(absl::Duration timeout);
  CallId Start(Call& call);
  Call* FreePlace();
  SHMCOMM_COLD absl::Status Refuse(absl::Status status);

  absl::Status Collect(const Call* wanted);
  bool CopyKept();
  Reply Conclude(Call& call);
  Reply EndWith(Call& call, Sample reply);
  void End(Call& call);

  bool IsBegun(const Call& call) const;
  bool IsSettled(const Call& call) const;
  Call* OldestSettled();
  template <class IsDone>
  absl::StatusOr<bool> WaitUntil(absl::Duration timeout, const Call* wanted, IsDone&& is_done);
  bool Sleep(const Call* wanted, std::int64_t timeout_ns);
  bool IsAnyOver() const;
  /// The descriptor is readable while a call is settled, and only then.
  void RearmDescriptor() { polled_.RearmForNext(*this); }

  SHMCOMM_COLD Reply LookAfter(Call& call);
  void LookAfterReplier(Call& call);
  absl::Status GiveUp(Call& call, absl::Status why);
  void Abandon(Call& call);
  bool TakeBack(const Call& call);
  bool IsAnyReplier() const;
  bool MayCome() const { return is_waiting_for_replier_ || IsAnyReplier(); }

  SHMCOMM_COLD absl::Status TooManyCalls() const;
  SHMCOMM_COLD absl::Status NoReplier() const;
  SHMCOMM_COLD absl::Status NoSuchCall() const;
  SHMCOMM_COLD absl::Status TimedOut(const Call& call) const;
  SHMCOMM_COLD absl::Status WithoutReply(Call& call);

  std::unique_ptr<PublisherCore> requests_;
  SubscriberCore* replies_;                // its samples may outlive us
  std::vector<Call> calls_;
  absl::Duration timeout_;
  bool is_waiting_for_replier_;
  absl::Duration publish_timeout_;
  std::uint64_t last_id_ = 0;
  bool is_last_reply_ours_ = false;
  Polled polled_;
  absl::Status schema_error_;              // of a replier whose replies cannot be read, which is said once
  RequesterStats stats_;
};

}  // namespace shmcomm::endpoint
