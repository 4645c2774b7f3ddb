// SPDX-License-Identifier: Apache-2.0
// One opened replier: it claims requests as a puller claims jobs, and answers each in the reply ring of its requester, where
// it is a publisher. Protocol: runtime/doc/ring_protocol.md, "reqrep".
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/compiler.h"
#include "endpoint/claiming_core.h"
#include "endpoint/publisher_core.h"
#include "ring/claim.h"
#include "shmcomm/options.h"
#include "shmcomm/replier.h"
#include "shmcomm/stats.h"

namespace shmcomm::endpoint {

/// Owned by its handle, its open requests and the loans of its replies together; the last of them leaves the channel.
class ReplierCore final : public ClaimingCore {
 public:
  static absl::StatusOr<ReplierCore*> Open(const ChannelSpec& spec, const ReplierOptions& options);

  bool IsAnySampleAlive() const override;

  absl::StatusOr<std::optional<Request>> TryTake();
  absl::StatusOr<Request> Take(absl::Duration timeout);

  // For Request. Where one of these ends the request, the core may be gone afterwards.
  absl::StatusOr<Loan> LendReply(Request& request);
  absl::Status Reply(Request& request, Loan loan);
  absl::Status ReplyRaw(Request& request, Loan loan, Codec codec);
  absl::Status ReplyCopy(Request& request, const void* data, std::size_t bytes, Codec codec);
  absl::Status Fail(Request& request, const absl::Status& error);
  /// Ends a request that nobody answers, whether or not its caller can be told why.
  void Drop(Request& request);

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
  };
  /// Where the replies to one requester go.
  struct ReplyRing {
    std::uint32_t generation = 0;
    std::unique_ptr<PublisherCore> core;
  };

  ReplierCore(Opened opened, const ChannelSpec& spec, const ReplierOptions& options);

  // What a look found is in places_[place_], or in error_.
  Look LookForRequest();
  Look LookForRequestInTurn();
  Look LookOnce();
  Look Resolve(Place& place);
  SHMCOMM_COLD absl::Status Map(std::uint32_t requester, std::uint32_t generation);
  SHMCOMM_COLD Look Refuse(Place& place, const absl::Status& why);
  SHMCOMM_COLD Look Failed(absl::Status error);
  Request MakeRequest();

  absl::StatusOr<PublisherCore*> RepliesTo(const Place& place);
  SHMCOMM_COLD absl::StatusOr<std::unique_ptr<PublisherCore>> OpenReplies(const Place& place);
  SHMCOMM_COLD void DropOfThoseWhoLeft();
  bool IsReplyLent(const Place& place) const;
  template <class Publish>
  absl::Status Answer(Request& request, Publish publish);
  template <class Publish>
  absl::Status PublishAnswer(const Place& place, Publish publish);
  absl::Status PublishError(const Place& place, const absl::Status& error);
  absl::Status EndRequest(Request& request, absl::Status answered);
  absl::Status EndWith(Place& place, absl::Status answered);
  bool EndClaim(Place& place);
  void Count(const absl::Status& answered);
  SHMCOMM_COLD void RingRequester(const Place& place);

  SHMCOMM_COLD absl::Status TooManyOpen() const;
  SHMCOMM_COLD absl::Status LentAlready() const;
  SHMCOMM_COLD absl::Status Gone() const;
  SHMCOMM_COLD absl::Status NobodyWaits() const;

  ChannelSpec spec_;
  PublisherOptions reply_options_;
  std::vector<Place> places_;
  std::uint32_t place_ = 0;
  std::array<ReplyRing, layout::kPublisherRows> replies_;
  std::vector<std::unique_ptr<PublisherCore>> succeeded_;   // rings of which a loan is still out
  absl::Status error_;
  std::uint64_t bytes_ = 0;
  ReplierStats stats_;
};

}  // namespace shmcomm::endpoint
