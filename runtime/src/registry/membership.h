// SPDX-License-Identifier: Apache-2.0
// Proof of life: a lock on one byte of the channel's lock file, held from open to close and released by the kernel when
// the process dies, however it dies. No pid, no heartbeat, no timeout decides who is alive.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "platform/os.h"

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
  explicit LockFile(platform::Descriptor fd) : fd_(std::move(fd)) {}
  platform::Descriptor fd_;
};

/// One held byte. Move-only. In a forked child the descriptor is closed by the system layer and this object is inert.
class Membership {
 public:
  /// `file` holds `byte` and nothing else.
  Membership(LockFile file, std::uint64_t byte);
  Membership(Membership&& other) noexcept = default;
  Membership& operator=(Membership&& other) noexcept;
  ~Membership();

  std::uint64_t byte() const { return byte_; }
  /// False in a forked child. Cheap: for every operation.
  bool IsThisProcess() const { return fork_generation_ == platform::ForkGeneration(); }
  /// False once somebody closed all descriptors of the process under us (daemonise): the lock is gone. One system call.
  bool IsStillHeld() const;

 private:
  void Leave();

  platform::Descriptor fd_;
  std::uint64_t byte_ = 0;
  std::uint32_t fork_generation_ = 0;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

}  // namespace shmcomm::registry
