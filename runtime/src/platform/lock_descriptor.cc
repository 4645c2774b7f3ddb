// SPDX-License-Identifier: Apache-2.0
#include "platform/lock_descriptor.h"

#include <utility>

namespace shmcomm::platform {

LockDescriptor::LockDescriptor(Descriptor fd)
    : fd_(std::move(fd)), fork_generation_(ForkGeneration()), fork_entry_(CloseInForkedChild(fd_.get())) {}

LockDescriptor& LockDescriptor::operator=(LockDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::move(other.fd_);
    fork_generation_ = other.fork_generation_;
    fork_entry_ = other.fork_entry_;
  }
  return *this;
}

void LockDescriptor::Close() {
  if (!fd_.valid()) return;
  if (!IsThisProcess()) {
    fd_.Forget();  // closed before fork() returned: the number is a stranger's, if anybody's
    return;
  }
  const NoFork guard;  // a child forked between forgetting and closing would keep the locks
  ForgetForkedChild(fork_entry_);
  fd_.Close();
}

}  // namespace shmcomm::platform
