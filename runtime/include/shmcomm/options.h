// SPDX-License-Identifier: Apache-2.0
// What a program may choose when it opens an endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm {

/// The options of a Qos by which a channel's endpoints have to agree, as bits.
namespace qos_option {
inline constexpr std::uint32_t kReliability = 1u << 0;
inline constexpr std::uint32_t kHistory = 1u << 1;
inline constexpr std::uint32_t kCapacity = 1u << 2;
inline constexpr std::uint32_t kLifespan = 1u << 3;
}  // namespace qos_option

/// What an endpoint noticed about a channel with a deadline.
struct DeadlineMiss {
  const std::string& channel;
  absl::Duration deadline;            ///< the promised period
  std::uint64_t missed = 0;           ///< periods without a message, noticed just now
  std::uint64_t missed_in_all = 0;    ///< since the endpoint was opened
};

/// Where a channel lives and how an endpoint waits. Empty strings select the default.
struct EndpointOptions {
  std::string channel;        ///< another name for the channel: any text of 1 to 200 bytes without NUL
  std::string root;           ///< directory on a tmpfs; default $SHMCOMM_ROOT, else /dev/shm/shmcomm-<uid>
  std::string domain;         ///< isolated world of channels; default $SHMCOMM_DOMAIN, else "default"
  /// Bits of qos_option: where a running channel differs in these, it is joined as it is. For programs without a schema,
  /// whose options are only the defaults of a channel that they create.
  std::uint32_t adopted = 0;
  /// Called when messages of a channel with a deadline did not come in time, in the middle of the publish, take or wait that
  /// noticed it, on its thread: it must not call the endpoint. Empty: the log is told instead (log.h).
  std::function<void(const DeadlineMiss&)> on_deadline_missed;
};

struct PublisherOptions : EndpointOptions {
  std::uint64_t max_size = 0;             ///< this publisher's own largest message, at most the channel's; 0 = the channel's
  std::uint32_t max_loans = 0;            ///< 0 = the channel's; may only be smaller
  /// Reliable channels with on_full: block: how long a publish may wait for room. Zero or less does not wait. A
  /// program that publishes and subscribes to one such channel in one thread must not wait for ever: it waits for itself.
  absl::Duration publish_timeout = absl::InfiniteDuration();
  /// Reliable channels: a subscriber that does not move while a publish waits this long for it no longer holds publishers
  /// back, until it moves again; it then learns what it lost. Infinite: only death or leaving lets go.
  absl::Duration demote_after = absl::InfiniteDuration();
};

struct SubscriberOptions : EndpointOptions {
  /// Upper bound of the adaptive spin before a wait sleeps. Zero sleeps at once; InfiniteDuration never sleeps.
  absl::Duration spin = absl::Microseconds(20);
  std::optional<Verify> verify;           ///< may only be stricter than the channel's
  /// kBestEffort on a reliable channel: this subscriber never holds a publisher back and counts what it loses.
  std::optional<Reliability> reliability;
};

struct PusherOptions : EndpointOptions {
  std::uint64_t max_size = 0;             ///< this pusher's own largest job, at most the channel's; 0 = the channel's
  std::uint32_t max_loans = 0;            ///< 0 = the channel's; may only be smaller
  /// Called from within a push when jobs of the channel, anybody's, have been given up, with how many more. Without it the
  /// log is told.
  std::function<void(std::uint64_t)> on_dead_letters;
};

struct PullerOptions : EndpointOptions {
  /// Upper bound of the adaptive spin before a wait sleeps. Zero sleeps at once; InfiniteDuration never sleeps. Where other
  /// pullers sleep already, a wait does not spin, so that they get their turn.
  absl::Duration spin = absl::Microseconds(20);
  std::optional<Verify> verify;           ///< may only be stricter than the channel's
  /// As in PusherOptions, called from within a take or a wait.
  std::function<void(std::uint64_t)> on_dead_letters;
};

struct RequesterOptions : EndpointOptions {
  /// Upper bound of the adaptive spin before a wait sleeps. Zero sleeps at once; InfiniteDuration never sleeps.
  absl::Duration spin = absl::Microseconds(20);
  std::uint64_t max_size = 0;             ///< this requester's own largest request, at most the channel's; 0 = the channel's
  std::uint32_t max_loans = 0;            ///< 0 = the channel's; may only be smaller
  std::uint32_t max_in_flight = 0;        ///< 0 = the channel's; may only be smaller
  std::optional<Verify> verify;           ///< of replies; may only be stricter than the channel's
  /// How long a Send may wait for room at most, within its call's time. Zero or less does not wait; see WaitForRoom.
  absl::Duration publish_timeout = absl::InfiniteDuration();
  /// Where no replier is attached: false fails with kUnavailable at once, true waits for one within the call's time.
  bool wait_for_replier = false;
};

struct ReplierOptions : EndpointOptions {
  absl::Duration spin = absl::Microseconds(20);   ///< as in RequesterOptions
  std::uint64_t max_reply_size = 0;       ///< this replier's own largest reply, at most the channel's; 0 = the channel's
  std::optional<Verify> verify;           ///< of requests; may only be stricter than the channel's
};

}  // namespace shmcomm
