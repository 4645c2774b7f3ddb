// SPDX-License-Identifier: Apache-2.0
#include "endpoint/slot_memory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace shmcomm::endpoint {

SlotMemory::SlotMemory(platform::Descriptor file, std::shared_ptr<segment::Mapping> mapping, const segment::DataPlan& plan)
    : file_(std::move(file)),
      mapping_(std::move(mapping)),
      slots_{mapping_->data() + plan.slots_offset, plan.stride, plan.slots, plan.stagger},
      slots_offset_(plan.slots_offset),
      is_dense_(plan.is_dense),
      committed_(plan.slots, 0) {}

absl::Status SlotMemory::CommitAll() {
  const std::uint64_t bytes = mapping_->size() - slots_offset_;
  if (absl::Status status = platform::CommitPages(file_.get(), slots_offset_, bytes); !status.ok()) return status;
  platform::Populate(mapping_->data(), mapping_->size(), platform::Access::kReadWrite);
  std::fill(committed_.begin(), committed_.end(), slots_.Room() + 1);
  return absl::OkStatus();
}

absl::Status SlotMemory::Grow(segment::SlotIndex slot, std::uint64_t bytes) {
  if (bytes > slots_.Room()) return absl::OutOfRangeError(absl::StrCat(bytes, " B do not fit a slot"));
  // To commit pages is to lengthen a file, and by now the number may lead to one of the program's.
  if (!file_.IsStillOurs()) return absl::FailedPreconditionError("the data file was closed");
  const std::uint64_t page = platform::PageBytes();
  const std::uint64_t end = slots_offset_ + slots_.EndOffset(slot);
  const std::uint64_t start = end - sizeof(layout::SlotHeader);
  const std::uint64_t low = (start - bytes) / page * page;
  const std::uint64_t high = (end + page - 1) / page * page;
  if (absl::Status status = platform::CommitPages(file_.get(), low, high - low); !status.ok()) return status;
  // Slots that are not dense begin at a page: what was committed below reaches down to `low`, but not past the slot.
  std::uint64_t& committed = committed_[static_cast<std::uint16_t>(slot)];
  committed = 1 + (is_dense_ ? bytes : std::min(start - low, slots_.Room()));
  return absl::OkStatus();
}

}  // namespace shmcomm::endpoint
