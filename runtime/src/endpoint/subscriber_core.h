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
#include "endpoint/publisher_maps.h"
#include "endpoint/waiting.h"
#include "registry/seats.h"
#include "ring/reader.h"
#include "ring/segments.h"
#include "shmcomm/options.h"
#include "shmcomm/sample.h"
#include "shmcomm/stats.h"

namespace shmcomm::endpoint {

/// Owned by its handle and its living samples together; the last of them leaves the channel.
class SubscriberCore {
 public:
  static absl::StatusOr<SubscriberCore*> Open(const ChannelSpec& spec, const SubscriberOptions& options);

  absl::StatusOr<std::optional<Sample>> TryTake();
  absl::StatusOr<Sample> Take(absl::Duration timeout);
  absl::StatusOr<bool> Wait(absl::Duration timeout);

  void CloseHandle();
  void Release(const Sample& sample);

  const std::string& name() const { return channel_.name(); }
  Verify verify() const { return verify_; }
  SubscriberStats stats() const { return stats_; }

 private:
  SubscriberCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec,
                 const SubscriberOptions& options);
  ~SubscriberCore();

  /// What one look at the ring brought. Plain values: this is the hot path, and a status is made only for an error.
  struct Look {
    enum class Kind : std::uint8_t { kEmpty, kMessage, kSkipped, kError } kind;
    ring::Held held;
    ring::Resolved message;
  };

  bool IsThisProcess() const { return seat_.membership.IsThisProcess(); }
  Look LookOnce();
  Look LookForMessage();
  Look Resolve(const ring::Held& held);
  SHMCOMM_COLD Look MapAndResolve(const ring::Held& held, std::uint32_t generation);
  SHMCOMM_COLD Look SkipIncompatible(const ring::Held& held);
  SHMCOMM_COLD Look RejectCorrupt(const ring::Held& held);
  SHMCOMM_COLD Look Failed(absl::Status error);
  Sample MakeSample(const Look& look);
  SHMCOMM_COLD bool WaitUntilAvailable(std::int64_t timeout_ns);
  void RememberHint(const ring::Held& held, const ring::Resolved& message);
  bool IsAnySampleAlive() const;
  void Count(const ring::Resolved& message);
  SHMCOMM_COLD void CountLost(std::uint64_t lost);
  SHMCOMM_COLD absl::Status TooManyBorrowed() const;
  SHMCOMM_COLD absl::Status NothingWithin(absl::Duration timeout) const;

  // Declared so that the seat's lock goes before the channel, which then sees who is left.
  channel::Channel channel_;
  registry::ReaderSeat seat_;
  ring::Reader reader_;
  PublisherMaps maps_;
  Waiting waiting_;
  Verify verify_;
  // Counts down: the handle's share, less what was taken, plus nothing until a sample goes. One locked operation a
  // message instead of two, because only the owner's thread takes.
  static constexpr std::int64_t kHandleShare = std::int64_t{1} << 62;
  base::Atomic<std::int64_t> references_{kHandleShare};
  std::int64_t taken_ = 0;
  absl::Status error_;               // of a Look of kind kError
  std::uint64_t lost_since_sample_ = 0;
  std::int64_t borrowed_since_ns_[layout::kMaxHazards] = {};
  SubscriberStats stats_;
};

}  // namespace shmcomm::endpoint
