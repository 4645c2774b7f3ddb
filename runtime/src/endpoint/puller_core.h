// SPDX-License-Identifier: Apache-2.0
// One opened puller: what it has in common with a replier, and the jobs it lends to the program.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/compiler.h"
#include "endpoint/claiming_core.h"
#include "endpoint/dead_letters.h"
#include "ring/claim.h"
#include "ring/segments.h"
#include "shmcomm/options.h"
#include "shmcomm/puller.h"
#include "shmcomm/stats.h"

namespace shmcomm::endpoint {

/// Owned by its handle and its living jobs together; the last of them leaves the channel.
class PullerCore final : public ClaimingCore {
 public:
  static absl::StatusOr<PullerCore*> Open(const ChannelSpec& spec, const PullerOptions& options);

  absl::StatusOr<std::optional<Job>> TryTake();
  absl::StatusOr<Job> Take(absl::Duration timeout);
  absl::StatusOr<bool> Wait(absl::Duration timeout);

  /// Acknowledges a job; the core may be gone afterwards. False when it was somebody else's by then.
  bool Release(const Job& job);
  /// Gives a job back after an attempt in vain. As Release.
  bool Retry(const Job& job);
  PullerStats stats() const;

 private:
  PullerCore(Opened opened, const ChannelSpec& spec, const PullerOptions& options);

  template <class EndClaim>
  bool LetGo(const Job& job, EndClaim&& end_claim);

  // What a look found is in claim_ and message_, or in error_.
  Look LookForJob();
  Look LookForJobInTurn();
  Look LookOnce();
  Look Resolve(std::uint32_t generation);
  SHMCOMM_COLD Look MapAndResolve(std::uint32_t generation);
  SHMCOMM_COLD Look LeaveToOthers(absl::Status why);
  SHMCOMM_COLD Look GiveUp();
  SHMCOMM_COLD Look Failed(absl::Status error);
  bool IsExpired() const;
  Look SkipExpired();
  Job MakeJob();
  SHMCOMM_COLD bool MayGoOn() override;
  SHMCOMM_COLD absl::Status TooManyBorrowed() const;

  std::int64_t lifespan_ns_;
  ring::Claim claim_;
  std::uint32_t place_ = 0;
  ring::Resolved message_{ring::Resolution::kCorrupt};
  absl::Status error_;
  std::int64_t taken_since_ns_[layout::kMaxHazards] = {};
  DeadLetters dead_letters_;
  PullerStats stats_;
};

}  // namespace shmcomm::endpoint
