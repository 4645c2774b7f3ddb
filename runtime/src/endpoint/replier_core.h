// SPDX-License-Identifier: Apache-2.0
// One opened replier: it claims requests as a puller claims jobs, and answers each in the reply ring of its requester, where
// it is a publisher. Protocol: runtime/doc/ring_protocol.md, "reqrep".
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "channel/channel.h"
#include "endpoint/publisher_core.h"
#include "endpoint/publisher_maps.h"
#include "endpoint/waiting.h"
#include "registry/seats.h"
#include "ring/claim.h"
#include "ring/segments.h"
#include "shmcomm/options.h"
#include "shmcomm/replier.h"
#include "shmcomm/stats.h"
#include "wake/turns.h"

namespace shmcomm::endpoint {

class ReplierCore {
 public:
  static absl::StatusOr<std::unique_ptr<ReplierCore>> Open(const ChannelSpec& spec, const ReplierOptions& options);
  ~ReplierCore();
  ReplierCore(const ReplierCore&) = delete;
  ReplierCore& operator=(const ReplierCore&) = delete;

  absl::StatusOr<std::optional<Request>> TryTake();
  absl::StatusOr<Request> Take(absl::Duration timeout);
  void Cancel();

  // For Request.
  absl::StatusOr<Loan> LendReply(const Request& request);
  absl::Status Reply(Request& request, Loan loan);
  absl::Status ReplyRaw(Request& request, Loan loan, Codec codec);
  absl::Status ReplyCopy(Request& request, const void* data, std::size_t bytes, Codec codec);
  absl::Status Fail(Request& request, const absl::Status& error);

  const std::string& name() const { return channel_.name(); }
  Verify verify() const { return verify_; }
  ReplierStats stats() const { return stats_; }

 private:
  /// A request that was taken and is not answered yet.
  struct Place {
    ring::Claim claim;
    const layout::SlotHeader* header = nullptr;
    std::uint64_t correlation = 0;
    std::uint32_t generation = 0;            // of its requester
    const std::uint8_t* copy = nullptr;      // untrusted
    std::uint32_t bytes = 0;
    bool is_open = false;
  };
  /// Where the replies to one requester go.
  struct ReplyRing {
    std::uint32_t generation = 0;
    std::unique_ptr<PublisherCore> core;
  };
  enum class Look : std::uint8_t { kRequest, kSkipped, kEmpty, kError };

  ReplierCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec, const ReplierOptions& options);

  bool IsThisProcess() const { return seat_.membership.IsThisProcess(); }
  Place* FreePlace();
  absl::StatusOr<std::optional<Request>> TakeInto(Place& place);
  Look LookOnce(Place& place);
  Look Resolve(Place& place);
  SHMCOMM_COLD absl::Status Map(std::uint32_t requester, std::uint32_t generation);
  SHMCOMM_COLD Look Refuse(Place& place, const absl::Status& why);
  Request MakeRequest(Place& place);
  void PassWakeOn();
  void WaitUntilAvailable(std::int64_t timeout_ns);
  bool IsCancelled() const { return is_cancelled_.load(std::memory_order_relaxed) != 0; }

  absl::StatusOr<PublisherCore*> RepliesTo(const Place& place);
  SHMCOMM_COLD absl::StatusOr<std::unique_ptr<PublisherCore>> OpenReplies(const Place& place);
  SHMCOMM_COLD void DropOfThoseWhoLeft();
  template <class Publish>
  absl::Status Answer(Request& request, Publish&& publish);
  template <class Publish>
  absl::Status AnswerAt(Place& place, Publish&& publish);
  absl::Status FailAt(Place& place, const absl::Status& error);
  bool End(Place& place);
  void Count(const absl::Status& answered);
  SHMCOMM_COLD void RingRequester(const Place& place);

  SHMCOMM_COLD absl::Status TooManyOpen() const;
  SHMCOMM_COLD absl::Status Gone() const;
  SHMCOMM_COLD absl::Status NobodyWaits() const;

  // Declared so that the seat's lock goes before the channel, which then sees who is left.
  channel::Channel channel_;
  registry::ReaderSeat seat_;
  ChannelSpec spec_;
  ring::Claimer claimer_;
  PublisherMaps maps_;
  WaitingOn<wake::TurnSleeper> waiting_;
  Verify verify_;
  PublisherOptions reply_options_;
  std::vector<Place> places_;
  std::array<ReplyRing, layout::kPublisherRows> replies_;
  base::Atomic<std::uint32_t> is_cancelled_{0};
  absl::Status error_;
  ReplierStats stats_;
};

}  // namespace shmcomm::endpoint
