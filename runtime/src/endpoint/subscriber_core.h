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

/// Counted: the handle holds one reference, every living sample another. The last one leaves the channel.
class SubscriberCore {
 public:
  static absl::StatusOr<SubscriberCore*> Open(const ChannelSpec& spec, const SubscriberOptions& options);

  absl::StatusOr<std::optional<Sample>> TryTake();
  absl::StatusOr<Sample> Take(absl::Duration timeout);
  absl::StatusOr<bool> Wait(absl::Duration timeout);

  void Unref();
  void Release(const Sample& sample);

  const std::string& name() const { return channel_.name(); }
  Verify verify() const { return verify_; }
  SubscriberStats stats() const { return stats_; }

 private:
  SubscriberCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec,
                 const SubscriberOptions& options);
  ~SubscriberCore();

  struct Attempt {
    enum class Kind : std::uint8_t { kMessage, kRejected } kind;
    ring::Resolved message;
  };

  bool IsThisProcess() const { return seat_.membership.IsThisProcess(); }
  absl::StatusOr<Attempt> Resolve(const ring::Held& held);
  absl::StatusOr<Attempt> RejectCorrupt(const ring::Held& held);
  absl::StatusOr<Attempt> MapAndResolve(const ring::Held& held, std::uint32_t generation);
  Sample MakeSample(const ring::Held& held, const ring::Resolved& message);
  bool WaitUntilAvailable(std::int64_t timeout_ns);
  void RememberHint(const ring::Held& held, const ring::Resolved& message);
  void Count(const ring::Resolved& message);
  void CountLost(std::uint64_t lost);
  absl::Status TooManyBorrowed() const;

  // Declared so that the seat's lock goes before the channel, which then sees who is left.
  channel::Channel channel_;
  registry::ReaderSeat seat_;
  ring::Reader reader_;
  PublisherMaps maps_;
  Waiting waiting_;
  Verify verify_;
  base::Atomic<std::uint32_t> references_{1};
  std::uint64_t lost_since_sample_ = 0;
  std::int64_t borrowed_since_ns_[layout::kMaxHazards] = {};
  SubscriberStats stats_;
};

}  // namespace shmcomm::endpoint
