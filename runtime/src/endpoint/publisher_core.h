// SPDX-License-Identifier: Apache-2.0
// One opened publisher: the channel, its id, its slots, and by value the ring writer and the ringer of the hot path.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/compiler.h"
#include "channel/channel.h"
#include "endpoint/dead_letters.h"
#include "endpoint/deadline_watch.h"
#include "endpoint/debug_log.h"
#include "endpoint/large_messages.h"
#include "endpoint/room.h"
#include "endpoint/room_soon.h"
#include "endpoint/slot_allocator.h"
#include "endpoint/slot_memory.h"
#include "endpoint/waitable.h"
#include "flatbuffers/flatbuffers.h"
#include "registry/seats.h"
#include "ring/writer.h"
#include "shmcomm/loan.h"
#include "shmcomm/options.h"
#include "shmcomm/stats.h"
#include "wake/bell.h"
#include "wake/turns.h"

namespace shmcomm::endpoint {

class PublisherCore final : public Cancellable {
 public:
  static absl::StatusOr<std::unique_ptr<PublisherCore>> Open(const ChannelSpec& spec, const PublisherOptions& options);
  /// The same in a channel and at a place that the caller has chosen, with options that passed CheckOptions.
  static absl::StatusOr<std::unique_ptr<PublisherCore>> Join(channel::Channel channel, registry::PublisherSeat seat,
                                                             const ChannelSpec& spec, const PublisherOptions& options);
  /// What can be said of the options before anything is opened. `size_option` is what the caller's max_size is called.
  static absl::Status CheckOptions(const ChannelSpec& spec, const PublisherOptions& options,
                                   absl::string_view size_option = "max_size");
  ~PublisherCore() override;

  /// `correlation`, on a reply ring: of the request that is answered.
  absl::StatusOr<Loan> Lend(std::uint64_t correlation = 0);
  absl::Status Publish(Loan loan);
  absl::Status PublishRaw(Loan loan, Codec codec);
  absl::Status PublishCopy(const void* data, std::size_t bytes, Codec codec);
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout);

  std::shared_ptr<const void> memory() const { return memory_.mapping(); }

  /// In debug mode, once it is an endpoint of its own and not one of a replier's replies.
  void TellOpened() const;

  // For Loan.
  flatbuffers::FlatBufferBuilder& BuilderOf(std::uint32_t index) { return loans_[index]->builder; }
  absl::StatusOr<std::uint8_t*> RawOf(std::uint32_t index, std::size_t bytes);
  void Abandon(std::uint32_t index);

  const std::string& name() const override { return channel_.name(); }
  void Rouse() override {}               // its sleeps are short
  bool IsThisProcess() const override { return seat_.membership.IsThisProcess(); }
  /// False once this process's descriptors were closed under it: its place may be another's.
  bool IsPlaceHeld() const { return seat_.membership.IsStillHeld(); }
  PublisherStats stats() const;
  const registry::Site& site() const { return channel_.site(); }
  const layout::MetaHeader& meta() const { return channel_.meta(); }
  std::uint64_t max_message_bytes() const { return max_message_bytes_; }
  /// On any thread.
  bool IsLoanOut() const;
  bool IsLoanOutFor(std::uint64_t correlation) const;
  std::uint32_t id() const { return seat_.id; }

  /// What the headers of the messages published from now on say: which request, or which one is answered.
  void SetCorrelation(std::uint64_t correlation) { correlation_ = correlation; }
  /// The slot of the last message.
  segment::SlotIndex last_slot() const { return last_slot_; }
  /// Says in the header of a request that is not over that nobody waits for its reply any more.
  void MarkAbandoned(segment::SlotIndex slot);

  std::uint64_t dead_letters() const { return dead_letters_.count(); }
  void TellDeadLetters(std::function<void(std::uint64_t)> listener) { dead_letters_.TellTo(std::move(listener)); }

  /// How long publishes from now on may wait for room. Nothing where on_full is fail.
  void SetPublishTimeout(absl::Duration timeout);
  /// Where the last message was published, which is where its claim is.
  ring::Sequence last_sequence() const { return writer_.last_sequence(); }

 private:
  /// A loan's builder lives as long as the publisher: only its slot changes.
  struct LoanState {
    explicit LoanState(SlotMemory* memory) : allocator(memory), builder(kFirstBytes, &allocator) {}
    static constexpr std::size_t kFirstBytes = 2048;  // within the first page of a slot

    SlotAllocator allocator;
    flatbuffers::FlatBufferBuilder builder;
    segment::SlotIndex slot = segment::kNoSlot;
    std::size_t raw_bytes = 0;
    std::uint64_t correlation = 0;
    base::Atomic<std::uint32_t> is_out{0};  // read by whoever reaps a closed replier
  };

  PublisherCore(channel::Channel channel, registry::PublisherSeat seat, SlotMemory memory, layout::DataHeader* header,
                const ring::WriterConfig& config, std::uint32_t fresh_first_large, wake::Ordering ordering,
                std::uint32_t max_loans, const PublisherOptions& options, std::string declared_at);

  absl::StatusOr<segment::SlotIndex> Reserve();
  absl::Status Commit(segment::SlotIndex slot, std::size_t bytes, Codec codec);
  void PrefetchForCommit(segment::SlotIndex slot) const;
  SHMCOMM_COLD absl::Status CommitWhenRoom(segment::SlotIndex slot);
  void ChooseNextSlots(std::size_t bytes, std::int64_t publish_ns);
  absl::Status AwaitRoom(std::int64_t start_ns, std::int64_t timeout_ns);
  SHMCOMM_COLD absl::Status Full(std::int64_t start_ns);
  absl::Status FullOfJobs(std::int64_t waited_ns) const;
  bool IsSameWait(std::int64_t start_ns) const;
  bool has_claims() const { return channel_.site().readers.has_claims(); }
  SHMCOMM_COLD absl::Status Corrupt() const;
  static void LetGo(LoanState& loan);
  absl::Status CommitLoan(LoanState& loan, std::size_t bytes, Codec codec);
  SHMCOMM_COLD absl::Status MoveIntoSlot(LoanState& loan);
  SHMCOMM_COLD absl::Status Refuse(absl::Status status);
  SHMCOMM_COLD absl::Status NotOurLoan() const;
  SHMCOMM_COLD absl::Status TooLarge(std::size_t bytes) const;
  SHMCOMM_COLD absl::Status NoSpace(const absl::Status& status, std::size_t bytes) const;

  // Declared so that the seat's lock goes before the channel, which then sees who is left.
  channel::Channel channel_;
  registry::PublisherSeat seat_;
  SlotMemory memory_;
  layout::DataHeader* header_;
  std::uint64_t max_message_bytes_;
  std::uint32_t fresh_first_large_;
  std::string declared_at_;
  std::uint64_t correlation_ = 0;        // reqrep
  segment::SlotIndex last_slot_ = segment::kNoSlot;
  LargeMessages large_;
  std::int64_t room_awaited_ns_ = 0;     // when the caller began to wait for room before the next message
  std::int64_t room_left_ns_ = 0;        // when WaitForRoom last came back from that; 0 if it has not waited
  std::int64_t publish_timeout_ns_ = 0;  // reliable, claimed: 0 where on_full is fail
  Room room_;
  DeadlineWatch deadline_;
  JobRoom job_room_;
  RoomSoon room_soon_;
  std::vector<ring::SlotRecord> records_;
  ring::Writer writer_;
  wake::WakeFileRinger wake_files_;
  wake::Ringer ringer_;
  wake::TurnRinger turn_ringer_;
  DeadLetters dead_letters_;
  std::vector<std::unique_ptr<LoanState>> loans_;
  std::unique_ptr<DebugLog> debug_;      // beside what each publish counts; null unless in debug mode
  PublisherStats stats_;
};

}  // namespace shmcomm::endpoint
