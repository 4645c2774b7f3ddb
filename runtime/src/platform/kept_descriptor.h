// SPDX-License-Identifier: Apache-2.0
// A descriptor that stays open as long as an endpoint. Programs close what they do not know (daemonise, close_range), and
// open other files under the same numbers: those are not ours to change or to close.
#pragma once

#include <cstdint>

#include "platform/os.h"

namespace shmcomm::platform {

/// Move-only. Closes the file that it was given, and no other one that has got its number since. Polls, timers, events and
/// other nameless files are all one to the kernel: those of the program are not told from ours.
class KeptDescriptor {
 public:
  KeptDescriptor() = default;
  explicit KeptDescriptor(Descriptor fd);
  KeptDescriptor(KeptDescriptor&& other) noexcept = default;
  KeptDescriptor& operator=(KeptDescriptor&& other) noexcept;
  ~KeptDescriptor() { Close(); }

  int get() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  /// One system call more than close().
  void Close();
  /// Gives the number up and leaves what it leads to open.
  void Forget() { fd_.Release(); }

  /// False when the number no longer leads to our file. One system call, on any thread.
  bool IsStillOurs() const;

 private:
  Descriptor fd_;
  std::uint64_t keeper_ = 0;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

/// As those of a number in platform/os.h, but nothing where it is no longer ours.
inline void WriteByte(const KeptDescriptor& file) {
  if (file.IsStillOurs()) WriteByte(file.get());
}
inline void Drain(const KeptDescriptor& file) {
  if (file.IsStillOurs()) Drain(file.get());
}
inline void WriteEvent(const KeptDescriptor& event) {
  if (event.IsStillOurs()) WriteEvent(event.get());
}
inline void SetTimer(const KeptDescriptor& timer, std::int64_t after_ns) {
  if (timer.IsStillOurs()) SetTimer(timer.get(), after_ns);
}

}  // namespace shmcomm::platform
