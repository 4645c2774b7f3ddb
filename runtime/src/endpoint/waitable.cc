// SPDX-License-Identifier: Apache-2.0
#include "endpoint/waitable.h"

#include <utility>

#include "endpoint/messages.h"
#include "registry/seats.h"

namespace shmcomm::endpoint {

absl::StatusOr<const platform::KeptDescriptor*> Waitable::WakeFileOf(const wake::WakeFileTable& files, const registry::ReaderSeat& seat) {
  if (wake_file_.valid()) return &wake_file_;
  if (!seat.membership.IsStillHeld()) return LockLost(name());
  absl::StatusOr<platform::Descriptor> file = wake::MakeWakeFile(files, seat.line);
  if (!file.ok()) return Named(name(), file.status());
  wake_file_ = platform::KeptDescriptor(*std::move(file));
  RouseThrough(&wake_file_);
  return &wake_file_;
}

}  // namespace shmcomm::endpoint
