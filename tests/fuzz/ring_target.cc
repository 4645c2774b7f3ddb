// SPDX-License-Identifier: Apache-2.0
// A ring, a readers file and slots on which a writer, a reader and a claimer work while the input damages them between the
// steps: no step leaves the memory or runs for ever. Where nothing was damaged, each job ends once.
#include <memory>
#include <optional>
#include <vector>

#include "fuzz/input.h"
#include "ring/claim.h"
#include "ring/reader.h"
#include "ring/repair.h"
#include "ring/segments.h"
#include "ring/writer.h"

namespace shmcomm::fuzz {
namespace {

constexpr std::uint32_t kEntries = 16;
constexpr std::uint32_t kLines = 3;
constexpr std::uint32_t kClaimerLine = 1;
constexpr std::uint32_t kMaxBorrowed = 2;
constexpr std::uint32_t kSlots = 26;
constexpr std::uint64_t kStride = 128;
constexpr int kMostSteps = 200;
constexpr std::uint8_t kLaterSteps = 200;   // choices from here on came later: those below mean what they did in the corpus

/// Zeroed memory of just this size.
class Pages {
 public:
  explicit Pages(std::size_t bytes) : bytes_(bytes), data_(new (std::align_val_t{64}) std::byte[bytes]()) {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { ::operator delete[](data_, std::align_val_t{64}); }
  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_;
  std::byte* data_;
};

class Ring {
 public:
  explicit Ring(Input& input)
      : input_(input),
        is_claimed_(input.Byte() % 3 == 0),
        writer_(ConfigFor(input.Byte()), records_.data()),
        reader_({View(), Readers(), 0, kMaxBorrowed, static_cast<ring::ReaderMode>(input.Byte() % 3)}),
        claimer_({View(), Readers(), kClaimerLine}) {
    reader_.Join(input.Byte() % kEntries);
    claimer_.Join();
  }

  void Step() {
    const std::uint8_t choice = input_.Byte();
    if (choice >= kLaterSteps) return is_claimed_ ? StepOfJobs(choice) : StepOfMany(choice);
    switch (choice % 10) {
      case 0: case 1: return Publish();
      case 2: case 3: return is_claimed_ ? Claim() : Take();
      case 4: return Release();
      case 5: return Damage(ring_);
      case 6: return Damage(readers_);
      case 7: return Damage(slots_);
      case 8: return Repair();
      default: return Look();
    }
  }

  /// Every job that was published was done by one, or taken back, or counted as a dead letter, once.
  void CheckThatEachJobEndedOnce() {
    if (!is_claimed_ || is_damaged_) return;
    ring::SweepClaims(Readers(), kClaimerLine, layout::kMaxAttempts);
    ring::Claimer last({View(), Readers(), kLines - 1});   // the other may leave jobs to others
    last.Join();
    for (std::uint32_t i = 0; i < kEntries; ++i) {
      const ring::Claimer::NextResult next = last.Next();
      if (next.outcome == ring::Claimer::Outcome::kClaimed && last.Finish(next.claim)) ++ended_;
    }
    if (ended_ + DeadLetters() != published_) __builtin_trap();
  }

 private:
  ring::RingView View() const { return ring::ViewRing(ring_.data(), kEntries, 4, 0); }
  ring::ReadersView Readers() const { return ring::ViewReaders(readers_.data(), kLines, is_claimed_ ? kEntries : 0); }
  segment::SlotTable Slots() const { return {slots_.data(), kStride, kSlots, 0}; }
  ring::WriterConfig ConfigFor(std::uint8_t choice) const {
    ring::WriterConfig config;
    config.ring = View();
    config.readers = Readers();
    config.slots = Slots();
    config.publisher = 1;
    config.mode = (choice & 1) != 0 && !is_claimed_ ? ring::CommitMode::kSole : ring::CommitMode::kShared;
    config.gate = (choice & 2) != 0 && !is_claimed_ ? kEntries : 0;
    config.history = (choice & 4) != 0 ? 3 : 0;
    config.fresh_first = kSlots;
    return config;
  }

  void Damage(Pages& pages) {
    is_damaged_ = true;
    input_.Damage(pages.data(), pages.size(), 3);
  }
  std::uint64_t DeadLetters() const { return Readers().header->dead_letters.load(); }
  std::vector<ring::ClaimWord> ClaimWords() const {
    std::vector<ring::ClaimWord> words;
    for (std::uint32_t i = 0; i < kEntries; ++i) words.push_back({Readers().claims[i].load()});
    return words;
  }

  void StepOfMany(std::uint8_t choice) {
    switch (choice % 4) {
      case 0: case 1: return TakeMany();
      case 2: return writer_.set_early(input_.Byte() % 4 != 0);
      default: static_cast<void>(writer_.HasRoom()); return;
    }
  }
  void StepOfJobs(std::uint8_t choice) {
    switch (choice % 8) {
      case 0: case 1: case 2: return KeepClaim();
      case 3: return EndOne();
      case 4: return Sweep();
      case 5: return Cancel();
      case 6: return CancelAll();
      default: return LookForJobs();
    }
  }

  void Publish() {
    const segment::SlotIndex slot = writer_.Reserve();
    if (slot == segment::kNoSlot) return;
    if (static_cast<std::uint16_t>(slot) >= kSlots) __builtin_trap();
    Slots().Header(slot)->message_bytes = 64;
    if (writer_.Commit(slot) == ring::Writer::CommitResult::kCommitted) {
      ++published_;
    } else {
      writer_.Abandon(slot);
    }
    writer_.Prepare();
  }

  void Take() {
    const ring::Reader::NextResult next = reader_.Next();
    if (next.outcome != ring::Reader::Outcome::kHeld) return;
    if (Read(next.held)) {
      reader_.Accept(next.held);
      held_.push_back(next.held.hazard);
    } else {
      reader_.Reject(next.held);
    }
  }

  /// Reads the whole message as a subscriber would, if there is one.
  bool Read(const ring::Held& held) {
    if (held.entry.publisher() > layout::kMaxPublishers) __builtin_trap();
    ring::MappedPublisher publisher;
    publisher.generation = 1;
    publisher.max_message_bytes = kStride - sizeof(layout::SlotHeader);
    publisher.slots = Slots();
    const ring::Resolved resolved = ring::Resolve(publisher, 1, held);
    if (resolved.resolution != ring::Resolution::kMessage) return false;
    volatile std::uint8_t sink = 0;
    for (std::uint32_t i = 0; i < resolved.bytes; ++i) sink = static_cast<std::uint8_t>(resolved.message[i]);
    static_cast<void>(sink);
    return true;
  }

  void Claim() {
    const ring::Claimer::NextResult next = claimer_.Next();
    if (next.outcome != ring::Claimer::Outcome::kClaimed) return;
    static_cast<void>(Read({next.claim.entry, next.claim.sequence, 0}));
    switch (input_.Byte() % 3) {
      case 0: ended_ += claimer_.Finish(next.claim) ? 1 : 0; break;
      case 1: claimer_.Fail(next.claim); break;
      default: claimer_.GiveBack(next.claim); break;
    }
  }

  /// The ring may change under it.
  void TakeMany() {
    ring::Held held[layout::kMaxHazards];
    const std::uint32_t seen = reader_.PeekMany(held, 1 + input_.Byte() % layout::kMaxHazards);
    if (seen > kMaxBorrowed) __builtin_trap();
    if (input_.Byte() % 4 == 0) Damage(ring_);
    const std::uint32_t count = reader_.ProtectMany(held, seen);
    if (count > seen) __builtin_trap();
    std::uint32_t taken = 0;
    for (; taken < count && Read(held[taken]); ++taken) held_.push_back(held[taken].hazard);
    const ring::Sequence before = reader_.position();
    reader_.AcceptMany(held, taken, count);
    if (reader_.position() != before + taken) __builtin_trap();
  }

  void KeepClaim() {
    const ring::Claimer::NextResult next = claimer_.Next();
    if (next.outcome == ring::Claimer::Outcome::kClaimed) claims_.push_back(next.claim);
  }
  /// Which may have been taken from it.
  void EndOne() {
    if (claims_.empty()) return;
    const std::size_t at = input_.Byte() % claims_.size();
    const ring::Claim claim = claims_[at];
    claims_.erase(claims_.begin() + static_cast<std::ptrdiff_t>(at));
    switch (input_.Byte() % 4) {
      case 0: ended_ += claimer_.Finish(claim) ? 1 : 0; break;
      case 1: claimer_.Fail(claim); break;
      case 2: claimer_.GiveBack(claim); break;
      default: claimer_.Retry(claim, AFewAttempts()); break;
    }
  }
  std::uint32_t AFewAttempts() { return 1 + input_.Byte() % layout::kMaxAttempts; }

  /// As its cleaner would, of a claimer that lives.
  void Sweep() {
    const std::uint32_t line = input_.Byte() % 2 == 0 ? kClaimerLine : input_.Byte() % kLines;
    const std::uint32_t attempts = AFewAttempts();
    const std::vector<ring::ClaimWord> before = ClaimWords();
    const std::uint64_t dead_letters = DeadLetters();
    const ring::Swept swept = ring::SweepClaims(Readers(), line, attempts);
    CheckSwept(before, line, attempts, swept);
    if (DeadLetters() - dead_letters != swept.failed) __builtin_trap();
  }
  /// Each claim of the line went to nobody, and nothing else changed.
  void CheckSwept(const std::vector<ring::ClaimWord>& before, std::uint32_t line, std::uint32_t attempts, ring::Swept swept) const {
    const std::vector<ring::ClaimWord> after = ClaimWords();
    for (std::uint32_t i = 0; i < kEntries; ++i) {
      ring::ClaimWord expected = before[i];
      if (expected.state() == ring::ClaimState::kClaimed && expected.owner() == ring::OwnerOf(line)) {
        const std::uint32_t attempt = expected.attempt() + 1;
        const bool may_run_again = attempt < attempts;
        const ring::ClaimState state = may_run_again ? ring::ClaimState::kReady : ring::ClaimState::kFailed;
        expected = ring::ClaimWord::Make(expected.lap(), state, attempt, ring::kNobody);
        --(may_run_again ? swept.given_back : swept.failed);
      }
      if (!(after[i] == expected)) __builtin_trap();
    }
    if (swept.failed != 0 || swept.given_back != 0) __builtin_trap();
  }
  void Cancel() {
    const std::uint8_t choice = input_.Byte();
    const ring::Sequence sequence = choice == 255 ? input_.LongWord() : writer_.last_sequence() - choice % (2 * kEntries);
    const bool is_published = choice != 255 && published_ > 0;
    if (!ring::CancelJob(View(), Readers(), sequence)) return;
    ++ended_;
    if (!is_published) is_damaged_ = true;   // there was no such job
    if (!ring::IsOver(View(), Readers(), sequence)) __builtin_trap();
  }
  void CancelAll() {
    const std::uint32_t publisher = input_.Byte() % 6;
    const std::vector<ring::ClaimWord> before = ClaimWords();
    ring::CancelJobsOf(View(), Readers(), publisher);
    const std::vector<ring::ClaimWord> after = ClaimWords();
    for (std::uint32_t i = 0; i < kEntries; ++i) ended_ += before[i] == after[i] ? 0 : 1;
    if (ring::CancelJobsOf(View(), Readers(), publisher)) __builtin_trap();
  }
  void LookForJobs() {
    static_cast<void>(ring::HasOpenJob(View(), Readers(), input_.Byte()));
    static_cast<void>(claimer_.AreMoreAvailableThan(input_.Byte() % kEntries));
    static_cast<void>(claimer_.IsAvailable());
    static_cast<void>(writer_.HasRoom());
    if (input_.Byte() % 4 == 0) claimer_.LeaveToOthers(1 + input_.Byte() % 4);
  }

  void Release() {
    if (held_.empty()) return;
    reader_.Release(held_.back());
    held_.pop_back();
  }

  void Repair() {
    ring::HelpHead(View());
    if (input_.Byte() % 4 == 0) ring::ClearReaderLine(Readers(), 2);
    static_cast<void>(ring::IsPublisherNamed(View(), input_.Byte()));
    static_cast<void>(ring::IsPublisherPromised(View(), input_.Byte(), input_.LongWord()));
    ring::SlowestReader slowest;
    ring::LeastCursor(Readers(), View().head().load(), &slowest);
    if (slowest.line >= kLines) __builtin_trap();
    ring::Demote(Readers(), slowest.line, slowest.seen);
  }

  void Look() {
    static_cast<void>(reader_.IsAvailable());
    if (is_claimed_) static_cast<void>(claimer_.IsAnyReady());
    if (input_.Byte() % 4 == 0) reader_.SeekNewest();
    static_cast<void>(reader_.TakeLost());
  }

  Input& input_;
  bool is_claimed_;
  Pages ring_{layout::RingFileBytes(kEntries)};
  Pages readers_{layout::ClaimsOffset(kLines) + kEntries * 8};
  Pages slots_{kSlots * kStride};
  std::vector<ring::SlotRecord> records_{kSlots};
  ring::Writer writer_;
  ring::Reader reader_;
  ring::Claimer claimer_;
  std::vector<std::uint32_t> held_;
  std::vector<ring::Claim> claims_;   // open
  bool is_damaged_ = false;
  std::uint64_t published_ = 0;
  std::uint64_t ended_ = 0;           // done, or taken back
};

}  // namespace
}  // namespace shmcomm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shmcomm::fuzz::Input input(data, size);
  shmcomm::fuzz::Ring ring(input);
  for (int step = 0; step < shmcomm::fuzz::kMostSteps && !input.empty(); ++step) ring.Step();
  ring.CheckThatEachJobEndedOnce();
  return 0;
}
