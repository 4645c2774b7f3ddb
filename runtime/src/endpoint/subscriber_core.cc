// SPDX-License-Identifier: Apache-2.0
#include "endpoint/subscriber_core.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "endpoint/messages.h"

namespace shmcomm::endpoint {
namespace {

// Messages skipped in one call before its caller hears of it: a call must end however fast publishers are.
constexpr int kMaxSkips = 1024;

/// Messages end on a 64-byte line; their copies do too, or what they hold would lose its alignment.
std::size_t CopyBytes(std::size_t bytes) { return (bytes + layout::kCacheLine - 1) / layout::kCacheLine * layout::kCacheLine; }

std::uint8_t* CopyOf(const std::byte* message, std::size_t bytes) {
  auto* block = static_cast<std::uint8_t*>(::operator new(CopyBytes(bytes), std::align_val_t{layout::kCacheLine}));
  std::memcpy(block + CopyBytes(bytes) - bytes, message, bytes);
  return block;
}

}  // namespace

absl::StatusOr<SubscriberCore*> SubscriberCore::Open(const ChannelSpec& spec, const SubscriberOptions& options) {
  if (options.verify.has_value() && *options.verify < spec.qos.verify) {
    return absl::InvalidArgumentError("option verify may only be stricter than the channel's");
  }
  absl::StatusOr<channel::Channel> channel = channel::Channel::Open(spec, options, channel::Role::kReader);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel->site());
  if (!seat.ok()) return Named(channel->name(), seat.status());
  layout::ReaderLine& line = channel->site().readers.lines[seat->line];
  line.pid = platform::ProcessId();
  const std::string program = platform::ProgramName();
  std::memset(line.program, 0, sizeof(line.program));
  std::memcpy(line.program, program.data(), std::min(program.size(), sizeof(line.program) - 1));
  for (auto* counter : {&line.received, &line.bytes, &line.lost, &line.incompatible}) {
    counter->store(0, std::memory_order_relaxed);
  }
  return new SubscriberCore(*std::move(channel), *std::move(seat), spec, options);
}

SubscriberCore::SubscriberCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec,
                               const SubscriberOptions& options)
    : channel_(std::move(channel)),
      seat_(std::move(seat)),
      reader_({channel_.site().ring, channel_.site().readers, seat_.line, channel_.meta().max_borrowed}),
      maps_(spec),
      waiting_(wake::Sleeper(channel_.site().ring.header->bell, *channel_.site().readers.wake,
                             channel_.meta().max_publishers == 1),
               options.spin),
      verify_(options.verify.value_or(spec.qos.verify)) {
  reader_.Join(channel_.meta().history);
}

SubscriberCore::~SubscriberCore() {
  if (IsThisProcess()) registry::LeaveReaderLine(channel_.site(), seat_);
}

void SubscriberCore::CloseHandle() {
  // The handle's share goes, the samples taken remain, those already released are in the word. acq_rel: the last one out
  // has seen all that the others did, whatever thread they were on.
  const std::int64_t change = kHandleShare - taken_;
  if (references_.fetch_sub(change, std::memory_order_acq_rel) == change) delete this;
}

bool SubscriberCore::IsAnySampleAlive() const {
  return references_.load(std::memory_order_acquire) != kHandleShare - taken_;
}

SHMCOMM_FLATTEN absl::StatusOr<std::optional<Sample>> SubscriberCore::TryTake() {
  if (!IsThisProcess()) return Forked(name());
  const Look look = LookForMessage();
  if (look.kind == Look::Kind::kMessage) return MakeSample(look);
  if (look.kind == Look::Kind::kError) return std::move(error_);
  return std::nullopt;
}

SubscriberCore::Look SubscriberCore::LookForMessage() {
  for (int skips = 0; skips < kMaxSkips; ++skips) {
    const Look look = LookOnce();
    if (look.kind != Look::Kind::kSkipped) return look;
  }
  return {Look::Kind::kEmpty, {}, {}};
}

SubscriberCore::Look SubscriberCore::LookOnce() {
  const ring::Reader::NextResult next = reader_.Next();
  if (const std::uint64_t lost = reader_.TakeLost(); lost != 0) CountLost(lost);
  switch (next.outcome) {
    case ring::Reader::Outcome::kHeld:
      return Resolve(next.held);
    case ring::Reader::Outcome::kEmpty:
    case ring::Reader::Outcome::kLagging:  // overtaken again and again: nothing to give now; what is lost is counted
      return {Look::Kind::kEmpty, {}, {}};
    case ring::Reader::Outcome::kTooManyBorrowed:
      return Failed(TooManyBorrowed());
    case ring::Reader::Outcome::kCorrupt:
      ++stats_.corrupt;
      return Failed(absl::DataLossError(absl::StrCat(name(), ": an entry of the ring names an impossible publisher; skipped")));
  }
  return {Look::Kind::kEmpty, {}, {}};
}

SubscriberCore::Look SubscriberCore::Resolve(const ring::Held& held) {
  const std::uint32_t publisher = held.entry.publisher();
  // E5 acquire <- registry::AnnouncePublisher release: the file of this generation is complete and linked.
  const std::uint32_t generation =
      channel_.site().ring.publishers[publisher].generation.load(std::memory_order_acquire);
  const ring::MappedPublisher& row = maps_[publisher];
  const ring::Resolved message = ring::Resolve(row, generation, held);
  switch (message.resolution) {
    case ring::Resolution::kMessage:
      if (!row.is_compatible) return SkipIncompatible(held);
      return {Look::Kind::kMessage, held, message};
    case ring::Resolution::kNotMapped:
      return MapAndResolve(held, generation);
    case ring::Resolution::kStale:
      reader_.Reject(held);
      return {Look::Kind::kSkipped, {}, {}};
    case ring::Resolution::kCorrupt:
      break;
  }
  return RejectCorrupt(held);
}

SubscriberCore::Look SubscriberCore::MapAndResolve(const ring::Held& held, std::uint32_t generation) {
  if (generation == 0) return RejectCorrupt(held);
  if (maps_.HasRetired() && !IsAnySampleAlive()) maps_.DropRetired();
  const absl::Status mapped = maps_.Map(channel_, held.entry.publisher(), generation);
  if (mapped.ok()) return Resolve(held);
  if (absl::IsNotFound(mapped)) {  // its publisher left and took its messages along
    reader_.Reject(held);
    return {Look::Kind::kSkipped, {}, {}};
  }
  if (absl::IsFailedPrecondition(mapped)) {
    reader_.Release(held.hazard);  // counted when it is met again, now that the row says so
    return Failed(mapped);
  }
  reader_.Reject(held);
  ++stats_.corrupt;
  return Failed(Named(name(), mapped));
}

SubscriberCore::Look SubscriberCore::SkipIncompatible(const ring::Held& held) {
  reader_.Release(held.hazard);
  reader_.Accept(held);
  ++stats_.incompatible;
  channel_.site().readers.lines[seat_.line].incompatible.store(stats_.incompatible, std::memory_order_relaxed);
  return {Look::Kind::kSkipped, {}, {}};
}

SubscriberCore::Look SubscriberCore::RejectCorrupt(const ring::Held& held) {
  reader_.Reject(held);
  ++stats_.corrupt;
  return Failed(absl::DataLossError(absl::StrCat(name(), ": message ", held.sequence, " of publisher ",
                                                 held.entry.publisher(), " does not make sense in shared memory; skipped")));
}

SubscriberCore::Look SubscriberCore::Failed(absl::Status error) {
  error_ = std::move(error);
  return {Look::Kind::kError, {}, {}};
}

Sample SubscriberCore::MakeSample(const Look& look) {
  const ring::Held& held = look.held;
  const ring::Resolved& message = look.message;
  Sample sample;
  sample.core_ = this;
  sample.sequence_ = held.sequence;
  sample.publisher_ = held.entry.publisher();
  sample.publish_ns_ = base::LoadPlain(message.header->publish_ns);
  sample.codec_ = static_cast<Codec>(base::LoadPlain(message.header->codec));
  sample.size_ = message.bytes;
  sample.hazard_ = held.hazard;
  sample.lost_ = std::exchange(lost_since_sample_, 0);
  sample.data_ = reinterpret_cast<const std::uint8_t*>(message.message);
  if (verify_ == Verify::kUntrusted) {
    sample.copy_ = CopyOf(message.message, message.bytes);
    sample.data_ = sample.copy_ + CopyBytes(message.bytes) - message.bytes;
  }
  ++taken_;
  borrowed_since_ns_[held.hazard] = sample.publish_ns_;
  reader_.Accept(held);
  RememberHint(held, message);
  Count(message);
  return sample;
}

void SubscriberCore::RememberHint(const ring::Held& held, const ring::Resolved& message) {
  const segment::SlotTable& slots = maps_[held.entry.publisher()].slots;
  const std::uint16_t next_slot = base::LoadPlain(message.header->next_slot);
  if (next_slot >= slots.count) return;
  const std::byte* end = slots.MessageEnd(segment::SlotIndex{next_slot});
  waiting_.Hint(end, end - layout::kCacheLine);
}

void SubscriberCore::Count(const ring::Resolved& message) {
  layout::ReaderLine& line = channel_.site().readers.lines[seat_.line];
  // relaxed: counters that tools read, ordered with nothing.
  line.received.store(++stats_.received, std::memory_order_relaxed);
  line.bytes.store(stats_.bytes += message.bytes, std::memory_order_relaxed);
}

void SubscriberCore::CountLost(std::uint64_t lost) {
  lost_since_sample_ += lost;
  stats_.lost += lost;
  channel_.site().readers.lines[seat_.line].lost.store(stats_.lost, std::memory_order_relaxed);
}

void SubscriberCore::Release(const Sample& sample) {
  // In a forked child the hazard is the parent's: clearing it would take the message from under the parent's sample.
  if (IsThisProcess()) reader_.Release(sample.hazard_);
  if (sample.copy_ != nullptr) ::operator delete(sample.copy_, std::align_val_t{layout::kCacheLine});
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

SHMCOMM_FLATTEN absl::StatusOr<Sample> SubscriberCore::Take(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  const std::int64_t timeout_ns = WaitNs(timeout);
  std::int64_t end_ns = 0;  // read from the clock only once there is nothing to take
  for (;;) {
    const Look look = LookForMessage();
    if (look.kind == Look::Kind::kMessage) return MakeSample(look);
    if (look.kind == Look::Kind::kError) return std::move(error_);
    const std::int64_t now_ns = platform::NowNs();
    if (end_ns == 0) end_ns = timeout_ns >= kForeverNs - now_ns ? kForeverNs : now_ns + timeout_ns;
    const std::int64_t left_ns = end_ns == kForeverNs ? kForeverNs : end_ns - now_ns;
    if (left_ns > 0 && WaitUntilAvailable(left_ns)) continue;
    return NothingWithin(timeout);
  }
}

absl::Status SubscriberCore::NothingWithin(absl::Duration timeout) const {
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return absl::DeadlineExceededError(
      absl::StrCat(name(), ": no message within ", absl::FormatDuration(std::max(timeout, absl::ZeroDuration()))));
}

absl::StatusOr<bool> SubscriberCore::Wait(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  if (WaitUntilAvailable(WaitNs(timeout))) return true;
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return false;
}

bool SubscriberCore::WaitUntilAvailable(std::int64_t timeout_ns) {
  return waiting_.Until([this] { return reader_.IsAvailable(); }, timeout_ns,
                        [this] { return seat_.membership.IsStillHeld(); });
}

absl::Status SubscriberCore::TooManyBorrowed() const {
  const std::uint32_t limit = channel_.meta().max_borrowed;
  const std::int64_t oldest_ns = *std::min_element(borrowed_since_ns_, borrowed_since_ns_ + limit);
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%s: you hold %u of %u borrowed messages (oldest %.1f s); copy what you keep, or raise max_borrowed", name(), limit,
      limit, static_cast<double>(platform::NowNs() - oldest_ns) * 1e-9));
}

}  // namespace shmcomm::endpoint
