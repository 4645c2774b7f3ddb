// SPDX-License-Identifier: Apache-2.0
#include "registry/membership.h"

namespace shmcomm::registry {

absl::StatusOr<LockFile> LockFile::Open(int directory) {
  const platform::NoFork guard;
  absl::StatusOr<platform::Descriptor> fd = platform::OpenFileAt(directory, kLockFile, platform::Access::kReadWrite);
  if (!fd.ok()) return fd.status();
  return LockFile(platform::LockDescriptor(*std::move(fd)));
}

}  // namespace shmcomm::registry
