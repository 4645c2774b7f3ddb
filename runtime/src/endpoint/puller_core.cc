// SPDX-License-Identifier: Apache-2.0
#include "endpoint/puller_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "endpoint/copied_message.h"
#include "endpoint/messages.h"

namespace shmcomm::endpoint {

absl::StatusOr<PullerCore*> PullerCore::Open(const ChannelSpec& spec, const PullerOptions& options) {
  absl::StatusOr<Opened> opened = OpenSeat(spec, options, options.verify);
  if (!opened.ok()) return opened.status();
  return new PullerCore(*std::move(opened), spec, options);
}

PullerCore::PullerCore(Opened opened, const ChannelSpec& spec, const PullerOptions& options)
    : ClaimingCore(std::move(opened), spec, options.verify, options.spin),
      lifespan_ns_(channel_.meta().lifespan_ns),
      dead_letters_(channel_.name(), *channel_.site().readers.header) {
  dead_letters_.TellTo(options.on_dead_letters);
}

PullerStats PullerCore::stats() const {
  PullerStats stats = stats_;
  stats.dead_letters = dead_letters_.count();
  return stats;
}

SHMCOMM_FLATTEN absl::StatusOr<std::optional<Job>> PullerCore::TryTake() {
  if (!IsThisProcess()) return Forked(name());
  dead_letters_.Report();
  Look look = IsPolled() ? LookForJobInTurn() : LookForJob();
  if (look == Look::kEmpty && Rearm()) look = LookForJobInTurn();
  if (look == Look::kFound) return MakeJob();
  if (look == Look::kError) return std::move(error_);
  PrefetchHinted();
  return std::nullopt;
}

SHMCOMM_FLATTEN absl::StatusOr<Job> PullerCore::Take(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  const auto look_for_job = [this] {
    dead_letters_.Report();
    return LookForJobInTurn();
  };
  const auto wait = [this](std::int64_t left_ns) { return !is_cancelled() && WaitUntilAvailable(left_ns); };
  const Look look = LookWithin(timeout, look_for_job, wait);
  if (look == Look::kFound) return MakeJob();
  if (look == Look::kError) return std::move(error_);
  return NothingWithin(timeout, "job");
}

absl::StatusOr<bool> PullerCore::Wait(absl::Duration timeout) {
  absl::StatusOr<bool> is_available = ClaimingCore::Wait(timeout);
  dead_letters_.Report();
  return is_available;
}

bool PullerCore::MayGoOn() {
  const bool may_go_on = ClaimingCore::MayGoOn();
  dead_letters_.Report();
  return may_go_on;
}

Look PullerCore::LookForJob() {
  return LookPastSkipped([this] { return LookOnce(); });
}

/// The same for who waits, and so gives way to others who do.
Look PullerCore::LookForJobInTurn() {
  return IsGivingWay() ? Look::kEmpty : LookForJob();
}

Look PullerCore::LookOnce() {
  place_ = FreePlace();
  if (IsFull(place_)) {
    PassTurnOn();
    return claimer_.IsAvailable() ? Failed(TooManyBorrowed()) : Look::kEmpty;
  }
  const ring::Claimer::NextResult next = ClaimNext();
  if (next.outcome == ring::Claimer::Outcome::kEmpty) return Look::kEmpty;
  claim_ = next.claim;
  if (next.outcome == ring::Claimer::Outcome::kCorrupt) {
    RingRoom();
    ++stats_.corrupt;
    return Failed(absl::DataLossError(
        absl::StrCat(name(), ": an entry of the ring names an impossible pusher; given up, take again")));
  }
  return Resolve(GenerationOf(claim_.entry.publisher()));
}

Look PullerCore::Resolve(std::uint32_t generation) {
  const ring::MappedPublisher& row = maps_[claim_.entry.publisher()];
  message_ = ring::Resolve(row, generation, ring::Held{claim_.entry, claim_.sequence, 0});
  switch (message_.resolution) {
    case ring::Resolution::kMessage:
      if (lifespan_ns_ != 0 && IsExpired()) return SkipExpired();
      return Look::kFound;
    case ring::Resolution::kNotMapped:
      return MapAndResolve(generation);
    case ring::Resolution::kStale:
    case ring::Resolution::kCorrupt:
      break;
  }
  return GiveUp();
}

Look PullerCore::MapAndResolve(std::uint32_t generation) {
  if (generation == 0) return GiveUp();
  if (maps_.HasRetired() && !IsAnySampleAlive()) maps_.DropRetired();
  if (!seat_.membership.IsStillHeld()) {
    GiveBack(claim_);  // without its descriptors it has no way to the file, as others have: their numbers may be another's
    return Failed(LockLost(name()));
  }
  const absl::Status mapped = maps_.Map(channel_, claim_.entry.publisher(), generation);
  if (mapped.ok()) return Resolve(generation);
  // The job is fine. Another puller, or this one later, can read it.
  if (absl::IsFailedPrecondition(mapped)) claimer_.LeaveToOthers(claim_.entry.publisher());
  if (absl::IsFailedPrecondition(mapped) || absl::IsResourceExhausted(mapped)) return LeaveToOthers(mapped);
  return GiveUp();
}

Look PullerCore::LeaveToOthers(absl::Status why) {
  GiveBack(claim_);
  if (absl::IsFailedPrecondition(why)) {
    ++stats_.incompatible;
    channel_.site().readers.lines[seat_.line].incompatible.store(stats_.incompatible, std::memory_order_relaxed);
    return Failed(std::move(why));
  }
  return Failed(Named(name(), why));
}

Look PullerCore::GiveUp() {
  claimer_.Fail(claim_);
  RingRoom();
  ++stats_.corrupt;
  return Failed(absl::DataLossError(absl::StrCat(name(), ": job ", claim_.sequence, " of pusher ", claim_.entry.publisher(),
                                                 " does not make sense in shared memory; given up, take again")));
}

Look PullerCore::Failed(absl::Status error) {
  error_ = std::move(error);
  return Look::kError;
}

bool PullerCore::IsExpired() const {
  // The header is another process's: any time at all, from which nothing may be taken away.
  return base::LoadPlain(message_.header->publish_ns) < platform::NowNs() - lifespan_ns_;
}

Look PullerCore::SkipExpired() {
  End(claim_);
  ++stats_.expired;
  return Look::kSkipped;
}

Job PullerCore::MakeJob() {
  Job job;
  job.core_ = this;
  job.data_ = reinterpret_cast<const std::uint8_t*>(message_.message);
  job.sequence_ = claim_.sequence;
  job.publish_ns_ = base::LoadPlain(message_.header->publish_ns);
  job.size_ = message_.bytes;
  job.pusher_ = static_cast<std::uint8_t>(claim_.entry.publisher());
  job.codec_ = static_cast<std::uint8_t>(base::LoadPlain(message_.header->codec));
  job.attempt_ = static_cast<std::uint8_t>(claim_.attempt);
  job.place_ = static_cast<std::uint8_t>(place_);
  if (verify_ == Verify::kUntrusted) {
    job.data_ = CopyOf(message_.message, message_.bytes);
    job.is_copy_ = true;
  }
  taken_since_ns_[place_] = job.publish_ns_;
  TakePlace(place_);
  RememberHint(claim_, *message_.header);
  CountReceived(++stats_.received, stats_.bytes += message_.bytes);
  if (debug_ != nullptr) debug_->Received(claim_.sequence, message_.bytes);
  return job;
}

template <class EndClaim>
bool PullerCore::LetGo(const Job& job, EndClaim&& end_claim) {
  if (job.is_copy_) DropCopy(job.data_, job.size_);
  // In a forked child the claim is the parent's: ending it would take the message from under the parent's job.
  if (!IsThisProcess()) return false;
  const bool was_ours = end_claim(ring::Claim{{}, job.sequence_, job.attempt_});
  LeavePlace(job.place_);  // the last touch of the core: it may be gone from here on
  return was_ours;
}

bool PullerCore::Release(const Job& job) {
  return LetGo(job, [this](const ring::Claim& claim) { return End(claim); });
}

bool PullerCore::Retry(const Job& job) {
  return LetGo(job, [this](const ring::Claim& claim) { return ClaimingCore::Retry(claim); });
}

absl::Status PullerCore::TooManyBorrowed() const {
  const std::uint32_t limit = channel_.meta().max_borrowed;
  const std::int64_t oldest_ns = *std::min_element(taken_since_ns_, taken_since_ns_ + limit);
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%s: you hold %u of %u jobs (oldest %.1f s); acknowledge them%s", name(), limit, limit,
      (static_cast<double>(platform::NowNs()) - static_cast<double>(oldest_ns)) * 1e-9,
      OrRaise(channel_.meta(), "max_borrowed", limit, layout::kMaxHazards)));
}

}  // namespace shmcomm::endpoint
