// SPDX-License-Identifier: Apache-2.0
#include "endpoint/waitable.h"

#include <utility>

#include "endpoint/messages.h"

namespace shmcomm::endpoint {

absl::StatusOr<const platform::KeptDescriptor*> Waitable::WakeFileOf(const wake::WakeFileTable& files, std::uint32_t line) {
  if (wake_file_.valid()) return &wake_file_;
  absl::StatusOr<platform::Descriptor> file = wake::MakeWakeFile(files, line);
  if (!file.ok()) return Named(name(), file.status());
  wake_file_ = platform::KeptDescriptor(*std::move(file));
  RouseThrough(&wake_file_);
  return &wake_file_;
}

}  // namespace shmcomm::endpoint
