// SPDX-License-Identifier: Apache-2.0
#include "platform/kept_descriptor.h"

#include <utility>

namespace shmcomm::platform {

KeptDescriptor::KeptDescriptor(Descriptor fd) : fd_(std::move(fd)), keeper_(KeepNumber(fd_.get())) {
  if (const absl::StatusOr<FileIdentity> identity = Identify(fd_.get()); identity.ok()) {
    device_ = identity->device;
    inode_ = identity->inode;
  }
}

KeptDescriptor& KeptDescriptor::operator=(KeptDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::move(other.fd_);
    keeper_ = other.keeper_;
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

void KeptDescriptor::Close() {
  if (!fd_.valid()) return;
  if (IsStillOurs()) {
    fd_.Reset();
  } else {
    Forget();
  }
}

bool KeptDescriptor::IsStillOurs() const {
  return fd_.valid() && IsNewestKeeper(fd_.get(), keeper_) && IsFile(fd_.get(), device_, inode_);
}

}  // namespace shmcomm::platform
