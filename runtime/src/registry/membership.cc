// SPDX-License-Identifier: Apache-2.0
#include "registry/membership.h"

namespace shmcomm::registry {

absl::StatusOr<LockFile> LockFile::Open(int directory) {
  absl::StatusOr<platform::Descriptor> fd = platform::OpenFileAt(directory, kLockFile, platform::Access::kReadWrite);
  if (!fd.ok()) return fd.status();
  return LockFile(*std::move(fd));
}

Membership::Membership(LockFile file, std::uint64_t byte)
    : fd_(std::move(file.fd_)), byte_(byte), fork_generation_(platform::ForkGeneration()) {
  platform::CloseInForkedChild(fd_.get());
  if (absl::StatusOr<platform::FileIdentity> identity = platform::Identify(fd_.get()); identity.ok()) {
    device_ = identity->device;
    inode_ = identity->inode;
  }
}

Membership& Membership::operator=(Membership&& other) noexcept {
  if (this != &other) {
    Leave();
    fd_ = std::move(other.fd_);
    byte_ = other.byte_;
    fork_generation_ = other.fork_generation_;
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

Membership::~Membership() { Leave(); }

bool Membership::IsStillHeld() const {
  if (!IsThisProcess()) return false;
  const absl::StatusOr<platform::FileIdentity> identity = platform::Identify(fd_.get());
  return identity.ok() && identity->device == device_ && identity->inode == inode_;
}

void Membership::Leave() {
  if (!fd_.valid()) return;
  if (!IsStillHeld()) {
    fd_.Release();  // the number is no longer ours: closing it would close a stranger's file
    return;
  }
  platform::ForgetForkedChild(fd_.get());
  fd_.Reset();
}

}  // namespace shmcomm::registry
