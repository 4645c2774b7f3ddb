// SPDX-License-Identifier: Apache-2.0
// Taking several messages at once: one fence protects them all and the cursor takes one step, which is what a take costs
// most where messages come quickly.
#include <algorithm>

#include "endpoint/messages.h"
#include "endpoint/subscriber_core.h"

namespace shmcomm::endpoint {

static_assert(SampleBatch::kMost == layout::kMaxHazards);

SHMCOMM_FLATTEN absl::StatusOr<SampleBatch> SubscriberCore::TakeMany(std::uint32_t most) {
  if (!IsThisProcess()) return Forked(name());
  absl::StatusOr<SampleBatch> batch(absl::in_place);
  most = std::min(most, channel_.meta().max_borrowed);
  FillBatch(*batch, most);
  if (!batch->empty() || most == 0) return batch;
  // Nothing, a single one, or something that has to be mapped, skipped or refused first: by the way of one.
  absl::StatusOr<std::optional<Sample>> sample = TryTake();
  if (!sample.ok()) return sample.status();
  if (!sample->has_value()) return batch;
  batch->Add() = **std::move(sample);
  FillBatch(*batch, most - 1);
  return batch;
}

void SubscriberCore::FillBatch(SampleBatch& batch, std::uint32_t most) {
  ring::Held held[layout::kMaxHazards];
  const std::uint32_t peeked = reader_.PeekMany(held, most);
  if (peeked + batch.size() < 2) return;  // one by one does as well
  for (std::uint32_t i = 0; i < peeked; ++i) PrefetchHeld(held[i]);
  const std::uint32_t count = reader_.ProtectMany(held, peeked);
  std::uint32_t taken = 0;
  std::uint64_t bytes = 0;
  for (; taken < count; ++taken) {
    held_ = held[taken];
    if (!IsHeldReadable()) break;
    if (deadline_.is_set()) MeetDeadline();
    FillSample(batch.Add());
    bytes += message_.bytes;
  }
  reader_.AcceptMany(held, taken, count);
  if (taken == 0) return;
  if (is_gating_) RingRoom();
  Count(taken, bytes);
}

bool SubscriberCore::IsHeldReadable() {
  const ring::MappedPublisher& row = maps_[held_.entry.publisher()];
  message_ = ring::Resolve(row, PublisherGeneration(), held_);
  return message_.resolution == ring::Resolution::kMessage && row.is_compatible && (lifespan_ns_ == 0 || !IsExpired());
}

void SubscriberCore::PrefetchHeld(const ring::Held& held) const {
  const segment::SlotTable& slots = maps_[held.entry.publisher()].slots;
  if (static_cast<std::uint16_t>(held.entry.slot()) >= slots.count) return;
  const std::byte* end = slots.MessageEnd(held.entry.slot());
  base::PrefetchForRead(end);
  base::PrefetchForRead(end - layout::kCacheLine);
}

}  // namespace shmcomm::endpoint
