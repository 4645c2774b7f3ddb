// SPDX-License-Identifier: Apache-2.0
#include "endpoint/waitable.h"

#include <utility>

#include "endpoint/messages.h"

namespace shmcomm::endpoint {

absl::StatusOr<int> Waitable::WakeFileOf(const wake::WakeFileTable& files, std::uint32_t line) {
  if (wake_file_.valid()) return wake_file_.get();
  absl::StatusOr<platform::Descriptor> file = wake::MakeWakeFile(files, line);
  if (!file.ok()) return Named(name(), file.status());
  wake_file_ = *std::move(file);
  RouseThrough(wake_file_.get());
  return wake_file_.get();
}

}  // namespace shmcomm::endpoint
