// SPDX-License-Identifier: Apache-2.0
// The memory behind a publisher's slots: address space from the start, pages only as messages need them, committed
// before they are written so that a full file system is an error and never a signal.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "base/compiler.h"
#include "platform/kept_descriptor.h"
#include "platform/os.h"
#include "segment/mapping.h"
#include "segment/plan.h"
#include "segment/slots.h"

namespace shmcomm::endpoint {

class SlotMemory {
 public:
  SlotMemory(platform::Descriptor file, std::shared_ptr<segment::Mapping> mapping, const segment::DataPlan& plan);

  const segment::SlotTable& slots() const { return slots_; }
  int file() const { return file_.get(); }
  std::shared_ptr<segment::Mapping> mapping() const { return mapping_; }

  /// Makes the header of `slot` and the `bytes` below it writable without a fault. No system call if they were before.
  /// Errors: kResourceExhausted the file system is full; kOutOfRange beyond the slot; kFailedPrecondition the file was closed
  /// under us.
  absl::Status Ensure(segment::SlotIndex slot, std::uint64_t bytes) {
    if (bytes < committed_[static_cast<std::uint16_t>(slot)]) return absl::OkStatus();
    return Grow(slot, bytes);
  }

  /// Commits and touches every slot to its full length.
  absl::Status CommitAll();

 private:
  SHMCOMM_COLD absl::Status Grow(segment::SlotIndex slot, std::uint64_t bytes);

  platform::KeptDescriptor file_;
  std::shared_ptr<segment::Mapping> mapping_;
  segment::SlotTable slots_;
  std::uint64_t slots_offset_;
  bool is_dense_;
  std::vector<std::uint64_t> committed_;   // per slot: bytes below the header and one for the header itself; 0 = nothing
};

}  // namespace shmcomm::endpoint
