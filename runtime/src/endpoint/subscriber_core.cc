// SPDX-License-Identifier: Apache-2.0
#include "endpoint/subscriber_core.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "endpoint/copied_message.h"
#include "endpoint/messages.h"
#include "endpoint/orphans.h"
#include "wake/room.h"

namespace shmcomm::endpoint {
namespace {

ring::ReaderMode ModeFor(const registry::Site& site, const SubscriberOptions& options) {
  if (!site.is_reliable) return ring::ReaderMode::kBestEffort;
  return options.reliability == Reliability::kBestEffort ? ring::ReaderMode::kLossy : ring::ReaderMode::kGating;
}

}  // namespace

absl::StatusOr<SubscriberCore*> SubscriberCore::Open(const ChannelSpec& spec, const SubscriberOptions& options) {
  if (options.verify.has_value() && *options.verify < spec.qos.verify) return VerifyTooLax(spec, options);
  if (options.reliability == Reliability::kReliable && spec.qos.reliability == Reliability::kBestEffort) {
    return ReliabilityTooStrict(spec, options);
  }
  absl::StatusOr<channel::Channel> channel = channel::Channel::Open(spec, options, channel::Role::kReader);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<SubscriberCore*> core = Join(*std::move(channel), spec, options);
  if (core.ok()) (*core)->TellOpened();
  return core;
}

absl::StatusOr<SubscriberCore*> SubscriberCore::Join(channel::Channel channel, const ChannelSpec& spec,
                                                    const SubscriberOptions& options) {
  absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel.site());
  if (!seat.ok()) return Named(channel.name(), seat.status());
  registry::DescribeReader(channel.site(), *seat);
  return new SubscriberCore(std::move(channel), *std::move(seat), spec, options);
}

SubscriberCore::SubscriberCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec,
                               const SubscriberOptions& options)
    : channel_(std::move(channel)),
      seat_(std::move(seat)),
      reader_({channel_.site().ring, channel_.site().readers, seat_.line, channel_.meta().max_borrowed,
               ModeFor(channel_.site(), options)}),
      maps_(spec),
      sleeper_(*channel_.site().readers.wake, channel_.meta().max_publishers == 1),
      waiting_(sleeper_, options.spin),
      verify_(options.verify.value_or(spec.qos.verify)),
      lifespan_ns_(channel_.meta().lifespan_ns),
      deadline_(channel_.name(), channel_.meta().deadline_ns, options.on_deadline_missed),
      is_gating_(ModeFor(channel_.site(), options) == ring::ReaderMode::kGating),
      debug_(DebugLog::IfWanted(channel_.name(), channel_.site().roles)) {
  reader_.Join(channel_.meta().history);
  if (is_gating_) RingRoom();  // a publisher may have seen the place from which the join started
}

// Never in a forked child: to it, samples are always alive.
SubscriberCore::~SubscriberCore() { registry::LeaveReaderLine(channel_.site(), seat_); }

void SubscriberCore::CloseHandle() {
  if (IsAnySampleAlive()) {
    orphans::Adopt(this);
  } else {
    delete this;
  }
}

bool SubscriberCore::IsAnySampleAlive() const { return !IsThisProcess() || reader_.HoldsAny(); }

SHMCOMM_FLATTEN absl::StatusOr<std::optional<Sample>> SubscriberCore::TryTake() {
  if (!IsThisProcess()) return Forked(name());
  Look look = LookForMessage();
  if (look == Look::kEmpty && polled_.Rearm(*this)) look = LookForMessage();
  if (look == Look::kFound) return MakeSample();
  waiting_.PrefetchHinted();  // for a program that looks again and again by itself
  if (is_gating_) RingRoom();
  if (look == Look::kError) return std::move(error_);
  if (deadline_.is_set()) deadline_.Look(platform::NowNs());
  return std::nullopt;
}

absl::StatusOr<std::optional<Sample>> SubscriberCore::TakeLatest() {
  if (!IsThisProcess()) return Forked(name());
  reader_.SeekNewest();
  return TryTake();
}

Look SubscriberCore::LookForMessage() {
  return LookPastSkipped([this] { return LookOnce(); });
}

void SubscriberCore::RingRoom() {
  if (rung_at_ == reader_.position()) return;
  rung_at_ = reader_.position();
  // The cursor moved by a compare-and-swap, or by a store and a fence (Reader::Join, Reader::Rejoin).
  wake::RoomBell(channel_.site().readers.lines[seat_.line]).RingIfArmedAfterRmw();
}

SubscriberStats SubscriberCore::stats() const {
  SubscriberStats stats = stats_;
  stats.demotions = reader_.demotions();
  if (deadline_.is_set()) stats.deadlines_missed = deadline_.MissedBy(platform::NowNs());
  return stats;
}

Look SubscriberCore::LookOnce() {
  const ring::Reader::NextResult next = reader_.Next();
  if (const std::uint64_t lost = reader_.TakeLost(); lost != 0) CountLost(lost);
  switch (next.outcome) {
    case ring::Reader::Outcome::kHeld:
      held_ = next.held;
      return Resolve();
    case ring::Reader::Outcome::kEmpty:
    case ring::Reader::Outcome::kLagging:  // overtaken again and again: nothing to give now; what is lost is counted
      return Look::kEmpty;
    case ring::Reader::Outcome::kDispossessed:
      return Failed(LockLost(name()));
    case ring::Reader::Outcome::kTooManyBorrowed:
      return Failed(TooManyBorrowed());
    case ring::Reader::Outcome::kCorrupt:
      ++stats_.corrupt;
      return Failed(absl::DataLossError(
          absl::StrCat(name(), ": an entry of the ring names an impossible publisher; skipped, take again")));
  }
  return Look::kEmpty;
}

std::uint32_t SubscriberCore::PublisherGeneration() const {
  // E5 acquire <- registry::AnnouncePublisher release: the file of this generation is complete and linked.
  return channel_.site().ring.publishers[held_.entry.publisher()].generation.load(std::memory_order_acquire);
}

Look SubscriberCore::Resolve() {
  const std::uint32_t generation = PublisherGeneration();
  const ring::MappedPublisher& row = maps_[held_.entry.publisher()];
  message_ = ring::Resolve(row, generation, held_);
  switch (message_.resolution) {
    case ring::Resolution::kMessage:
      if (!row.is_compatible) return SkipIncompatible();
      if (deadline_.is_set()) MeetDeadline();
      if (lifespan_ns_ != 0 && IsExpired()) return SkipExpired();
      return Look::kFound;
    case ring::Resolution::kNotMapped:
      return MapAndResolve(generation);
    case ring::Resolution::kStale:
      reader_.Reject(held_);
      return Look::kSkipped;
    case ring::Resolution::kCorrupt:
      break;
  }
  return RejectCorrupt();
}

Look SubscriberCore::MapAndResolve(std::uint32_t generation) {
  if (generation == 0) return RejectCorrupt();
  if (maps_.HasRetired() && !IsAnySampleAlive()) maps_.DropRetired();
  if (!seat_.membership.IsStillHeld()) {
    reader_.Release(held_.hazard);  // without its descriptors it has no way to the file: their numbers may be another's
    return Failed(LockLost(name()));
  }
  const absl::Status mapped = maps_.Map(channel_, held_.entry.publisher(), generation);
  if (mapped.ok()) {
    reader_.Release(held_.hazard);  // look at the same entry again; how often is bounded where looks are counted
    return Look::kSkipped;
  }
  if (absl::IsResourceExhausted(mapped)) {
    reader_.Release(held_.hazard);  // descriptors or memory ran out here: the message is fine, the next take may get it
    return Failed(Named(name(), mapped));
  }
  if (absl::IsNotFound(mapped)) {  // its publisher left and took its messages along
    reader_.Reject(held_);
    return Look::kSkipped;
  }
  if (absl::IsFailedPrecondition(mapped) && maps_[held_.entry.publisher()].generation == generation) {
    reader_.Release(held_.hazard);  // counted when it is met again, now that the row says so
    return Failed(mapped);
  }
  reader_.Reject(held_);
  ++stats_.corrupt;
  return Failed(Named(name(), mapped));
}

Look SubscriberCore::SkipIncompatible() {
  reader_.Accept(held_);
  reader_.Release(held_.hazard);
  ++stats_.incompatible;
  channel_.site().readers.lines[seat_.line].incompatible.store(stats_.incompatible, std::memory_order_relaxed);
  return Look::kSkipped;
}

void SubscriberCore::MeetDeadline() {
  // The header is another process's: a time yet to come is taken for now.
  const std::int64_t now_ns = platform::NowNs();
  const std::int64_t publish_ns = base::LoadPlain(message_.header->publish_ns);
  const std::int64_t at_ns = publish_ns > 0 && publish_ns < now_ns ? publish_ns : now_ns;
  lost_since_sample_ != 0 ? deadline_.Restart(at_ns) : deadline_.Meet(at_ns);
}

bool SubscriberCore::IsExpired() const {
  // The header is another process's: any time at all, from which nothing may be taken away.
  return base::LoadPlain(message_.header->publish_ns) < platform::NowNs() - lifespan_ns_;
}

Look SubscriberCore::SkipExpired() {
  reader_.Accept(held_);
  reader_.Release(held_.hazard);
  ++stats_.expired;
  return Look::kSkipped;
}

Look SubscriberCore::RejectCorrupt() {
  reader_.Reject(held_);
  ++stats_.corrupt;
  return Failed(absl::DataLossError(absl::StrCat(name(), ": message ", held_.sequence, " of publisher ",
                                                 held_.entry.publisher(),
                                                 " does not make sense in shared memory; skipped, take again")));
}

Look SubscriberCore::Failed(absl::Status error) {
  error_ = std::move(error);
  return Look::kError;
}

Sample SubscriberCore::MakeSample() {
  Sample sample;
  FillSample(sample);
  reader_.Accept(held_);
  if (is_gating_) RingRoom();
  RememberHint();
  Count(1, message_.bytes);
  return sample;
}

void SubscriberCore::FillSample(Sample& sample) {
  sample.core_ = this;
  sample.data_ = reinterpret_cast<const std::uint8_t*>(message_.message);
  sample.sequence_ = held_.sequence;
  sample.publish_ns_ = base::LoadPlain(message_.header->publish_ns);
  sample.size_ = message_.bytes;
  sample.publisher_ = static_cast<std::uint8_t>(held_.entry.publisher());
  sample.codec_ = static_cast<std::uint8_t>(base::LoadPlain(message_.header->codec));
  sample.hazard_ = static_cast<std::uint8_t>(held_.hazard);
  if (verify_ == Verify::kUntrusted) {
    sample.data_ = CopyOf(message_.message, message_.bytes);
    sample.is_copy_ = true;
  }
  sample.lost_ = std::exchange(lost_since_sample_, 0);  // after the copy, which may find no memory
  borrowed_since_ns_[held_.hazard] = sample.publish_ns_;
  if (debug_ != nullptr) TellReceived();
}

Sample SubscriberCore::Detach(const Sample& sample) {
  Sample copy = sample;
  copy.core_ = nullptr;
  copy.data_ = CopyOf(reinterpret_cast<const std::byte*>(sample.data_), sample.size_);
  copy.is_copy_ = true;
  return copy;
}

void SubscriberCore::DropDetached(const Sample& sample) { DropCopy(sample.data_, sample.size_); }

void SubscriberCore::RememberHint() {
  const segment::SlotTable& slots = maps_[held_.entry.publisher()].slots;
  const std::uint16_t next_slot = base::LoadPlain(message_.header->next_slot);
  if (next_slot >= slots.count) return;
  const std::byte* end = slots.MessageEnd(segment::SlotIndex{next_slot});
  waiting_.Hint(end, end - layout::kCacheLine);
}

void SubscriberCore::Count(std::uint64_t messages, std::uint64_t bytes) {
  layout::ReaderLine& line = channel_.site().readers.lines[seat_.line];
  // relaxed: counters that tools read, ordered with nothing.
  line.received.store(stats_.received += messages, std::memory_order_relaxed);
  line.bytes.store(stats_.bytes += bytes, std::memory_order_relaxed);
}

void SubscriberCore::CountLost(std::uint64_t lost) {
  lost_since_sample_ += lost;
  stats_.lost += lost;
  channel_.site().readers.lines[seat_.line].lost.store(stats_.lost, std::memory_order_relaxed);
  if (debug_ != nullptr) debug_->Lost(lost, stats_.lost);
}

void SubscriberCore::TellOpened() const {
  if (debug_ != nullptr) debug_->Opened(channel_.site().roles.reader, seat_.line);
}

void SubscriberCore::TellReceived() const {
  debug_->Received(held_.sequence, message_.bytes);
  debug_->Behind(backlog());
}

void SubscriberCore::Release(const Sample& sample) {
  if (sample.is_copy_) DropCopy(sample.data_, sample.size_);
  // In a forked child the hazard is the parent's: clearing it would take the message from under the parent's sample.
  if (!IsThisProcess()) return;
  reader_.Release(sample.hazard_);  // the last touch of the core: it may be gone from here on
  orphans::ReapIfAny();
}

SHMCOMM_FLATTEN absl::StatusOr<Sample> SubscriberCore::Take(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  if (is_cancelled()) return Cancelled(name());
  const auto look_for_message = [this] {
    const Look look = LookForMessage();
    if (look != Look::kFound && is_gating_) RingRoom();  // what was skipped has made room, too
    return look;
  };
  const auto wait = [this](std::int64_t left_ns) { return WaitUntilAvailable(left_ns) && !is_cancelled(); };
  const Look look = LookWithin(timeout, look_for_message, wait);
  if (look == Look::kFound) return MakeSample();
  if (look == Look::kError) return std::move(error_);
  return NothingWithin(timeout);
}

absl::Status SubscriberCore::NothingWithin(absl::Duration timeout) {
  if (is_cancelled()) return Cancelled(name());
  polled_.RearmForNext(*this);
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return absl::DeadlineExceededError(
      absl::StrCat(name(), ": no message within ", absl::FormatDuration(std::max(timeout, absl::ZeroDuration()))));
}

absl::StatusOr<bool> SubscriberCore::Wait(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  if (is_cancelled()) return Cancelled(name());
  const bool is_available = WaitUntilAvailable(WaitNs(timeout));
  if (is_cancelled()) return Cancelled(name());
  if (is_available) return true;
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return false;
}

bool SubscriberCore::WaitUntilAvailable(std::int64_t timeout_ns) {
  return deadline_.is_set() ? WaitWatchingDeadlines(timeout_ns) : WaitOnce(timeout_ns);
}

bool SubscriberCore::WaitWatchingDeadlines(std::int64_t timeout_ns) {
  const std::int64_t start_ns = platform::NowNs();
  std::int64_t now_ns = start_ns;
  std::int64_t left_ns = timeout_ns;
  for (;;) {
    if (WaitOnce(std::min(left_ns, deadline_.LeftNs(now_ns, kForeverNs)))) return true;
    now_ns = platform::NowNs();
    deadline_.Look(now_ns);
    left_ns = timeout_ns == kForeverNs ? kForeverNs : timeout_ns - (now_ns - start_ns);
    if (left_ns <= 0 || !seat_.membership.IsStillHeld()) return false;
  }
}

bool SubscriberCore::WaitOnce(std::int64_t timeout_ns) {
  return waiting_.Until([this] { return reader_.IsAvailable() || is_cancelled(); }, timeout_ns,
                        [this] { return seat_.membership.IsStillHeld(); });
}

Backlog SubscriberCore::backlog() const {
  const registry::Site& site = channel_.site();
  // relaxed: a figure for people. A demoted or corrupt reader may seem to be ahead.
  const std::uint64_t unread = site.ring.head().load(std::memory_order_relaxed) - reader_.position();
  const std::uint64_t limit = site.is_reliable ? channel_.meta().capacity : site.ring.size;
  return Backlog{static_cast<std::int64_t>(unread) < 0 ? 0 : unread, limit};
}

std::int64_t SubscriberCore::longest_sleep_ns() const {
  return deadline_.is_set() ? std::min(wake::kMaxSleepNs, deadline_.LeftNs(platform::NowNs(), wake::kMaxSleepNs)) : wake::kMaxSleepNs;
}

absl::Status SubscriberCore::AfterVainSleep() {
  if (deadline_.is_set()) deadline_.Look(platform::NowNs());
  return seat_.membership.IsStillHeld() ? absl::OkStatus() : LockLost(name());
}

absl::Status SubscriberCore::TooManyBorrowed() const {
  const std::uint32_t limit = channel_.meta().max_borrowed;
  const std::int64_t oldest_ns = *std::min_element(borrowed_since_ns_, borrowed_since_ns_ + limit);
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%s: you hold %u of %u borrowed messages (oldest %.1f s); copy what you keep%s", name(), limit, limit,
      (static_cast<double>(platform::NowNs()) - static_cast<double>(oldest_ns)) * 1e-9,
      OrRaise(channel_.meta(), "max_borrowed", limit, layout::kMaxHazards)));
}

}  // namespace shmcomm::endpoint
