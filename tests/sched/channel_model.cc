// SPDX-License-Identifier: Apache-2.0
#include "sched/channel_model.h"

#include <algorithm>
#include <cstring>

#include "ring/claim.h"

namespace shmcomm::sched {
namespace {

constexpr std::int64_t kForEver = std::int64_t{1} << 62;
constexpr std::int64_t kNeverDemote = kForEver;

// A message is two words, the second the complement of the first: file and number of its publisher.
constexpr std::uint32_t kMessageBytes = 16;
constexpr std::uint64_t Value(std::uint32_t file, std::uint32_t number) { return std::uint64_t{file} << 32 | number; }

std::string FormatEntry(std::uint64_t value) {
  const ring::Entry entry{value};
  const std::string slot = entry.slot() == ring::kTombstone ? "TOMB" : std::to_string(static_cast<unsigned>(entry.slot()));
  return "{lap " + std::to_string(entry.lap()) + ", pub " + std::to_string(entry.publisher()) + ", slot " + slot + '}';
}

std::string FormatCursor(std::uint64_t value) {
  const ring::CursorWord word{value};
  return '{' + std::to_string(word.cursor()) + ", gen " + std::to_string(word.generation()) + ", state " +
         std::to_string(static_cast<unsigned>(word.state())) + '}';
}

std::string FormatClaim(std::uint64_t value) {
  constexpr const char* kStates[] = {"DONE", "CLAIMED", "READY", "FAILED"};
  const ring::ClaimWord word{value};
  return "{lap " + std::to_string(word.lap()) + ", " + kStates[static_cast<unsigned>(word.state())] + ", attempt " +
         std::to_string(word.attempt()) + ", owner " + std::to_string(word.owner()) + '}';
}

}  // namespace

void ChannelModel::Reset() {
  std::memset(ring_bytes_, 0, sizeof ring_bytes_);
  std::memset(readers_bytes_, 0, layout::ReadersFileBytes(shape_.Lines(), shape_.Claims()));
  std::memset(data_, 0, sizeof data_);
  ring_ = ring::ViewRing(ring_bytes_, shape_.entries, shape_.max_publishers, shape_.first);
  readers_ = ring::ViewReaders(readers_bytes_, shape_.Lines(), shape_.Claims());
  ring_.head().store(shape_.first, std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < shape_.entries && shape_.first != 0; ++i) {
    const ring::Sequence at = shape_.first + i;
    const ring::Entry before = ring::Entry::Make(ring_.Lap(at) - 1, 0, segment::SlotIndex{0});
    ring_.At(at).store(before.bits, std::memory_order_relaxed);
    if (!shape_.has_claims) continue;
    const ring::ClaimWord over = ring::ClaimWord::Make(before.lap(), ring::ClaimState::kDone, 0, ring::kNobody);
    readers_.ClaimAt(at).store(over.bits, std::memory_order_relaxed);
  }
  for (File& file : files_) file = File{};
  files = 0;
  attempts = 0;
  commits = 0;
  has_file_names = false;
  delivered.fill(~std::uint64_t{0});
}

void ChannelModel::Describe(Names& names, const std::string& prefix) const {
  names.Add(prefix + "head", &ring_.header->head);
  names.Add(prefix + "bell", &readers_.wake->bell);
  names.AddArray(prefix + "e", ring_.entries, 8, shape_.entries, FormatEntry);
  names.AddArray(prefix + "pubtab", ring_.publishers, sizeof(layout::PublisherRow), shape_.max_publishers + 1);
  names.Add(prefix + "armed", &readers_.wake->armed);
  names.Add(prefix + "fenced", &readers_.wake->fenced);
  names.Add(prefix + "space_armed", &readers_.wake->space_armed);
  names.Add(prefix + "space_bell", &readers_.wake->space_bell);
  names.Add(prefix + "turn", &readers_.wake->turn);
  names.AddArray(prefix + "active", readers_.active, 8, layout::BitmapWords(shape_.Lines()));
  names.AddArray(prefix + "idle", readers_.idle, 8, layout::BitmapWords(shape_.Lines()));
  names.AddArray(prefix + "S", readers_.claims, 8, shape_.Claims(), FormatClaim);
  for (std::uint32_t line = shape_.first_line; line < shape_.Lines(); ++line) {
    const std::string name = prefix + "line" + std::to_string(line);
    names.Add(name + ".cursor", &readers_.lines[line].cursor, FormatCursor);
    names.Add(name + ".arm", &readers_.lines[line].arm);
    names.Add(name + ".bell", &readers_.lines[line].bell);
    names.AddArray(name + ".hz", readers_.lines[line].hazards, 8, layout::kMaxHazards, FormatEntry);
  }
  for (std::uint32_t file = 0; file < kMaxFiles; ++file) {
    const std::string name = prefix + "file" + std::to_string(file);
    names.Add(name + ".generation", &files_[file].mapped.generation);
    const std::byte* header = data_[file] + kStride - sizeof(layout::SlotHeader);
    names.AddArray(name + ".message", header - kMessageBytes, kStride, kMaxModelSlots);
    names.AddArray(name + ".complement", header - 8, kStride, kMaxModelSlots);
    names.AddArray(name + ".sequence", header, kStride, kMaxModelSlots);
    names.AddArray(name + ".bytes", header + offsetof(layout::SlotHeader, message_bytes), kStride, kMaxModelSlots);
  }
}

registry::Site ChannelModel::site() const {
  registry::Site site;
  site.directory = 1;
  site.ring = ring_;
  site.readers = readers_;
  site.history = shape_.history;
  site.is_reliable = shape_.capacity > 0;
  site.is_ring_writable = true;
  site.max_attempts = shape_.max_attempts;
  return site;
}

std::uint32_t ChannelModel::LayFile(std::uint32_t publisher, std::uint32_t generation, ring::Sequence start_sequence) {
  const std::uint32_t file = files++;
  files_[file].publisher = publisher;
  base::StorePlain(files_[file].mapped.generation, generation);
  files_[file].mapped.start_sequence = start_sequence;
  files_[file].mapped.max_message_bytes = kMessageBytes;
  files_[file].mapped.slots = Slots(file);
  return file;
}

segment::SlotTable ChannelModel::Slots(std::uint32_t file) const {
  return {const_cast<std::byte*>(data_[file]), kStride, shape_.slots, 0};
}

const ring::MappedPublisher* ChannelModel::Open(std::uint32_t publisher, std::uint32_t generation) const {
  // The newest of that name: one whose builder died before it was announced has been replaced.
  for (std::uint32_t file = files; file-- > 0;) {
    if (files_[file].publisher == publisher && files_[file].mapped.generation == generation) return &files_[file].mapped;
  }
  return nullptr;
}

bool ChannelModel::IsStale(ring::Entry entry, ring::Sequence at) const {
  const std::uint32_t generation = ring_.publishers[entry.publisher()].generation.load(std::memory_order_relaxed);
  const ring::MappedPublisher* mapped = Open(entry.publisher(), generation);
  return mapped == nullptr || ring::Distance(mapped->start_sequence, at) < 0;
}

ring::Sequence ChannelModel::End() const {
  const ring::Sequence head = ring_.head().load(std::memory_order_relaxed);
  const ring::Entry entry{ring_.At(head).load(std::memory_order_relaxed)};
  return entry.lap() == ring_.Lap(head) ? head + 1 : head;
}

std::uint32_t ChannelModel::RoomLeft() const {
  const ring::Sequence end = End();
  std::uint32_t room = shape_.capacity;
  constexpr std::uint64_t kCursors = std::uint64_t{1} << 48;
  for (std::uint32_t line = shape_.first_line; line < shape_.Lines(); ++line) {
    const ring::CursorWord word{readers_.lines[line].cursor.load(std::memory_order_relaxed)};
    const bool is_seen = (readers_.ActiveWord(line).load(std::memory_order_relaxed) >> line % 64 & 1) != 0;
    if (!is_seen || word.state() != ring::ReaderState::kActive) continue;
    const auto unread = static_cast<std::uint32_t>((end - word.cursor()) % kCursors);
    room = std::min(room, unread < shape_.capacity ? shape_.capacity - unread : 0);
  }
  return room;
}

void ChannelModel::CheckEntries(Machine& machine) const {
  const ring::Sequence end = End();
  machine.Check(end - shape_.first <= attempts, "I1: more is published than anybody tried to publish");
  machine.Check(end - shape_.first >= commits, "I1: a committed message is not in the ring");
  for (std::uint32_t back = 1; back <= shape_.entries; ++back) {
    const ring::Sequence at = end - back;
    const ring::Entry entry{ring_.At(at).load(std::memory_order_relaxed)};
    machine.Check(entry.lap() == ring_.Lap(at), "I2: the entries are not one unbroken ring");
  }
  CheckHistory(machine);
}

void ChannelModel::CheckHistory(Machine& machine) const {
  const ring::Sequence end = End();
  for (std::uint32_t back = 1; back <= shape_.history && back <= end - shape_.first; ++back) {
    const ring::Entry entry{ring_.At(end - back).load(std::memory_order_relaxed)};
    machine.Check(entry.slot() != ring::kTombstone && !IsStale(entry, end - back), "a promised message is gone");
  }
}

void ChannelModel::CheckFiles(Machine& machine) const {
  const std::vector<std::string>& names = machine.kernel().names();
  const ring::Sequence end = End();
  for (std::uint32_t back = 1; back <= shape_.entries && back <= end - shape_.first; ++back) {
    const ring::Entry entry{ring_.At(end - back).load(std::memory_order_relaxed)};
    if (entry.slot() == ring::kTombstone || IsStale(entry, end - back)) continue;
    const std::uint32_t generation = ring_.publishers[entry.publisher()].generation.load(std::memory_order_relaxed);
    const std::string name = registry::DataFileName(entry.publisher(), generation);
    machine.Check(std::find(names.begin(), names.end(), name) != names.end(), "a file that readers need is gone");
  }
}

void ChannelModel::CheckDelivered(Machine& machine) const {
  const ring::Sequence end = End();
  for (std::uint32_t back = 1; back <= shape_.entries && back <= end - shape_.first; ++back) {
    const ring::Sequence at = end - back;
    const ring::Entry entry{ring_.At(at).load(std::memory_order_relaxed)};
    const std::uint64_t was = delivered[at - shape_.first];
    if (entry.slot() == ring::kTombstone || IsStale(entry, at) || was == ~std::uint64_t{0}) continue;
    const std::uint32_t generation = ring_.publishers[entry.publisher()].generation.load(std::memory_order_relaxed);
    const std::byte* end_of_message = Open(entry.publisher(), generation)->slots.MessageEnd(entry.slot());
    std::uint64_t is = 0;
    std::memcpy(&is, end_of_message - kMessageBytes, sizeof is);
    machine.Check(is == was, "a sequence was given out twice");
  }
}

void ModelPublisher::Open(Machine& machine, ChannelModel& channel, std::uint32_t file, std::uint32_t publisher) {
  machine_ = &machine;
  channel_ = &channel;
  file_ = file;
  number_ = 0;
  correlation_ = 0;
  for (ring::SlotRecord& record : records_) record = ring::SlotRecord{};
  ring::WriterConfig config;
  config.ring = channel.ring();
  config.readers = channel.readers();
  config.slots = channel.Slots(file);
  config.publisher = publisher;
  config.mode = channel.shape().mode;
  config.history = channel.shape().history;
  config.gate = channel.shape().capacity;
  config.fresh_first = channel.shape().slots;
  writer_.emplace(config, records_);
  writer_->set_early(channel.shape().retires_early);
  ringer_.reset();
  room_.emplace(channel.site(), kNeverDemote);
  job_room_.emplace(channel.site());
  wake_files_.emplace(channel.site().wake_files());
  turn_ringer_.emplace(channel.site().turns(), &*wake_files_);
}

void ModelPublisher::UseBell(wake::Ordering ordering) {
  ringer_.emplace(*channel_->readers().wake, ordering, &*wake_files_,
                  channel_->shape().most_quiet);
}

segment::SlotIndex ModelPublisher::Fill() {
  const segment::SlotIndex slot = writer_->Reserve();
  if (slot == segment::kNoSlot && channel_->shape().may_run_out) return slot;
  machine_->Check(slot != segment::kNoSlot, "I6: a loan found no slot");
  const segment::SlotTable slots = channel_->Slots(file_);
  auto* words = reinterpret_cast<std::uint64_t*>(slots.MessageEnd(slot) - kMessageBytes);
  const std::uint64_t value = Value(file_, ++number_);
  ++channel_->attempts;
  base::StorePlain(words[0], value);
  base::StorePlain(words[1], ~value);
  base::StorePlain(slots.Header(slot)->message_bytes, kMessageBytes);
  if (correlation_ != 0) base::StorePlain(slots.Header(slot)->correlation, correlation_);
  return slot;
}

void ModelPublisher::Publish() {
  const segment::SlotIndex slot = Fill();
  if (slot == segment::kNoSlot) return;
  ring::Writer::CommitResult result = writer_->Commit(slot);
  while (result == ring::Writer::CommitResult::kFull) {
    room_->WaitFor(writer_->slowest(), kForEver);
    result = writer_->Commit(slot);
  }
  machine_->Check(result == ring::Writer::CommitResult::kCommitted, "I2: head does not fit the entries");
  ++channel_->commits;
  if (ringer_) ringer_->Ring();
  if (channel_->shape().prepares) writer_->Prepare();
}

bool ModelPublisher::TryPublish() {
  const segment::SlotIndex slot = Fill();
  const ring::Writer::CommitResult result = writer_->Commit(slot);
  if (result == ring::Writer::CommitResult::kFull) return writer_->Abandon(slot), false;
  machine_->Check(result == ring::Writer::CommitResult::kCommitted, "I2: head does not fit the entries");
  ++channel_->commits;
  ringer_->Ring();
  return true;
}

ring::Sequence ModelPublisher::Push() {
  const segment::SlotIndex slot = Fill();
  ring::Writer::CommitResult result = writer_->Commit(slot);
  while (result == ring::Writer::CommitResult::kFull) {
    job_room_->WaitFor(*writer_, kForEver);
    result = writer_->Commit(slot);
  }
  machine_->Check(result == ring::Writer::CommitResult::kCommitted, "I2: head does not fit the entries");
  ++channel_->commits;
  turn_ringer_->RingOne();
  if (channel_->shape().prepares) writer_->Prepare();
  return writer_->last_sequence();
}

void ModelPublisher::CheckNoSlotIsLost(std::uint32_t pinned) {
  std::uint32_t had = 0;
  while (writer_->Reserve() != segment::kNoSlot) ++had;
  machine_->Check(had + pinned >= channel_->shape().slots, "I5: a slot is lost");
}

void ModelReader::Open(Machine& machine, ChannelModel& channel, std::uint32_t reader, bool is_lossy) {
  machine_ = &machine;
  channel_ = &channel;
  reader_.reset();
  ring::ReaderConfig config;
  config.ring = channel.ring();
  config.readers = channel.readers();
  config.line = channel.shape().first_line + reader;
  config.max_borrowed = channel.shape().max_borrowed;
  if (channel.shape().capacity > 0) config.mode = is_lossy ? ring::ReaderMode::kLossy : ring::ReaderMode::kGating;
  reader_.emplace(config);
  line_ = config.line;
  is_lossy_ = is_lossy;
  rung_at_ = 0;  // so that the first look rings when joining has moved the cursor
  lost_ = 0;
  passed_over_ = 0;
  passed_over_at_ = 0;
  received_ = 0;
  received_at_ = 0;
  last_ = 0;
  last_number_.fill(0);
  held_ = 0;
  handed_over_.store(0, std::memory_order_relaxed);
}

void ModelReader::Join(std::uint32_t history) {
  reader_->Join(history);
  start_ = reader_->position();
  history_ = history;
}

bool ModelReader::Take() {
  const std::uint32_t demotions = reader_->demotions();
  const ring::Reader::NextResult next = reader_->Next();
  machine_->Check(next.outcome != ring::Reader::Outcome::kCorrupt, "the ring looks corrupt to a reader");
  const bool is_held = next.outcome == ring::Reader::Outcome::kHeld && Resolve(next.held);
  const std::uint64_t lost = reader_->TakeLost();
  lost_ += lost;
  if (channel_->shape().capacity > 0) {
    CheckLoss(lost, demotions, is_held ? next.held.sequence : reader_->position());
    RingRoom();
  }
  return is_held;
}

bool ModelReader::TakeLatest() {
  const ring::Sequence from = reader_->position();
  reader_->SeekNewest();
  for (ring::Sequence at = from; ring::Distance(at, reader_->position()) > 0; ++at) {
    passed_over_at_ |= std::uint64_t{1} << (at - channel_->shape().first);
    ++passed_over_;
  }
  return Take();
}

// One look lost `lost` messages, all before `end`.
void ModelReader::CheckLoss(std::uint64_t lost, std::uint32_t demotions, ring::Sequence end) const {
  if (lost == 0 || is_lossy_ || reader_->demotions() != demotions) return;
  machine_->Check(ring::Distance(end, reader_->floor()) >= 0, "I10: a reliable reader lost what its floor promised");
}

// As the endpoint does: whenever the cursor has moved.
void ModelReader::RingRoom() {
  if (rung_at_ == reader_->position()) return;
  rung_at_ = reader_->position();
  wake::RoomBell(channel_->readers().lines[line_]).RingIfArmed();
}

bool ModelReader::Resolve(const ring::Held& held) {
  const std::optional<Sample> sample = LookAt(held);
  sample.has_value() ? reader_->Accept(held) : reader_->Reject(held);
  if (sample.has_value()) Keep(*sample);
  return sample.has_value();
}

std::uint32_t ModelReader::TakeMany(std::uint32_t most) {
  ring::Held held[layout::kMaxHazards];
  const std::uint32_t count = reader_->ProtectMany(held, reader_->PeekMany(held, most));
  Sample samples[layout::kMaxHazards];
  std::uint32_t taken = 0;
  for (; taken < count; ++taken) {
    const std::optional<Sample> sample = LookAt(held[taken]);
    if (!sample.has_value()) break;
    samples[taken] = *sample;
  }
  reader_->AcceptMany(held, taken, count);
  for (std::uint32_t i = 0; i < taken; ++i) Keep(samples[i]);
  return taken > 0 ? taken : Take();
}

std::optional<ModelReader::Sample> ModelReader::LookAt(const ring::Held& held) {
  const std::uint32_t publisher = held.entry.publisher();
  // E5 acquire <- the publisher announces its file before it publishes.
  const std::uint32_t generation = channel_->ring().publishers[publisher].generation.load(std::memory_order_acquire);
  const ring::MappedPublisher* mapped = channel_->Open(publisher, generation);
  machine_->Check(mapped != nullptr, "an entry names a publisher that has no file");
  machine_->Check(base::LoadPlain(mapped->generation) == generation, "E5: a file is announced before it is built");
  const ring::Resolved resolved = ring::Resolve(*mapped, generation, held);
  machine_->Check(resolved.resolution != ring::Resolution::kCorrupt, "I3: a held slot is not this entry's message");
  if (resolved.resolution == ring::Resolution::kStale) return std::nullopt;
  Sample sample;
  sample.held = held;
  sample.words = reinterpret_cast<const std::uint64_t*>(resolved.message);
  sample.value = base::LoadPlain(sample.words[0]);
  machine_->Check(base::LoadPlain(sample.words[1]) == ~sample.value, "I3: a held message is torn");
  if (channel_->shape().is_correlated) correlation_ = base::LoadPlain(resolved.header->correlation);
  return sample;
}

void ModelReader::Keep(const Sample& sample) {
  Note(sample);
  handed_over_.fetch_add(1, std::memory_order_acq_rel);
  samples_[held_++] = sample;
}

// No duplicate, no reordering of one publisher's messages, the same message for everyone at one sequence.
void ModelReader::Note(const Sample& sample) {
  const std::uint64_t index = sample.held.sequence - channel_->shape().first;
  machine_->Check(received_ == 0 || ring::Distance(last_, sample.held.sequence) > 0, "a sequence came twice or late");
  machine_->Check(index < channel_->attempts, "I1: a message came that nobody published");
  std::uint64_t& delivered = channel_->delivered[index];
  machine_->Check(delivered == ~std::uint64_t{0} || delivered == sample.value, "two readers disagree about one sequence");
  delivered = sample.value;
  const auto file = static_cast<std::uint32_t>(sample.value >> 32);
  const auto number = static_cast<std::uint32_t>(sample.value);
  machine_->Check(number > last_number_[file], "one publisher's messages came out of order");
  last_number_[file] = number;
  last_ = sample.held.sequence;
  received_at_ |= std::uint64_t{1} << index;
  ++received_;
}

void ModelReader::Release() { Release(0); }

void ModelReader::ReleaseNewest() { Release(held_ - 1); }

void ModelReader::Release(std::uint32_t index) {
  const Sample sample = samples_[index];
  const std::uint64_t again = base::LoadPlain(sample.words[0]);
  machine_->Check(again == sample.value && base::LoadPlain(sample.words[1]) == ~again, "I3: a message changed while held");
  reader_->Release(sample.held.hazard);
  std::copy(samples_ + index + 1, samples_ + held_, samples_ + index);
  --held_;
}

void ModelReader::ReleaseHandedOver() {
  handed_over_.fetch_add(1, std::memory_order_acq_rel);
  Release();
}

void ModelReader::CheckNothingIsMissing() {
  while (held_ > 0) Release();
  for (std::uint32_t i = 0; i <= kMaxMessages && IsAvailable(); ++i) TakeAndRelease();
  const ring::Sequence end = channel_->End();
  machine_->Check(reader_->position() == end, "a reader stopped before the last message");
  if (channel_->shape().capacity > 0 && !is_lossy_) {
    machine_->Check(lost_ == 0 || reader_->demotions() > 0, "a reliable reader lost a message and was not demoted");
  }
  if (history_ == 0) {  // what was never promised is not counted
    machine_->Check(received_ + lost_ + passed_over_ == end - start_, "what is missing is not what was reported lost");
  }
  const ring::Sequence newest = end - 1 - channel_->shape().first;
  machine_->Check(passed_over_ == 0 || (passed_over_at_ >> newest & 1) == 0, "the newest message was passed over");
  // A lapped reader goes on behind the oldest entry, which may be overwritten any moment.
  for (std::uint32_t back = 1; back < channel_->shape().entries; ++back) {
    const ring::Sequence at = end - back;
    if (ring::Distance(start_, at) < 0 || ring::Distance(channel_->shape().first, at) < 0) break;
    const ring::Entry entry{channel_->ring().At(at).load(std::memory_order_relaxed)};
    const bool is_intact = entry.lap() == channel_->ring().Lap(at) && entry.slot() != ring::kTombstone &&
                           !channel_->IsStale(entry, at);
    const bool was_received = ((received_at_ | passed_over_at_) >> (at - channel_->shape().first) & 1) != 0;
    machine_->Check(!is_intact || was_received, "a message is still there and was reported lost");
  }
}

}  // namespace shmcomm::sched
