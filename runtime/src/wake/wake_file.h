// SPDX-License-Identifier: Apache-2.0
// Waking through a descriptor: a reader that is watched by epoll owns a FIFO `wake.<line>` in the channel's directory, and
// whoever rings writes one byte into it. Protocol: runtime/doc/ring_protocol.md, "Descriptors".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "platform/kept_descriptor.h"
#include "platform/os.h"
#include "segment/layout.h"

namespace shmcomm::wake {

/// The lines that own a wake file: a bitmap, and in each line the generation of its file.
struct WakeFileTable {
  int directory = -1;
  base::Atomic<std::uint64_t>* bits = nullptr;
  layout::ReaderLine* lines = nullptr;
  std::uint32_t count = 0;
};

/// `wake.<line>`
std::string WakeFileName(std::uint32_t line);
bool IsWakeFileName(const std::string& name);

/// Makes the wake file of `line`, whose lock is held, and tells ringers of it. Returns its reading end, which never blocks.
absl::StatusOr<platform::Descriptor> MakeWakeFile(const WakeFileTable& table, std::uint32_t line);

/// Takes it away again: for an owner that leaves, and for its cleaner. The line's lock is held.
void RemoveWakeFile(const WakeFileTable& table, std::uint32_t line);
/// The same where it is known that one there is has its bit set.
void RemoveWakeFileIfAny(const WakeFileTable& table, std::uint32_t line);

/// The ringing end: writes one byte into the wake files of others, and keeps them open. Descriptors are not made on the way
/// of a message but when a file is met for the first time.
class WakeFileRinger {
 public:
  explicit WakeFileRinger(const WakeFileTable& table) : table_(table) {}

  /// Every line that owns one.
  SHMCOMM_COLD void RingAll();
  /// One line; nothing if it owns none, or where memory runs out: rings come after what they tell of, and must not fail.
  SHMCOMM_COLD void Ring(std::uint32_t line);

 private:
  struct Opened {
    std::uint32_t generation = 0;   // 0 = none
    platform::KeptDescriptor file;      // not valid: could not be opened, and is not tried again
  };

  const platform::KeptDescriptor& FileOf(std::uint32_t line);

  WakeFileTable table_;
  std::vector<Opened> opened_;      // by line, once one was met
};

}  // namespace shmcomm::wake
