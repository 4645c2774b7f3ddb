// SPDX-License-Identifier: Apache-2.0
#include "sched/claim_model.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "registry/cleaner.h"
#include "wake/room.h"

namespace shmcomm::sched {

using ring::ClaimState;
using ring::ClaimWord;

void JobBook::Open(Machine& machine, const ChannelModel& channel) {
  machine_ = &machine;
  channel_ = &channel;
  excused_ = kNobody;
  published_ = claimed_ = done_ = failed_ = swept_ = retried_ = cancelled_ = 0;
  for (std::uint32_t i = 0; i < channel.shape().entries; ++i) {
    machine.Watch(&channel.ring().entries[i]);
    machine.Watch(&channel.readers().claims[i]);
    entries_[i].bits = channel.ring().entries[i].load(std::memory_order_relaxed);
    claims_[i].bits = channel.readers().claims[i].load(std::memory_order_relaxed);
  }
}

void JobBook::Changed(Machine&, const void* word, std::uint64_t old, std::uint64_t now) {
  for (std::uint32_t i = 0; i < channel_->shape().entries; ++i) {
    if (word == &channel_->ring().entries[i]) EntryChanged(i, ring::Entry{old}, ring::Entry{now});
    if (word == &channel_->readers().claims[i]) ClaimChanged(i, ClaimWord{old}, ClaimWord{now});
  }
}

void JobBook::EntryChanged(std::uint32_t index, ring::Entry old, ring::Entry now) {
  const ClaimWord claim = claims_[index];
  machine_->Check(ring::LapDistance(old.lap(), now.lap()) == 1 && now.slot() != ring::kTombstone,
                  "I12: an entry of a job was taken back or skipped a lap");
  machine_->Check(claim.lap() == old.lap() && claim.is_final(), "I14: a job was overwritten that is not over");
  entries_[index] = now;
  ++published_;
}

void JobBook::ClaimChanged(std::uint32_t index, ClaimWord old, ClaimWord now) {
  const bool was_claimed = old.state() == ClaimState::kClaimed;
  const bool is_claimed = now.state() == ClaimState::kClaimed;
  machine_->Check(!was_claimed || !is_claimed, "I7: a claim was changed that nobody may change");
  if (is_claimed) Claimed(index, old, now);
  if (was_claimed) Unclaimed(index, old, now);
  if (!was_claimed && !is_claimed) Cancelled(index, old, now);
  claims_[index] = now;
}

void JobBook::Claimed(std::uint32_t index, ClaimWord old, ClaimWord now) {
  const bool is_again = old.state() == ClaimState::kReady && old.lap() == now.lap();
  const bool is_first = old.is_final() && ring::LapDistance(old.lap(), now.lap()) == 1;
  machine_->Check(is_again || is_first, "I14: a job was claimed that is over");
  machine_->Check(entries_[index].lap() == now.lap(), "I14: a job was claimed that is not published");
  machine_->Check(now.attempt() == (is_again ? old.attempt() : 0), "a job's attempt is not how often it was given out");
  machine_->Check(now.attempt() < channel_->shape().max_attempts, "a job was given out too often");
  machine_->Check(HoldsLineOf(now.owner()) || IsExcused(), "I7: a job was claimed in another's name");
  claimers_[index] = machine_->current();
  ++claimed_;
}

void JobBook::Unclaimed(std::uint32_t index, ClaimWord old, ClaimWord now) {
  --claimed_;
  machine_->Check(now.lap() == old.lap(), "I14: a claim changed its lap without a claimer");
  const bool is_swept = machine_->current() != claimers_[index];
  machine_->Check(HoldsLineOf(old.owner()) || (IsExcused() && !is_swept), "I7: a job was taken from its owner without its lock");
  const bool is_retried = !is_swept && now.attempt() != old.attempt();
  const bool is_vain = is_swept || is_retried;
  machine_->Check(now.attempt() == old.attempt() + (is_vain ? 1 : 0), "a job's attempt is not how often it was given out");
  swept_ += is_swept;
  retried_ += is_retried;
  if (now.state() == ClaimState::kReady) return;
  ++(now.state() == ClaimState::kDone ? done_ : failed_);
  machine_->Check(now.state() == ClaimState::kFailed || !is_vain, "a job that was done in vain counts as done");
}

// By its publisher, while nobody has it.
void JobBook::Cancelled(std::uint32_t index, ClaimWord old, ClaimWord now) {
  const bool was_given_back = old.state() == ClaimState::kReady && old.lap() == now.lap();
  const bool was_untouched = old.is_final() && ring::LapDistance(old.lap(), now.lap()) == 1;
  machine_->Check(was_given_back || was_untouched, "I14: a job was taken back that is over");
  machine_->Check(entries_[index].lap() == now.lap() && now.state() == ClaimState::kDone, "I14: a job was taken back half");
  ++cancelled_;
}

bool JobBook::HoldsLineOf(std::uint32_t owner) const {
  return machine_->kernel().HolderOf(layout::ReaderLockByte(owner - 1)) == static_cast<int>(machine_->current());
}

void ModelPuller::Open(Machine& machine, ChannelModel& channel, std::uint32_t line) {
  machine_ = &machine;
  channel_ = &channel;
  seat_.reset();
  Enter(line);
}

bool ModelPuller::OpenAnywhere(Machine& machine, ChannelModel& channel) {
  absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel.site());
  if (!seat.ok()) return false;
  machine_ = &machine;
  channel_ = &channel;
  seat_.emplace(*std::move(seat));
  Enter(seat_->line);
  return true;
}

void ModelPuller::Enter(std::uint32_t line) {
  line_ = line;
  ring::ClaimerConfig config;
  config.ring = channel_->ring();
  config.readers = channel_->readers();
  config.line = line;
  claimer_.emplace(config);
  claimer_->Join();
  sleeper_.emplace(channel_->site().turns(), line);
  giving_way_.emplace(*sleeper_, *claimer_);
  wake_files_.emplace(channel_->site().wake_files());
  ringer_.emplace(channel_->site().turns(), &*wake_files_);
}

void ModelPuller::Leave() {
  registry::LeaveReaderLine(channel_->site(), *seat_);
  seat_.reset();
}

bool ModelPuller::Claim() {
  if (giving_way_->IsGivingWay()) return false;
  const ring::Claimer::NextResult next = claimer_->Next();
  const bool was_called = sleeper_->HaveCome();
  const bool passes_on = was_called || next.outcome != ring::Claimer::Outcome::kEmpty;
  if (passes_on && ringer_->IsAnyIdle() && claimer_->IsAvailable()) ringer_->WakeOne();
  machine_->Check(next.outcome != ring::Claimer::Outcome::kCorrupt, "the ring looks corrupt to a puller");
  if (next.outcome != ring::Claimer::Outcome::kClaimed) return false;
  claim_ = next.claim;
  Check(claim_);
  return true;
}

void ModelPuller::Check(const ring::Claim& claim) {
  const std::uint32_t publisher = claim.entry.publisher();
  // E5 acquire <- the publisher announces its file before it publishes.
  const std::uint32_t generation = channel_->ring().publishers[publisher].generation.load(std::memory_order_acquire);
  const ring::MappedPublisher* mapped = channel_->Open(publisher, generation);
  machine_->Check(mapped != nullptr, "an entry names a publisher that has no file");
  const ring::Resolved resolved = ring::Resolve(*mapped, generation, ring::Held{claim.entry, claim.sequence, 0});
  machine_->Check(resolved.resolution == ring::Resolution::kMessage, "I14: a claimed slot is not this entry's message");
  machine_->Check(HasFile(publisher, generation), "K13: the file of an open job is gone");
  words_ = reinterpret_cast<const std::uint64_t*>(resolved.message);
  value_ = base::LoadPlain(words_[0]);
  machine_->Check(base::LoadPlain(words_[1]) == ~value_, "I14: a claimed message is torn");
  if (channel_->shape().is_correlated) correlation_ = base::LoadPlain(resolved.header->correlation);
  std::uint64_t& delivered = channel_->delivered[claim.sequence - channel_->shape().first];
  machine_->Check(delivered == ~std::uint64_t{0} || delivered == value_, "two pullers disagree about one job");
  delivered = value_;
}

bool ModelPuller::HasFile(std::uint32_t publisher, std::uint32_t generation) const {
  const std::vector<std::string>& names = machine_->kernel().names();
  return !channel_->has_file_names ||
         std::find(names.begin(), names.end(), registry::DataFileName(publisher, generation)) != names.end();
}

void ModelPuller::Finish() {
  const std::uint64_t again = base::LoadPlain(words_[0]);
  machine_->Check(again == value_ && base::LoadPlain(words_[1]) == ~again, "I14: a message changed while it was claimed");
  machine_->Check(claimer_->Finish(claim_), "I7: a job was ended by somebody else");
  wake::RoomBell(*channel_->readers().wake).RingIfArmedAfterRmw();
}

void ModelPuller::GiveBack() {
  machine_->Check(claimer_->GiveBack(claim_), "I7: a job was ended by somebody else");
  ringer_->RingOne();
}

void ModelPuller::Retry() {
  machine_->Check(claimer_->Retry(claim_, channel_->shape().max_attempts), "I7: a job was ended by somebody else");
  ringer_->RingOne();
  wake::RoomBell(*channel_->readers().wake).RingIfArmedAfterRmw();
}

void ModelPuller::Sleep(std::int64_t timeout_ns) {
  const auto is_any_for_us = [this] { return claimer_->IsAnyReady() && !giving_way_->IsGivingWay(); };
  if (sleeper_->SleepUnless(is_any_for_us, [&] { return std::min(timeout_ns, giving_way_->longest_sleep_ns()); })) return;
  if (!is_any_for_us()) registry::CleanDeadClaimers(channel_->site()).IgnoreError();
}

void ModelPuller::PassOnWake() {
  sleeper_->HaveCome();
  if (claimer_->IsAnyReady()) ringer_->WakeOne();
}

}  // namespace shmcomm::sched
