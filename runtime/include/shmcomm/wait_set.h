// SPDX-License-Identifier: Apache-2.0
// Waiting for several endpoints at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace shmcomm {
namespace endpoint {
class Door;
class WaitSetCore;
}  // namespace endpoint

/// A set of subscribers, pullers, repliers and requesters of any channels, waited for together. One thread at a time, which
/// is also the one thread of its members; only Wake may be called from any. Sleeps without spinning and costs nothing
/// while nothing comes, however many members it has. Movable.
class WaitSet {
 public:
  /// Names a member; given by Add, not used again.
  using Key = std::uint32_t;

  /// The members that have something to take. Valid until the set's next call.
  class Ready {
   public:
    explicit Ready(absl::Span<const Key> keys) : keys_(keys) {}
    bool empty() const { return keys_.empty(); }
    std::size_t size() const { return keys_.size(); }
    const Key* begin() const { return keys_.data(); }
    const Key* end() const { return keys_.data() + keys_.size(); }
    bool Has(Key key) const {
      for (const Key each : keys_) {
        if (each == key) return true;
      }
      return false;
    }

   private:
    absl::Span<const Key> keys_;
  };

  WaitSet();
  WaitSet(WaitSet&&) noexcept;
  WaitSet& operator=(WaitSet&&) noexcept;
  ~WaitSet();

  /// Adds an endpoint, typed or not. It may be moved or closed while it is a member; a closed one is to be removed.
  /// Errors: kFailedPrecondition closed, forked · kAlreadyExists it is a member · kResourceExhausted memory ran out, now or when
  /// the set was made.
  template <class Endpoint>
  absl::StatusOr<Key> Add(Endpoint& member) {
    return AddDoor(DoorOf(member, 0));
  }

  /// Takes a member out. Unknown keys are ignored.
  void Remove(Key key);

  /// Waits until a member has something to take (then its take does not wait), `timeout` passes, or Wake is called: `Ready`
  /// is empty in the last two cases. All that are ready are named, and the first place goes round, so that nobody starves.
  /// InfiniteDuration waits for ever, zero or less only looks.
  /// Errors: kCancelled a member was cancelled, or closed while this waited · kFailedPrecondition a member was closed
  /// before, is a forked one's, or lost its lock · kUnavailable from a member that cannot answer any more · those of fd() in
  /// sets of more than 8 · kResourceExhausted memory ran out.
  absl::StatusOr<Ready> Wait(absl::Duration timeout);

  /// Ends the wait that goes on, or else the next one. From any thread.
  void Wake();

  std::size_t size() const;

 private:
  using DoorPointer = std::shared_ptr<endpoint::Door>;

  /// A typed endpoint has its untyped one inside; an untyped one has the door, and this class for a friend.
  template <class Endpoint>
  static auto DoorOf(Endpoint& member, int) -> decltype(member.raw(), DoorPointer()) {
    return member.raw().door_;
  }
  template <class Endpoint>
  static DoorPointer DoorOf(Endpoint& member, long) {
    return member.door_;
  }
  absl::StatusOr<Key> AddDoor(DoorPointer door);

  std::unique_ptr<endpoint::WaitSetCore> core_;
};

}  // namespace shmcomm
