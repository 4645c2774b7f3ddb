// SPDX-License-Identifier: Apache-2.0
#include "endpoint/puller_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "endpoint/copied_message.h"
#include "endpoint/messages.h"
#include "registry/cleaner.h"

namespace shmcomm::endpoint {
namespace {

// Jobs skipped in one call before its caller hears of it: a call must end however fast pushers are.
constexpr int kMaxSkippedJobs = 1024;

}  // namespace

absl::StatusOr<PullerCore*> PullerCore::Open(const ChannelSpec& spec, const PullerOptions& options) {
  if (options.verify.has_value() && *options.verify < spec.qos.verify) {
    return absl::InvalidArgumentError("option verify may only be stricter than the channel's");
  }
  absl::StatusOr<channel::Channel> channel = channel::Channel::Open(spec, options, channel::Role::kReader);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel->site());
  if (!seat.ok()) return Named(channel->name(), seat.status());
  registry::DescribeReader(channel->site(), *seat);
  return new PullerCore(*std::move(channel), *std::move(seat), spec, options);
}

PullerCore::PullerCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec,
                       const PullerOptions& options)
    : channel_(std::move(channel)),
      seat_(std::move(seat)),
      claimer_({channel_.site().ring, channel_.site().readers, seat_.line}),
      maps_(spec),
      wake_files_(channel_.site().wake_files()),
      turn_ringer_(channel_.site().turns(), &wake_files_),
      turns_(channel_.site().turns(), seat_.line),
      room_bell_(*channel_.site().readers.wake),
      waiting_(PullerSleeper(turns_, claimer_), options.spin),
      verify_(options.verify.value_or(spec.qos.verify)),
      lifespan_ns_(channel_.meta().lifespan_ns),
      dead_letters_(channel_.name(), *channel_.site().readers.header) {
  dead_letters_.TellTo(options.on_dead_letters);
  claimer_.Join();
}

PullerCore::~PullerCore() {
  if (!IsThisProcess()) return;
  registry::LeaveReaderLine(channel_.site(), seat_);
  if (claimer_.IsAnyReady()) turn_ringer_.WakeOne();  // I17: a wake may have been spent on us
}

void PullerCore::CloseHandle() {
  if (IsAnySampleAlive()) {
    orphans::Adopt(this);
  } else {
    delete this;
  }
}

bool PullerCore::IsAnySampleAlive() const {
  if (!IsThisProcess()) return true;
  return std::any_of(std::begin(is_taken_), std::end(is_taken_),
                     [](const auto& taken) { return taken.load(std::memory_order_acquire) != 0; });
}

PullerStats PullerCore::stats() const {
  PullerStats stats = stats_;
  stats.dead_letters = dead_letters_.count();
  return stats;
}

SHMCOMM_FLATTEN absl::StatusOr<std::optional<Job>> PullerCore::TryTake() {
  if (!IsThisProcess()) return Forked(name());
  dead_letters_.Report();
  Look look = LookForJob();
  if (look == Look::kEmpty && polled_.Rearm(*this)) look = LookForJob();
  if (look == Look::kJob) return MakeJob();
  if (look == Look::kError) return std::move(error_);
  return std::nullopt;
}

SHMCOMM_FLATTEN absl::StatusOr<Job> PullerCore::Take(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  const std::int64_t timeout_ns = WaitNs(timeout);
  std::int64_t end_ns = 0;  // read from the clock only once there is nothing to take
  for (;;) {
    dead_letters_.Report();
    const Look look = LookForJob();
    if (look == Look::kJob) return MakeJob();
    if (look == Look::kError) return std::move(error_);
    if (is_cancelled()) return Cancelled(name());
    const std::int64_t now_ns = platform::NowNs();
    if (end_ns == 0) end_ns = timeout_ns >= kForeverNs - now_ns ? kForeverNs : now_ns + timeout_ns;
    const std::int64_t left_ns = end_ns == kForeverNs ? kForeverNs : end_ns - now_ns;
    if (left_ns > 0 && WaitUntilAvailable(left_ns)) continue;
    return NothingWithin(timeout);
  }
}

absl::Status PullerCore::NothingWithin(absl::Duration timeout) {
  if (is_cancelled()) return Cancelled(name());
  if (polled_.Rearm(*this)) platform::WriteByte(wake_file_.get());  // it came too late for this take
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return absl::DeadlineExceededError(
      absl::StrCat(name(), ": no job within ", absl::FormatDuration(std::max(timeout, absl::ZeroDuration()))));
}

absl::StatusOr<bool> PullerCore::Wait(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  if (is_cancelled()) return Cancelled(name());
  const bool is_available = WaitUntilAvailable(WaitNs(timeout));
  dead_letters_.Report();
  if (is_cancelled()) return Cancelled(name());
  if (is_available) return true;
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return false;
}

bool PullerCore::WaitUntilAvailable(std::int64_t timeout_ns) {
  const auto is_available = [this] { return claimer_.IsAvailable() || is_cancelled(); };
  const auto may_go_on = [this] { return MayGoOn(); };
  // Whoever looks gets the next job before anybody who sleeps can be awake: where others sleep, we stand in the queue.
  return turn_ringer_.IsAnyIdle() ? waiting_.UntilAsleep(is_available, timeout_ns, may_go_on)
                                  : waiting_.Until(is_available, timeout_ns, may_go_on);
}

/// After a sleep in vain: what the dead had claimed may be for us.
bool PullerCore::MayGoOn() {
  registry::CleanDeadClaimers(channel_.site()).IgnoreError();  // a failure to look is nobody's death; we look again
  dead_letters_.Report();
  return seat_.membership.IsStillHeld();
}

absl::Status PullerCore::AfterVainSleep() { return MayGoOn() ? absl::OkStatus() : LockLost(name()); }

absl::StatusOr<int> PullerCore::WakeFile() {
  if (wake_file_.valid()) return wake_file_.get();
  absl::StatusOr<platform::Descriptor> file = wake::MakeWakeFile(channel_.site().wake_files(), seat_.line);
  if (!file.ok()) return Named(name(), file.status());
  wake_file_ = *std::move(file);
  RouseThrough(wake_file_.get());
  return wake_file_.get();
}

absl::StatusOr<int> PullerCore::PolledDescriptor() {
  if (!IsThisProcess()) return Forked(name());
  absl::StatusOr<int> descriptor = polled_.Open(*this);
  return descriptor.ok() ? descriptor : Named(name(), descriptor.status());
}

PullerCore::Look PullerCore::LookForJob() {
  Look look = Look::kSkipped;
  for (int skips = 0; skips < kMaxSkippedJobs && look == Look::kSkipped; ++skips) look = LookOnce();
  return look == Look::kSkipped ? Look::kEmpty : look;
}

PullerCore::Look PullerCore::LookOnce() {
  place_ = FreePlace();
  if (place_ == channel_.meta().max_borrowed) return claimer_.IsAvailable() ? Failed(TooManyBorrowed()) : Look::kEmpty;
  const ring::Claimer::NextResult next = claimer_.Next();
  if (next.outcome == ring::Claimer::Outcome::kEmpty) return Look::kEmpty;
  claim_ = next.claim;
  PassWakeOn();
  if (next.outcome == ring::Claimer::Outcome::kCorrupt) {
    RingRoom();
    ++stats_.corrupt;
    return Failed(absl::DataLossError(absl::StrCat(name(), ": an entry of the ring names an impossible pusher; given up")));
  }
  // E5 acquire <- registry::AnnouncePublisher release: the file of this generation is complete and linked. The id is not
  // given out again while the job is open (K13).
  return Resolve(channel_.site().ring.publishers[claim_.entry.publisher()].generation.load(std::memory_order_acquire));
}

/// If more jobs lie there while somebody sleeps, their wakes may have been spent on us.
void PullerCore::PassWakeOn() {
  if (turn_ringer_.IsAnyIdle() && claimer_.IsAvailable()) turn_ringer_.WakeOne();
}

PullerCore::Look PullerCore::Resolve(std::uint32_t generation) {
  const ring::MappedPublisher& row = maps_[claim_.entry.publisher()];
  message_ = ring::Resolve(row, generation, ring::Held{claim_.entry, claim_.sequence, 0});
  switch (message_.resolution) {
    case ring::Resolution::kMessage:
      if (lifespan_ns_ != 0 && IsExpired()) return SkipExpired();
      return Look::kJob;
    case ring::Resolution::kNotMapped:
      return MapAndResolve(generation);
    case ring::Resolution::kStale:
    case ring::Resolution::kCorrupt:
      break;
  }
  return GiveUp();
}

PullerCore::Look PullerCore::MapAndResolve(std::uint32_t generation) {
  if (generation == 0) return GiveUp();
  if (maps_.HasRetired() && !IsAnySampleAlive()) maps_.DropRetired();
  const absl::Status mapped = maps_.Map(channel_, claim_.entry.publisher(), generation);
  if (mapped.ok()) return Resolve(generation);
  // The job is fine. Another puller, or this one later, can read it.
  if (absl::IsFailedPrecondition(mapped)) claimer_.LeaveToOthers(claim_.entry.publisher());
  if (absl::IsFailedPrecondition(mapped) || absl::IsResourceExhausted(mapped)) return LeaveToOthers(mapped);
  return GiveUp();
}

PullerCore::Look PullerCore::LeaveToOthers(absl::Status why) {
  claimer_.GiveBack(claim_);
  turn_ringer_.RingOne();
  if (absl::IsFailedPrecondition(why)) {
    ++stats_.incompatible;
    channel_.site().readers.lines[seat_.line].incompatible.store(stats_.incompatible, std::memory_order_relaxed);
    return Failed(std::move(why));
  }
  return Failed(Named(name(), why));
}

PullerCore::Look PullerCore::GiveUp() {
  claimer_.Fail(claim_);
  RingRoom();
  ++stats_.corrupt;
  return Failed(absl::DataLossError(absl::StrCat(name(), ": job ", claim_.sequence, " of pusher ", claim_.entry.publisher(),
                                                 " does not make sense in shared memory; given up")));
}

PullerCore::Look PullerCore::Failed(absl::Status error) {
  error_ = std::move(error);
  return Look::kError;
}

bool PullerCore::IsExpired() const {
  return platform::NowNs() - base::LoadPlain(message_.header->publish_ns) > lifespan_ns_;
}

PullerCore::Look PullerCore::SkipExpired() {
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
  is_taken_[place_].store(1, std::memory_order_relaxed);  // relaxed: only this thread looks for a free one
  RememberHint();
  Count();
  return job;
}

void PullerCore::RememberHint() {
  const segment::SlotTable& slots = maps_[claim_.entry.publisher()].slots;
  const std::uint16_t next_slot = base::LoadPlain(message_.header->next_slot);
  if (next_slot >= slots.count) return;
  const std::byte* end = slots.MessageEnd(segment::SlotIndex{next_slot});
  waiting_.Hint(end, end - layout::kCacheLine);
}

void PullerCore::Count() {
  layout::ReaderLine& line = channel_.site().readers.lines[seat_.line];
  // relaxed: counters that tools read, ordered with nothing.
  line.received.store(++stats_.received, std::memory_order_relaxed);
  line.bytes.store(stats_.bytes += message_.bytes, std::memory_order_relaxed);
}

std::uint32_t PullerCore::FreePlace() const {
  std::uint32_t place = 0;
  while (place < channel_.meta().max_borrowed && is_taken_[place].load(std::memory_order_acquire) != 0) ++place;
  return place;
}

bool PullerCore::End(const ring::Claim& claim) {
  const bool was_ours = claimer_.Finish(claim);
  RingRoom();
  return was_ours;
}

void PullerCore::RingRoom() { room_bell_.RingIfArmedAfterRmw(); }

bool PullerCore::Release(const Job& job) {
  if (job.is_copy_) DropCopy(job.data_, job.size_);
  // In a forked child the claim is the parent's: ending it would take the message from under the parent's job.
  if (!IsThisProcess()) return false;
  const bool was_ours = End(ring::Claim{{}, job.sequence_, job.attempt_});
  // Release -> the acquire of FreePlace and IsAnySampleAlive. The last touch of the core: it may be gone from here on.
  is_taken_[job.place_].store(0, std::memory_order_release);
  orphans::ReapIfAny();
  return was_ours;
}

absl::Status PullerCore::TooManyBorrowed() const {
  const std::uint32_t limit = channel_.meta().max_borrowed;
  const std::int64_t oldest_ns = *std::min_element(taken_since_ns_, taken_since_ns_ + limit);
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%s: you hold %u of %u jobs (oldest %.1f s); acknowledge them, or raise max_borrowed", name(), limit, limit,
      static_cast<double>(platform::NowNs() - oldest_ns) * 1e-9));
}

}  // namespace shmcomm::endpoint
