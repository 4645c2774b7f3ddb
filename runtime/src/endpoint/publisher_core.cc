// SPDX-License-Identifier: Apache-2.0
#include "endpoint/publisher_core.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "endpoint/data_file.h"
#include "endpoint/messages.h"
#include "endpoint/orphans.h"
#include "endpoint/waiting.h"

namespace shmcomm::endpoint {
namespace {

// A publisher whose descriptors were closed under it must not go on beside its successor for long; asking is a system call.
constexpr std::uint64_t kPublishesPerLockCheck = 1024;

absl::StatusOr<std::uint64_t> MaxMessageBytes(const ChannelSpec& spec, const PublisherOptions& options,
                                              absl::string_view option = "max_size") {
  if (options.max_size == 0) return spec.qos.max_size;
  if (options.max_size <= spec.qos.max_size && !spec.message.is_struct) return options.max_size;
  return OptionBeyond(spec, options, option, options.max_size, spec.qos.max_size,
                      spec.message.is_struct ? " exactly" : " at most");
}

absl::StatusOr<std::uint32_t> MaxLoans(const ChannelSpec& spec, const PublisherOptions& options) {
  if (options.max_loans == 0) return spec.qos.max_loans;
  if (options.max_loans <= spec.qos.max_loans) return options.max_loans;
  return OptionBeyond(spec, options, "max_loans", options.max_loans, spec.qos.max_loans, " at most");
}

/// Most structs are a few lines long: copied here, they cost less than a call.
void CopyMessage(std::byte* to, const void* from, std::size_t bytes) {
  constexpr std::size_t kFewBytes = 4 * layout::kCacheLine;
  if (bytes % layout::kCacheLine != 0 || bytes > kFewBytes) {
    std::memcpy(to, from, bytes);
    return;
  }
  const auto* source = static_cast<const std::byte*>(from);
  for (std::size_t at = 0; at < bytes; at += layout::kCacheLine) std::memcpy(to + at, source + at, layout::kCacheLine);
}

/// A sole writer may leave its fence out until sleepers ask for it, if the kernel lets it register for their membarrier.
wake::Ordering OrderingFor(ring::CommitMode mode) {
  if (mode == ring::CommitMode::kShared) return wake::Ordering::kFenceAfterRmw;
  return platform::RegisterForBarrier() ? wake::Ordering::kAsymmetric : wake::Ordering::kFence;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PublisherCore>> PublisherCore::Open(const ChannelSpec& spec, const PublisherOptions& options) {
  if (absl::Status checked = CheckOptions(spec, options); !checked.ok()) return checked;
  absl::StatusOr<channel::Channel> channel = channel::Channel::Open(spec, options, channel::Role::kWriter);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<registry::PublisherSeat> seat = registry::TakePublisherId(channel->site());
  if (!seat.ok()) return Named(channel->name(), seat.status());
  absl::StatusOr<std::unique_ptr<PublisherCore>> core = Join(*std::move(channel), *std::move(seat), spec, options);
  if (core.ok()) (*core)->TellOpened();
  return core;
}

absl::Status PublisherCore::CheckOptions(const ChannelSpec& spec, const PublisherOptions& options, absl::string_view size_option) {
  if (absl::Status status = MaxMessageBytes(spec, options, size_option).status(); !status.ok()) return status;
  return MaxLoans(spec, options).status();
}

absl::StatusOr<std::unique_ptr<PublisherCore>> PublisherCore::Join(channel::Channel channel, registry::PublisherSeat seat,
                                                                  const ChannelSpec& spec, const PublisherOptions& options) {
  absl::StatusOr<DataFile> data = CreateDataFile(channel, seat, spec, *MaxMessageBytes(spec, options));
  if (!data.ok()) return Named(channel.name(), data.status());
  registry::AnnouncePublisher(channel.site(), seat);

  ring::WriterConfig config;
  config.ring = channel.site().ring;
  config.readers = channel.site().readers;
  config.slots = data->memory.slots();
  config.publisher = seat.id;
  const bool is_sole = channel.meta().max_publishers == 1 && !channel.site().readers.has_claims();
  config.mode = is_sole ? ring::CommitMode::kSole : ring::CommitMode::kShared;
  config.history = channel.meta().history;
  config.gate = channel.site().is_reliable ? channel.meta().capacity : 0;
  config.fresh_first = data->plan.fresh_first;
  return std::unique_ptr<PublisherCore>(new PublisherCore(std::move(channel), std::move(seat), std::move(data->memory),
                                                          data->header, config, data->plan.fresh_first_large,
                                                          OrderingFor(config.mode), *MaxLoans(spec, options), options, spec.declared_at));
}

PublisherCore::PublisherCore(channel::Channel channel, registry::PublisherSeat seat, SlotMemory memory,
                             layout::DataHeader* header, const ring::WriterConfig& config,
                             std::uint32_t fresh_first_large, wake::Ordering ordering, std::uint32_t max_loans,
                             const PublisherOptions& options, std::string declared_at)
    : channel_(std::move(channel)),
      seat_(std::move(seat)),
      memory_(std::move(memory)),
      header_(header),
      max_message_bytes_(header->max_message_bytes),
      fresh_first_large_(fresh_first_large),
      declared_at_(std::move(declared_at)),
      room_(channel_.site(), WaitNs(options.demote_after)),
      deadline_(channel_.name(), channel_.meta().deadline_ns, options.on_deadline_missed),
      job_room_(channel_.site()),
      records_(config.slots.count),
      writer_(config, records_.data()),
      wake_files_(channel_.site().wake_files()),
      ringer_(*config.readers.wake, ordering, &wake_files_),
      turn_ringer_(channel_.site().turns(), &wake_files_),
      dead_letters_(channel_.name(), *channel_.site().readers.header),
      debug_(DebugLog::IfWanted(channel_.name(), channel_.site().roles)) {
  SetPublishTimeout(options.publish_timeout);
  for (std::uint32_t i = 0; i < max_loans; ++i) loans_.push_back(std::make_unique<LoanState>(&memory_));
}

PublisherCore::~PublisherCore() {
  if (!IsThisProcess()) return;
  try {
    registry::LeavePublisherId(channel_.site(), seat_);
  } catch (const std::bad_alloc&) {
    // The next open cleans up, as after a death.
  }
}

void PublisherCore::SetPublishTimeout(absl::Duration timeout) {
  const bool may_wait = channel_.meta().on_full == static_cast<std::uint8_t>(OnFull::kBlock);
  publish_timeout_ns_ = may_wait ? WaitNs(timeout) : 0;
}

absl::StatusOr<Loan> PublisherCore::Lend(std::uint64_t correlation) {
  if (!IsThisProcess()) return Forked(name());
  std::uint32_t index = 0;
  while (index < loans_.size() && loans_[index]->is_out.load(std::memory_order_relaxed) != 0) ++index;  // relaxed: ours
  if (index == loans_.size()) {
    return Refuse(absl::ResourceExhaustedError(absl::StrCat(
        name(), ": you hold ", loans_.size(), " of ", loans_.size(), " loans; publish or drop one",
        OrRaise(channel_.meta(), "max_loans", loans_.size(), layout::kMaxLoans))));
  }
  absl::StatusOr<segment::SlotIndex> slot = Reserve();
  if (!slot.ok()) return Refuse(slot.status());
  PrefetchForCommit(*slot);
  LoanState& loan = *loans_[index];
  loan.allocator.Aim(*slot);
  loan.slot = *slot;
  loan.raw_bytes = 0;
  loan.correlation = correlation;
  loan.is_out.store(1, std::memory_order_relaxed);  // relaxed: Lend is ours
  return Loan(this, index);
}

absl::StatusOr<segment::SlotIndex> PublisherCore::Reserve() {
  const segment::SlotIndex slot = writer_.Reserve();
  if (large_.is_large()) large_.Reserved(platform::NowNs());
  if (slot != segment::kNoSlot) return slot;
  return absl::DataLossError(
      absl::StrCat(name(), ": no slot is free, though there is one for every borrower; the readers file is corrupt: "
                           "close all ends of the channel, and it is made anew"));
}

absl::StatusOr<std::uint8_t*> PublisherCore::RawOf(std::uint32_t index, std::size_t bytes) {
  LoanState& loan = *loans_[index];
  if (bytes > max_message_bytes_) return TooLarge(bytes);
  if (absl::Status s = memory_.Ensure(loan.slot, bytes); !s.ok()) return NoSpace(s, bytes);
  loan.raw_bytes = bytes;
  return reinterpret_cast<std::uint8_t*>(memory_.slots().MessageEnd(loan.slot)) - bytes;
}

void PublisherCore::Abandon(std::uint32_t index) {
  LoanState& loan = *loans_[index];
  loan.builder.Reset();
  writer_.Abandon(loan.slot);
  LetGo(loan);
  orphans::ReapIfAny();  // the last touch: the core may be gone
}

absl::Status PublisherCore::Publish(Loan loan) {
  if (!IsThisProcess()) return Forked(name());
  if (loan.core_ != this) return NotOurLoan();
  LoanState& state = *loans_[loan.index_];
  const std::size_t bytes = state.builder.GetSize();
  if (bytes > max_message_bytes_) return Refuse(TooLarge(bytes));
  if (!state.allocator.spill_reason().ok()) {
    if (absl::Status s = MoveIntoSlot(state); !s.ok()) return Refuse(s);
  } else if (bytes == 0) {
    return Refuse(absl::InvalidArgumentError(
        absl::StrCat(name(), ": the loan's builder holds no finished message; call its Finish first")));
  }
  absl::Status committed = CommitLoan(state, bytes, Codec::kFlatBuffer);
  if (committed.ok()) loan.core_ = nullptr;
  return committed;
}

absl::Status PublisherCore::PublishRaw(Loan loan, Codec codec) {
  if (!IsThisProcess()) return Forked(name());
  if (loan.core_ != this) return NotOurLoan();
  LoanState& state = *loans_[loan.index_];
  absl::Status committed = CommitLoan(state, state.raw_bytes, codec);
  if (committed.ok()) loan.core_ = nullptr;
  return committed;
}

SHMCOMM_FLATTEN absl::Status PublisherCore::PublishCopy(const void* data, std::size_t bytes, Codec codec) {
  if (!IsThisProcess()) return Forked(name());
  if (bytes > max_message_bytes_) return Refuse(TooLarge(bytes));
  const absl::StatusOr<segment::SlotIndex> slot = Reserve();
  if (!slot.ok()) return Refuse(slot.status());
  PrefetchForCommit(*slot);
  absl::Status status = memory_.Ensure(*slot, bytes);
  if (status.ok()) {
    CopyMessage(memory_.slots().MessageEnd(*slot) - bytes, data, bytes);
    status = Commit(*slot, bytes, codec);
    if (status.ok()) return status;
  } else {
    status = NoSpace(status, bytes);
  }
  writer_.Abandon(*slot);
  return Refuse(status);
}

/// Readers that poll hold copies of what a commit writes. Asked for together, the lines come in the time of one.
void PublisherCore::PrefetchForCommit(segment::SlotIndex slot) const {
  writer_.PrefetchEntry();
  const std::byte* end = memory_.slots().MessageEnd(slot);
  base::PrefetchForWrite(end);
  base::PrefetchForWrite(end - layout::kCacheLine);
}

absl::Status PublisherCore::CommitLoan(LoanState& loan, std::size_t bytes, Codec codec) {
  writer_.PrefetchEntry();
  // Forgets the buffer, which is the slot itself, before somebody may read it.
  loan.builder.Reset();
  absl::Status committed = Commit(loan.slot, bytes, codec);
  if (!committed.ok()) return Refuse(committed);
  LetGo(loan);
  return committed;
}

/// The builder's buffer outgrew the slot though the message fits: scratch, or a commit that failed and may work now.
absl::Status PublisherCore::MoveIntoSlot(LoanState& loan) {
  const std::size_t bytes = loan.builder.GetSize();
  if (absl::Status s = memory_.Ensure(loan.slot, bytes); !s.ok()) return NoSpace(s, bytes);
  std::memcpy(memory_.slots().MessageEnd(loan.slot) - bytes, loan.builder.GetBufferPointer(), bytes);
  return absl::OkStatus();
}

absl::Status PublisherCore::Commit(segment::SlotIndex slot, std::size_t bytes, Codec codec) {
  if (stats_.sent % kPublishesPerLockCheck == 0 && !seat_.membership.IsStillHeld()) return LockLost(name());
  layout::SlotHeader* header = memory_.slots().Header(slot);
  header->publish_ns = platform::NowNs();
  header->message_bytes = static_cast<std::uint32_t>(bytes);
  header->codec = static_cast<std::uint32_t>(codec);
  header->correlation = correlation_;
  header->abandoned.store(0, std::memory_order_relaxed);  // relaxed: published with the entry, like the fields beside it
  header->publisher = static_cast<std::uint16_t>(seat_.id);
  const ring::Writer::CommitResult result = writer_.Commit(slot);
  if (result != ring::Writer::CommitResult::kCommitted) {
    if (result == ring::Writer::CommitResult::kCorrupt) return Corrupt();
    if (absl::Status status = CommitWhenRoom(slot); !status.ok()) return status;
  }
  if (has_claims()) {
    turn_ringer_.RingOne();
    dead_letters_.Report();
  } else {
    ringer_.Ring();
  }
  last_slot_ = slot;
  room_left_ns_ = 0;
  if (deadline_.is_set()) deadline_.Meet(header->publish_ns);
  ChooseNextSlots(bytes, header->publish_ns);
  writer_.Prepare();
  ++stats_.sent;
  stats_.bytes += bytes;
  // relaxed: counters that tools read, ordered with nothing.
  header_->sent.store(stats_.sent, std::memory_order_relaxed);
  header_->bytes.store(stats_.bytes, std::memory_order_relaxed);
  if (debug_ != nullptr) debug_->Sent(writer_.last_sequence(), bytes);
  return absl::OkStatus();
}

void PublisherCore::ChooseNextSlots(std::size_t bytes, std::int64_t publish_ns) {
  const bool is_early = large_.Published(bytes, publish_ns);
  if (large_.is_large()) writer_.LimitFresh(fresh_first_large_);
  writer_.set_early(is_early);
}

void PublisherCore::TellOpened() const {
  if (debug_ != nullptr) debug_->Opened(channel_.site().roles.writer, seat_.id);
}

PublisherStats PublisherCore::stats() const {
  PublisherStats stats = stats_;
  if (deadline_.is_set()) stats.deadlines_missed = deadline_.MissedBy(platform::NowNs());
  return stats;
}

void PublisherCore::LetGo(LoanState& loan) {
  // Release -> the acquire of IsLoanOut.
  loan.is_out.store(0, std::memory_order_release);
}

bool PublisherCore::IsLoanOut() const {
  return std::any_of(loans_.begin(), loans_.end(),
                     [](const auto& loan) { return loan->is_out.load(std::memory_order_acquire) != 0; });
}

bool PublisherCore::IsLoanOutFor(std::uint64_t correlation) const {
  return std::any_of(loans_.begin(), loans_.end(), [correlation](const auto& loan) {
    return loan->is_out.load(std::memory_order_relaxed) != 0 && loan->correlation == correlation;  // relaxed: ours
  });
}

void PublisherCore::MarkAbandoned(segment::SlotIndex slot) {
  // relaxed: a hint that saves a replier its work; a reply that comes all the same is dropped.
  memory_.slots().Header(slot)->abandoned.store(1, std::memory_order_relaxed);
}

absl::Status PublisherCore::Corrupt() const {
  return absl::DataLossError(absl::StrCat(name(), ": the ring's head does not fit its entries; the channel is corrupt: close all "
                                                  "its ends, and it is made anew"));
}

absl::Status PublisherCore::Refuse(absl::Status status) {
  ++stats_.errors;
  header_->errors.store(stats_.errors, std::memory_order_relaxed);
  return status;
}

absl::Status PublisherCore::NotOurLoan() const {
  return absl::InvalidArgumentError(absl::StrCat(name(), ": the loan is empty or belongs to another publisher; send each once, "
                                                         "through the one that lent it"));
}

absl::Status PublisherCore::TooLarge(std::size_t bytes) const {
  return MessageTooLarge(name(), bytes, max_message_bytes_, declared_at_);
}

absl::Status PublisherCore::NoSpace(const absl::Status& status, std::size_t bytes) const {
  if (absl::IsFailedPrecondition(status)) return LockLost(name());
  return Named(name(), channel::ExplainSpace(status, memory_.file(), channel_.place(), bytes));
}

}  // namespace shmcomm::endpoint
