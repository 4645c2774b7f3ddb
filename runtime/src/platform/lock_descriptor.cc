// SPDX-License-Identifier: Apache-2.0
#include "platform/lock_descriptor.h"

#include <utility>

namespace shmcomm::platform {

LockDescriptor::LockDescriptor(Descriptor fd) : fd_(std::move(fd)), fork_generation_(ForkGeneration()) {
  CloseInForkedChild(fd_.get());
}

LockDescriptor& LockDescriptor::operator=(LockDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::move(other.fd_);
    fork_generation_ = other.fork_generation_;
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
  ForgetForkedChild(fd_.get());
  fd_.Close();
}

}  // namespace shmcomm::platform
