// SPDX-License-Identifier: Apache-2.0
// An open publisher as its Python object and its loans share it.
#pragma once

#include "shmcomm/publisher.h"

#include <utility>

#include "endpoint.h"

namespace shmcomm::python {

using OpenedPublisher = Opened<Publisher>;

/// Whether publishing waits for subscribers.
inline bool MayWait(const Qos& qos) { return qos.reliability == Reliability::kReliable && qos.on_full == OnFull::kBlock; }

inline bool Finish(const OpenedPublisher& self, const absl::Status& status) {
  if (status.ok()) return true;
  SetUseError(status, self.process);
  return false;
}

/// Calls `publish`, without the GIL where that may wait: the subscriber waited for may be a thread of this program.
template <class Publish>
bool FinishWith(const OpenedPublisher& self, Publish&& publish) {
  if (!MayWait(*self.qos)) return Finish(self, publish());
  absl::Status status;
  {
    nanobind::gil_scoped_release unlocked;
    status = publish();
  }
  return Finish(self, status);
}

/// False with SHMError if another thread may be waiting in a send.
bool CheckNotSending(const OpenedPublisher& self);

}  // namespace shmcomm::python
