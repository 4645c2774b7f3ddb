// SPDX-License-Identifier: Apache-2.0
// The descriptor that a program hands to epoll, select or asyncio: readable when a take may find something. It is an epoll
// of its own that holds the endpoint's wake file and a timer, so that a ringer that dies before it rings costs no more
// than it does in a wait. Nothing runs in the background.
#pragma once

#include "absl/status/statusor.h"
#include "base/compiler.h"
#include "endpoint/waitable.h"
#include "platform/kept_descriptor.h"

namespace shmcomm::endpoint {

class Polled {
 public:
  /// The descriptor of `endpoint`, made and armed at the first call; it lives as long as this. Errors: kResourceExhausted,
  /// kFailedPrecondition forked.
  absl::StatusOr<int> Open(Waitable& endpoint);

  bool is_open() const { return poll_.valid(); }

  /// After a take found nothing: the descriptor is made unreadable and armed. True when something has come meanwhile: the
  /// take looks once more, and what it finds then it finds armed. Nothing and false while not open.
  bool Rearm(Waitable& endpoint) { return is_open() && ArmAgain(endpoint); }

  /// The same where there is no looking once more: what came meanwhile makes the descriptor readable.
  void RearmForNext(Waitable& endpoint) {
    if (is_open()) ArmOrTell(endpoint);
  }

 private:
  absl::Status MakeFor(Waitable& endpoint);
  SHMCOMM_COLD bool ArmAgain(Waitable& endpoint);
  SHMCOMM_COLD void ArmOrTell(Waitable& endpoint);

  const platform::KeptDescriptor* wake_file_ = nullptr;   // the endpoint's
  platform::KeptDescriptor timer_;
  platform::KeptDescriptor poll_;
};

}  // namespace shmcomm::endpoint
