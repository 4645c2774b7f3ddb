// SPDX-License-Identifier: Apache-2.0
// One small channel in plain memory, with publishers and readers that run the shipped ring code and check what they see.
// Nothing here is shared memory protocol: only what endpoints do around it, and the book-keeping of the invariants.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "endpoint/room.h"
#include "registry/site.h"
#include "ring/reader.h"
#include "ring/segments.h"
#include "ring/writer.h"
#include "sched/machine.h"
#include "wake/bell.h"
#include "wake/room.h"
#include "wake/turns.h"

namespace shmcomm::sched {

struct Shape {
  std::uint32_t entries = 2;         // N; production demands 16, the ring itself does not
  std::uint32_t readers = 1;         // R, the lines that are used
  std::uint32_t first_line = 0;      // of them; those before it stay free
  std::uint32_t max_publishers = 3;
  std::uint32_t max_borrowed = 1;    // H
  std::uint32_t slots = 5;           // of each publisher
  std::uint32_t history = 0;
  std::uint32_t capacity = 0;        // reliable: unread messages allowed; 0: best_effort
  std::uint64_t first = 0;
  ring::CommitMode mode = ring::CommitMode::kShared;
  bool has_claims = false;           // each message goes to one reader
  std::uint32_t max_attempts = 3;    // where it does
  bool is_correlated = false;        // messages say which request they answer
  bool retires_early = false;        // as for large messages: slots come back once everybody has passed them
  bool may_run_out = false;          // fewer slots than promises need: a publisher may have to give a message up
  std::uint32_t most_quiet = 1024;   // fences for nobody after which a sole writer leaves them out
  bool prepares = false;             // publishers take slots back after a commit, not only when they need one

  std::uint32_t Lines() const { return first_line + readers; }
  std::uint32_t Claims() const { return has_claims ? entries : 0; }
  /// The least with which a pusher waits for nothing but jobs that are not over.
  std::uint32_t LeastJobSlots() const { return entries + 1; }
  /// What the layout gives a publisher with one loan.
  std::uint32_t FullSlots() const { return entries + readers * max_borrowed + 2; }
  /// The least with which a reliable publisher waits for nothing but the gate.
  std::uint32_t LeastReliableSlots() const { return entries + readers * max_borrowed + 1; }
  /// The least with which a best_effort loan always succeeds (I6).
  std::uint32_t LeastSlots() const { return readers * max_borrowed + 1; }
};

inline constexpr std::uint32_t kMaxModelEntries = 8;
inline constexpr std::uint32_t kMaxModelLines = 66;
inline constexpr std::uint32_t kMaxModelSlots = 16;
inline constexpr std::uint32_t kMaxFiles = 4;      // data files, one for each publisher that ever opens
inline constexpr std::uint32_t kMaxMessages = 24;  // of all publishers together

/// The files of one channel.
class ChannelModel {
 public:
  explicit ChannelModel(const Shape& shape) : shape_(shape) {}

  /// As its creator leaves it.
  void Reset();
  /// As the registry sees it.
  registry::Site site() const;
  /// `prefix` tells one channel from another.
  void Describe(Names& names, const std::string& prefix = "") const;

  const Shape& shape() const { return shape_; }
  const ring::RingView& ring() const { return ring_; }
  const ring::ReadersView& readers() const { return readers_; }

  /// A publisher's data file is built. Returns its number, from 0.
  std::uint32_t LayFile(std::uint32_t publisher, std::uint32_t generation, ring::Sequence start_sequence);
  segment::SlotTable Slots(std::uint32_t file) const;
  /// What a reader finds when it opens the publisher's file of that generation; null when it is gone.
  const ring::MappedPublisher* Open(std::uint32_t publisher, std::uint32_t generation) const;
  /// True when the entry's message is gone because its publisher's id has a new owner.
  bool IsStale(ring::Entry entry, ring::Sequence at) const;

  /// The sequence behind the last published message, as the entries tell it.
  ring::Sequence End() const;
  /// Reliable: messages that may be published before some reader has to read.
  std::uint32_t RoomLeft() const;
  /// I1, I2: the entries form one unbroken ring up to End(), and the promised history is in it.
  void CheckEntries(Machine& machine) const;
  /// Every publisher that a reader may still need has its data file.
  void CheckFiles(Machine& machine) const;
  /// What was given to readers is what the entries still name.
  void CheckDelivered(Machine& machine) const;

  // Book-keeping of all endpoints, outside the model's memory.
  std::uint32_t files = 0;     // laid
  std::uint32_t attempts = 0;
  std::uint32_t commits = 0;
  bool has_file_names = false;  // its publishers are processes: what is not in the directory cannot be opened
  std::array<std::uint64_t, kMaxMessages> delivered{};  // by sequence - first: what somebody was given there

 private:
  static constexpr std::size_t kStride = 128;

  void CheckHistory(Machine& machine) const;

  Shape shape_;
  ring::RingView ring_;
  ring::ReadersView readers_;
  struct File {
    std::uint32_t publisher = 0;
    ring::MappedPublisher mapped;
  };
  File files_[kMaxFiles];
  alignas(64) std::byte ring_bytes_[layout::RingFileBytes(kMaxModelEntries)];
  alignas(64) std::byte readers_bytes_[layout::ReadersFileBytes(kMaxModelLines, kMaxModelEntries)];
  alignas(64) std::byte data_[kMaxFiles][kMaxModelSlots * kStride];
};

/// A publisher: loan, fill, commit, ring.
class ModelPublisher {
 public:
  /// Before or while the threads run; data file `file` is laid.
  void Open(Machine& machine, ChannelModel& channel, std::uint32_t file, std::uint32_t publisher);
  void UseBell(wake::Ordering ordering);
  void DemoteAfter(std::int64_t ns) { room_.emplace(channel_->site(), ns); }
  void Publish();
  /// The same without waiting: false where there is no room.
  bool TryPublish();
  /// As a pusher whose channel's messages are claimed. Returns where.
  ring::Sequence Push();
  /// What the headers of the messages published from now on say.
  void SetCorrelation(std::uint64_t correlation) { correlation_ = correlation; }
  /// I5: after everything has ended, every slot but `pinned` can be had again.
  void CheckNoSlotIsLost(std::uint32_t pinned);
  bool is_open() const { return writer_.has_value(); }

 private:
  /// A slot with the next message written, or none when the shape allows it.
  segment::SlotIndex Fill();

  Machine* machine_ = nullptr;
  ChannelModel* channel_ = nullptr;
  std::uint32_t file_ = 0;
  std::uint32_t number_ = 0;
  std::uint64_t correlation_ = 0;
  std::optional<ring::Writer> writer_;
  std::optional<wake::WakeFileRinger> wake_files_;
  std::optional<wake::Ringer> ringer_;
  std::optional<wake::TurnRinger> turn_ringer_;
  std::optional<endpoint::Room> room_;
  std::optional<endpoint::JobRoom> job_room_;
  ring::SlotRecord records_[kMaxModelSlots];
};

/// A subscriber: join, take, look twice, release.
class ModelReader {
 public:
  /// `reader` counts from 0: its line is as many behind the first.
  void Open(Machine& machine, ChannelModel& channel, std::uint32_t reader, bool is_lossy = false);
  void Join(std::uint32_t history = 0);

  /// True when something was held, and is to be released.
  bool Take();
  /// Looks again at what is held longest and lets it go.
  void Release();
  void ReleaseNewest();
  /// The same on another thread than the one that took it.
  void ReleaseHandedOver();
  std::uint32_t holds() const { return held_; }
  bool TakeAndRelease() { return Take() && (Release(), true); }
  /// The newest instead of the next one.
  bool TakeLatest();
  /// Up to `most` at once. Returns how many are held more.
  std::uint32_t TakeMany(std::uint32_t most);
  bool IsAvailable() const { return reader_->IsAvailable(); }
  bool is_open() const { return reader_.has_value(); }

  /// After everything has ended: takes what is left, then compares what came with what was published.
  void CheckNothingIsMissing();
  std::uint32_t received() const { return received_; }
  std::uint64_t lost() const { return lost_; }
  ring::Sequence position() const { return reader_->position(); }
  std::uint32_t demotions() const { return reader_->demotions(); }
  /// Of the last message taken.
  std::uint64_t correlation() const { return correlation_; }

 private:
  struct Sample {
    ring::Held held;
    const std::uint64_t* words;
    std::uint64_t value;
  };

  bool Resolve(const ring::Held& held);
  std::optional<Sample> LookAt(const ring::Held& held);
  void Keep(const Sample& sample);
  void Note(const Sample& sample);
  void CheckLoss(std::uint64_t lost, std::uint32_t demotions, ring::Sequence end) const;
  void Release(std::uint32_t index);
  void RingRoom();

  Machine* machine_ = nullptr;
  ChannelModel* channel_ = nullptr;
  std::optional<ring::Reader> reader_;
  std::uint32_t line_ = 0;
  bool is_lossy_ = false;
  ring::Sequence start_ = 0;
  std::uint32_t history_ = 0;        // wanted
  ring::Sequence rung_at_ = 0;
  std::uint64_t correlation_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t passed_over_ = 0;
  std::uint64_t passed_over_at_ = 0;
  std::uint32_t received_ = 0;
  std::uint64_t received_at_ = 0;    // bit per sequence - first
  ring::Sequence last_ = 0;
  std::array<std::uint32_t, kMaxFiles> last_number_{};
  Sample samples_[layout::kMaxHazards];
  std::uint32_t held_ = 0;
  base::Atomic<std::uint32_t> handed_over_{0};
};

}  // namespace shmcomm::sched
