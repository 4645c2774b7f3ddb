// SPDX-License-Identifier: Apache-2.0
// A ring file, a readers file and a publisher's slots in plain memory, in whatever state a test needs. The memory is
// shared with forked children, so that they can die in the middle of something.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "ring/claim.h"
#include "ring/view.h"
#include "ring/writer.h"
#include "segment/layout.h"
#include "segment/slots.h"
#include "wake/turns.h"

namespace shmcomm::test {

/// Zeroed pages, shared with children forked later.
class SharedPages {
 public:
  explicit SharedPages(std::size_t bytes) : bytes_(bytes) {
    void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) std::abort();
    data_ = static_cast<std::byte*>(address);
  }
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;
  ~SharedPages() { munmap(data_, bytes_); }
  std::byte* data() const { return data_; }

 private:
  std::size_t bytes_;
  std::byte* data_ = nullptr;
};

struct LaidSizes {
  std::uint32_t entries = 16;
  std::uint32_t max_publishers = 8;
  std::uint32_t lines = 4;
  ring::Sequence first = 0;
  bool has_claims = false;           // as in pushpull

  std::uint32_t claims() const { return has_claims ? entries : 0; }
};

/// A young ring at `first`, no reader, no publisher; then as the test lays it.
class HandLaid {
 public:
  explicit HandLaid(const LaidSizes& sizes = {})
      : ring_pages_(layout::RingFileBytes(sizes.entries)),
        readers_pages_(layout::ReadersFileBytes(sizes.lines, sizes.claims())),
        ring_(ring::ViewRing(ring_pages_.data(), sizes.entries, sizes.max_publishers, sizes.first)),
        readers_(ring::ViewReaders(readers_pages_.data(), sizes.lines, sizes.claims())) {
    ring_.header->first = sizes.first;
    SetHead(sizes.first);
    for (std::uint32_t i = 0; sizes.first != 0 && i < sizes.entries; ++i) {
      const std::uint64_t lap_before = ring_.Lap(sizes.first + i - sizes.entries);
      ring_.At(sizes.first + i).store(ring::Entry::Make(lap_before, 0, ring::SlotIndex{0}).bits);
      if (sizes.has_claims) LayClaim(sizes.first + i - sizes.entries, ring::ClaimState::kDone, 0, ring::kNobody);
    }
  }

  const ring::RingView& ring() const { return ring_; }
  const ring::ReadersView& readers() const { return readers_; }

  ring::Sequence head() const { return ring_.head().load(); }
  void SetHead(ring::Sequence head) { ring_.head().store(head); }

  ring::Entry EntryFor(ring::Sequence sequence, std::uint32_t publisher, std::uint16_t slot) const {
    return ring::Entry::Make(ring_.Lap(sequence), publisher, ring::SlotIndex{slot});
  }
  ring::Entry entry(ring::Sequence sequence) const { return ring::Entry{ring_.At(sequence).load()}; }
  /// What a publisher's commit leaves at `sequence`, without the head.
  void LayEntry(ring::Sequence sequence, std::uint32_t publisher, std::uint16_t slot) {
    ring_.At(sequence).store(EntryFor(sequence, publisher, slot).bits);
  }
  /// Entries [from, to) of one publisher, slots counted from 0, and the head after them.
  void LayMessages(ring::Sequence from, ring::Sequence to, std::uint32_t publisher) {
    for (ring::Sequence s = from; s != to; ++s) LayEntry(s, publisher, static_cast<std::uint16_t>(s - from));
    SetHead(to);
  }
  void LayTombstone(ring::Sequence sequence) { ring_.At(sequence).store(entry(sequence).Tombstone().bits); }

  ring::ClaimWord claim(ring::Sequence sequence) const { return ring::ClaimWord{readers_.ClaimAt(sequence).load()}; }
  void LayClaim(ring::Sequence sequence, ring::ClaimState state, std::uint32_t attempt, std::uint32_t owner) {
    readers_.ClaimAt(sequence).store(ring::ClaimWord::Make(ring_.Lap(sequence), state, attempt, owner).bits);
  }
  /// Jobs [from, to) that somebody has done, and the head after them.
  void LayDoneJobs(ring::Sequence from, ring::Sequence to, std::uint32_t publisher) {
    LayMessages(from, to, publisher);
    for (ring::Sequence s = from; s != to; ++s) LayClaim(s, ring::ClaimState::kDone, 0, ring::OwnerOf(0));
  }
  std::uint64_t dead_letters() const { return readers_.header->dead_letters.load(); }
  bool IsIdle(std::uint32_t line) const { return (readers_.IdleWord(line).load() >> (line % 64) & 1) != 0; }
  void LayIdle(std::uint32_t line) { readers_.IdleWord(line).fetch_or(std::uint64_t{1} << (line % 64)); }
  bool IsCalled(std::uint32_t line) const { return (readers_.wake->called[line / 64].load() >> (line % 64) & 1) != 0; }
  void LayCalled(std::uint32_t line) { readers_.wake->called[line / 64].fetch_or(std::uint64_t{1} << (line % 64)); }
  wake::TurnWords turns() const { return {readers_.idle, readers_.lines, readers_.wake, readers_.count}; }

  layout::ReaderLine& line(std::uint32_t line) const { return readers_.lines[line]; }
  bool IsActive(std::uint32_t line) const { return (readers_.ActiveWord(line).load() >> (line % 64) & 1) != 0; }
  /// A reader in `line` that holds nothing yet.
  void LayReader(std::uint32_t at, ring::ReaderState state = ring::ReaderState::kActive) {
    readers_.ActiveWord(at).fetch_or(std::uint64_t{1} << (at % 64));
    line(at).cursor.store(ring::CursorWord::Make(head(), 1, state).bits);
  }
  void SetCursor(std::uint32_t at, ring::Sequence cursor) {
    line(at).cursor.store(ring::CursorWord::Make(cursor, 1, this->cursor(at).state()).bits);
  }
  void LayHazard(std::uint32_t at, std::uint32_t hazard, ring::Entry entry) { line(at).hazards[hazard].store(entry.bits); }
  void ClearHazard(std::uint32_t at, std::uint32_t hazard) { line(at).hazards[hazard].store(0); }
  ring::CursorWord cursor(std::uint32_t at) const { return ring::CursorWord{line(at).cursor.load()}; }

 private:
  SharedPages ring_pages_;
  SharedPages readers_pages_;
  ring::RingView ring_;
  ring::ReadersView readers_;
};

/// The slots of one publisher: 64 bytes of message each.
class LaidSlots {
 public:
  static constexpr std::uint64_t kStride = 128;
  explicit LaidSlots(std::uint32_t count) : pages_(kStride * count), table_{pages_.data(), kStride, count, 0} {}
  const segment::SlotTable& table() const { return table_; }
  layout::SlotHeader& header(std::uint16_t slot) const { return *table_.Header(segment::SlotIndex{slot}); }

 private:
  SharedPages pages_;
  segment::SlotTable table_;
};

struct LaidWriterOptions {
  std::uint32_t publisher = 1;
  std::uint32_t slots = 20;
  ring::CommitMode mode = ring::CommitMode::kShared;
  std::uint32_t history = 0;
  std::uint32_t fresh_first = 0xFFFF;
  std::uint32_t gate = 0;
};

/// A writer on a hand-laid ring, with slots of its own.
class LaidWriter {
 public:
  explicit LaidWriter(const HandLaid& laid, const LaidWriterOptions& options = {})
      : slots_(options.slots), records_(options.slots), writer_(ConfigFor(laid, options), records_.data()) {}

  ring::Writer& operator*() { return writer_; }
  ring::Writer* operator->() { return &writer_; }
  const LaidSlots& slots() const { return slots_; }

  /// Publishes one message and says in which slot, kNoSlot if none was to be had.
  ring::SlotIndex Publish() {
    const ring::SlotIndex slot = writer_.Reserve();
    if (slot == segment::kNoSlot) return slot;
    return writer_.Commit(slot) == ring::Writer::CommitResult::kCommitted ? slot : segment::kNoSlot;
  }
  void Publish(int count) {
    for (int i = 0; i < count; ++i) {
      if (Publish() == segment::kNoSlot) std::abort();
    }
  }

 private:
  ring::WriterConfig ConfigFor(const HandLaid& laid, const LaidWriterOptions& options) const {
    ring::WriterConfig config;
    config.ring = laid.ring();
    config.readers = laid.readers();
    config.slots = slots_.table();
    config.publisher = options.publisher;
    config.mode = options.mode;
    config.history = options.history;
    config.gate = options.gate;
    config.fresh_first = options.fresh_first < options.slots ? options.fresh_first : options.slots;
    return config;
  }

  LaidSlots slots_;
  std::vector<ring::SlotRecord> records_;
  ring::Writer writer_;
};

}  // namespace shmcomm::test
