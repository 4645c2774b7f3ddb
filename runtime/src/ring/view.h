// SPDX-License-Identifier: Apache-2.0
// The ring and the readers file as plain memory. Views never own, allocate or call the system: what they point at was
// mapped and validated by segment/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "ring/entry.h"
#include "segment/layout.h"

namespace shmcomm::ring {

/// The ring file. Readers have it mapped read-only and call only what loads.
struct RingView {
  layout::RingHeader* header = nullptr;
  layout::PublisherRow* publishers = nullptr;
  base::Atomic<std::uint64_t>* entries = nullptr;
  std::uint32_t size = 0;            // N, a power of two, taken from the validated meta
  std::uint32_t shift = 0;           // log2 N
  std::uint32_t max_publishers = 0;
  Sequence first = 0;

  std::uint64_t Lap(Sequence sequence) const { return ((sequence >> shift) + 1) & kLapMask; }
  base::Atomic<std::uint64_t>& At(Sequence sequence) const { return entries[sequence & (size - 1)]; }
  base::Atomic<std::uint64_t>& head() const { return header->head; }
};

/// Lays a view over a mapped ring file of `size` entries.
inline RingView ViewRing(std::byte* base, std::uint32_t size, std::uint32_t max_publishers, Sequence first) {
  RingView view;
  view.header = reinterpret_cast<layout::RingHeader*>(base);
  view.publishers = reinterpret_cast<layout::PublisherRow*>(base + layout::kPublisherTableOffset);
  view.entries = reinterpret_cast<base::Atomic<std::uint64_t>*>(base + layout::kEntriesOffset);
  view.size = size;
  while ((std::uint32_t{1} << view.shift) < size) ++view.shift;
  view.max_publishers = max_publishers;
  view.first = first;
  return view;
}

/// The readers file: who reads, where, and holding what; and where messages are claimed, whose each one is.
struct ReadersView {
  layout::ReadersHeader* header = nullptr;
  layout::WakeLine* wake = nullptr;
  base::Atomic<std::uint64_t>* active = nullptr;
  base::Atomic<std::uint64_t>* idle = nullptr;
  base::Atomic<std::uint64_t>* descriptors = nullptr;  // lines that own a wake file
  layout::ReaderLine* lines = nullptr;
  base::Atomic<std::uint64_t>* claims = nullptr;
  std::uint32_t count = 0;           // R
  std::uint32_t claim_count = 0;     // N where messages are claimed, else 0

  base::Atomic<std::uint64_t>& ActiveWord(std::uint32_t line) const { return active[line / 64]; }
  base::Atomic<std::uint64_t>& IdleWord(std::uint32_t line) const { return idle[line / 64]; }
  bool has_claims() const { return claim_count != 0; }
  base::Atomic<std::uint64_t>& ClaimAt(Sequence sequence) const { return claims[sequence & (claim_count - 1)]; }
};

/// `claims` is N where messages are claimed, else 0.
inline ReadersView ViewReaders(std::byte* base, std::uint32_t lines, std::uint32_t claims) {
  ReadersView view;
  view.header = reinterpret_cast<layout::ReadersHeader*>(base);
  view.wake = &view.header->wake;
  view.active = reinterpret_cast<base::Atomic<std::uint64_t>*>(base + layout::kActiveOffset);
  view.idle = reinterpret_cast<base::Atomic<std::uint64_t>*>(base + layout::IdleOffset(lines));
  view.descriptors = reinterpret_cast<base::Atomic<std::uint64_t>*>(base + layout::DescriptorsOffset(lines));
  view.lines = reinterpret_cast<layout::ReaderLine*>(base + layout::LinesOffset(lines));
  view.claims = reinterpret_cast<base::Atomic<std::uint64_t>*>(base + layout::ClaimsOffset(lines));
  view.count = lines;
  view.claim_count = claims;
  return view;
}

}  // namespace shmcomm::ring
