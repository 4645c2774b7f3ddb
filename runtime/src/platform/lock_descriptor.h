// SPDX-License-Identifier: Apache-2.0
// A descriptor whose open file description carries locks. It must not live on in a forked child, where it would keep a
// dead parent looking alive, and it must not be believed after somebody closed all descriptors of the process.
#pragma once

#include <cstdint>

#include "platform/kept_descriptor.h"
#include "platform/os.h"

namespace shmcomm::platform {

/// Move-only. Closing it releases its locks. In a forked child it is closed before fork() returns there.
class LockDescriptor {
 public:
  /// Takes over an open descriptor that holds no lock yet. The caller keeps a NoFork from its open until here.
  explicit LockDescriptor(Descriptor fd);
  LockDescriptor(LockDescriptor&& other) noexcept = default;
  LockDescriptor& operator=(LockDescriptor&& other) noexcept;
  ~LockDescriptor() { Close(); }

  int get() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  void Close();

  /// False in a forked child. No system call.
  bool IsThisProcess() const { return fork_generation_ == ForkGeneration(); }
  /// False when the number no longer leads to our file: its locks are gone. One system call.
  bool IsStillOurs() const { return IsThisProcess() && fd_.IsStillOurs(); }

 private:
  KeptDescriptor fd_;
  std::uint32_t fork_generation_ = 0;
  std::uint64_t fork_entry_ = 0;
};

}  // namespace shmcomm::platform
