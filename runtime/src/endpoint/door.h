// SPDX-License-Identifier: Apache-2.0
// Between a public handle and its core: lets one thread be inside while another cancels or closes, and lets wait sets hold
// on to an endpoint that may be closed under them. Being inside costs two plain stores: closing pays for both sides.
#pragma once

#include <memory>

#include "base/atomic.h"
#include "endpoint/waitable.h"

namespace shmcomm::endpoint {

/// Shared by a handle and the wait sets that hold it. Enter and Leave by one thread at a time, the endpoint's; the others
/// by any thread.
class Door {
 public:
  explicit Door(Cancellable* core = nullptr) : core_(core) {}
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Once, before anybody enters, where the door is made before its core: then nothing can fail in between.
  void LeadTo(Cancellable* core) { core_.store(core, std::memory_order_release); }

  /// The core, which stays until Leave; null once shut. Leave is called in either case.
  Cancellable* Enter() {
    // Private Dekker: we say that we are inside and then look for the core; Shut takes the core, issues a membarrier, and
    // then looks whether anybody is inside. The barrier is this side's fence, so one of the two sees the other.
    inside_.store(1, std::memory_order_relaxed);
    base::CompilerBarrier();
    return core_.load(std::memory_order_acquire);
  }
  void Leave() { inside_.store(0, std::memory_order_release); }

  /// The core without going in: for looks that may come while the endpoint's thread is inside. Null once shut.
  Cancellable* Peek() const { return core_.load(std::memory_order_acquire); }

  /// Waits of the endpoint end with kCancelled, those to come too. Nothing once shut.
  void Cancel();

  /// Nobody enters any more and a wait inside ends with kCancelled; returns the core once nobody is inside, for its owner
  /// to dispose of. Null if it was shut before. Not from inside: a callback must not close its own endpoint.
  Cancellable* Shut();

 private:
  base::Atomic<Cancellable*> core_;
  base::Atomic<std::uint32_t> inside_{0};
  base::Atomic<std::uint32_t> cancellers_{0};
};

/// One visit: `if (Visit<SubscriberCore> core(door_); core) return core->Take(timeout); return Closed();`
template <class Core>
class Visit {
 public:
  explicit Visit(const std::shared_ptr<Door>& door)
      : door_(door.get()), core_(door_ == nullptr ? nullptr : static_cast<Core*>(door_->Enter())) {}
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (door_ != nullptr) door_->Leave();
  }
  explicit operator bool() const { return core_ != nullptr; }
  Core* operator->() const { return core_; }

 private:
  Door* door_;
  Core* core_;
};

template <class Core>
Core* Peek(const std::shared_ptr<Door>& door) {
  return door == nullptr ? nullptr : static_cast<Core*>(door->Peek());
}

}  // namespace shmcomm::endpoint
