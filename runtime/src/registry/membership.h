// SPDX-License-Identifier: Apache-2.0
// Proof of life: a lock on one byte of the channel's lock file, held from open to close and released by the kernel when
// the process dies, however it dies. No pid, no heartbeat, no timeout decides who is alive.
#pragma once

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "platform/lock_descriptor.h"

namespace shmcomm::registry {

inline constexpr char kLockFile[] = "lock";

/// A file description of the lock file, opened for one purpose. Locks belong to descriptions: the one that holds a byte
/// would "succeed" again against itself, so every probe opens its own.
class LockFile {
 public:
  static absl::StatusOr<LockFile> Open(int directory);
  absl::StatusOr<bool> TryLock(std::uint64_t byte) { return platform::TryLockByte(fd_.get(), byte); }
  void Unlock(std::uint64_t byte) { platform::UnlockByte(fd_.get(), byte); }

 private:
  friend class Membership;
  explicit LockFile(platform::LockDescriptor fd) : fd_(std::move(fd)) {}
  platform::LockDescriptor fd_;
};

/// One held byte, until this goes. Move-only. In a forked child it is inert.
class Membership {
 public:
  /// `file` holds `byte` and nothing else.
  Membership(LockFile file, std::uint64_t byte) : fd_(std::move(file.fd_)), byte_(byte) {}

  std::uint64_t byte() const { return byte_; }
  /// False in a forked child. Cheap: for every operation.
  bool IsThisProcess() const { return fd_.IsThisProcess(); }
  /// False once somebody closed all descriptors of the process under us (daemonise): the lock is gone. One system call.
  bool IsStillHeld() const { return fd_.IsStillOurs(); }

 private:
  platform::LockDescriptor fd_;
  std::uint64_t byte_;
};

}  // namespace shmcomm::registry
