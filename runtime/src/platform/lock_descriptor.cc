// SPDX-License-Identifier: Apache-2.0
#include "platform/lock_descriptor.h"

#include <utility>

namespace shmcomm::platform {

LockDescriptor::LockDescriptor(Descriptor fd) : fd_(std::move(fd)), fork_generation_(ForkGeneration()) {
  CloseInForkedChild(fd_.get());
  if (const absl::StatusOr<FileIdentity> identity = Identify(fd_.get()); identity.ok()) {
    device_ = identity->device;
    inode_ = identity->inode;
  }
}

LockDescriptor& LockDescriptor::operator=(LockDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::move(other.fd_);
    fork_generation_ = other.fork_generation_;
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

void LockDescriptor::Close() {
  if (!fd_.valid()) return;
  const NoFork guard;  // a child forked between forgetting and closing would keep the locks
  if (IsThisProcess()) ForgetForkedChild(fd_.get());
  if (IsStillOurs()) {
    fd_.Reset();
  } else {
    fd_.Release();  // the number may be a stranger's by now: closing it would close his file
  }
}

bool LockDescriptor::IsStillOurs() const {
  if (!fd_.valid() || !IsThisProcess()) return false;
  const absl::StatusOr<FileIdentity> identity = Identify(fd_.get());
  return identity.ok() && identity->device == device_ && identity->inode == inode_;
}

}  // namespace shmcomm::platform
