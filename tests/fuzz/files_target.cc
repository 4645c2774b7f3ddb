// SPDX-License-Identifier: Apache-2.0
// The files of a channel of any pattern, well made and then damaged or cut: whatever validation lets through must be safe to use.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/input.h"
#include "segment/plan.h"
#include "segment/validate.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::fuzz {
namespace {

constexpr char kTypeName[] = "test.Type";
constexpr char kSchema[] = "sixteen bytes of";
constexpr char kReplyName[] = "test.Reply";
constexpr char kReplySchema[] = "some more bytes";

segment::Meta WellMade(Pattern pattern) {
  segment::Meta meta{};
  meta.header.magic = layout::kMetaMagic;
  meta.header.layout_version = layout::kLayoutVersion;
  meta.header.byte_order = layout::kByteOrder;
  meta.header.header_bytes = sizeof(layout::MetaHeader);
  meta.header.pattern = static_cast<std::uint8_t>(pattern);
  meta.header.max_size = 100;
  meta.header.entries = 16;
  meta.header.capacity = 16;
  meta.header.max_publishers = 4;
  meta.header.max_subscribers = 3;
  meta.header.max_borrowed = 2;
  meta.header.max_loans = 2;
  meta.header.type_name_bytes = sizeof(kTypeName) - 1;
  meta.header.schema_bytes = sizeof(kSchema) - 1;
  if (pattern != Pattern::kPubSub) meta.header.max_attempts = 3;
  if (pattern != Pattern::kReqRep) return meta;
  meta.header.max_reply_size = 200;
  meta.header.max_in_flight = 8;
  meta.header.timeout_ns = 1'000'000;
  meta.header.reply_name_bytes = sizeof(kReplyName) - 1;
  meta.header.reply_schema_bytes = sizeof(kReplySchema) - 1;
  return meta;
}

/// A block on the heap of just this size, so that a read past its end is seen. Aligned as a mapping is.
class File {
 public:
  explicit File(std::size_t bytes) : bytes_(bytes), data_(new (std::align_val_t{64}) std::byte[bytes + 1]()) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::operator delete[](data_, std::align_val_t{64}); }
  std::byte* data() { return data_; }
  absl::Span<std::byte> Cut(Input& input) {
    return absl::MakeSpan(data_, input.Byte() < 200 ? bytes_ : input.Below(static_cast<std::uint32_t>(bytes_ + 1)));
  }
  absl::Span<std::byte> whole() { return absl::MakeSpan(data_, bytes_); }
  std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_;
  std::byte* data_;
};

/// What nobody has damaged is let through.
void Expect(bool is_valid) {
  if (!is_valid) __builtin_trap();
}

void TryMeta(Input& input, Pattern pattern) {
  const segment::Meta meta = WellMade(pattern);
  const bool has_reply = pattern == Pattern::kReqRep;
  const std::string descriptors = absl::StrCat(kTypeName, kSchema, has_reply ? kReplyName : "", has_reply ? kReplySchema : "");
  File file(sizeof(meta.header) + descriptors.size());
  std::memcpy(file.data(), &meta.header, sizeof(meta.header));
  std::memcpy(file.data() + sizeof(meta.header), descriptors.data(), descriptors.size());
  Expect(segment::ValidateMeta(file.whole()).ok());
  input.Damage(file.data(), file.size(), 6);
  const auto valid = segment::ValidateMeta(file.Cut(input));
  if (valid.ok() && valid->header.entries > layout::kMaxEntries) __builtin_trap();
}

void TryRing(Input& input, Pattern pattern) {
  const segment::Meta meta = WellMade(pattern);
  File file(layout::RingFileBytes(meta.header.entries));
  auto* header = reinterpret_cast<layout::RingHeader*>(file.data());
  header->magic = layout::kRingMagic;
  header->layout_version = layout::kLayoutVersion;
  header->entries = meta.header.entries;
  Expect(segment::ValidateRing(file.whole(), meta.header).ok());
  input.Damage(file.data(), file.size(), 4);
  const auto cut = file.Cut(input);
  if (segment::ValidateRing(cut, meta.header).ok() && cut.size() < file.size()) __builtin_trap();
}

void TryReaders(Input& input, Pattern pattern) {
  const segment::Meta meta = WellMade(pattern);
  File file(layout::ReadersFileBytes(meta.header.max_subscribers, layout::ClaimCount(meta.header)));
  auto* header = reinterpret_cast<layout::ReadersHeader*>(file.data());
  header->magic = layout::kReadersMagic;
  header->layout_version = layout::kLayoutVersion;
  header->lines = meta.header.max_subscribers;
  Expect(segment::ValidateReaders(file.whole(), meta.header).ok());
  input.Damage(file.data(), file.size(), 4);
  const auto cut = file.Cut(input);
  if (segment::ValidateReaders(cut, meta.header).ok() && cut.size() < file.size()) __builtin_trap();
}

/// What passes is used as a subscriber would: every slot's header and the whole of the largest message below it.
void TouchAll(const segment::DataInfo& info) {
  volatile std::uint8_t sink = 0;
  for (std::uint32_t slot = 0; slot < info.slots.count; ++slot) {
    const std::byte* end = info.slots.MessageEnd(segment::SlotIndex{static_cast<std::uint16_t>(slot)});
    sink = static_cast<std::uint8_t>(end[0]);
    sink = static_cast<std::uint8_t>(*(end - info.max_message_bytes));
    sink = static_cast<std::uint8_t>(end[sizeof(layout::SlotHeader) - 1]);
  }
  static_cast<void>(sink);
}

void TryData(Input& input) {
  constexpr std::uint32_t kSlots = 5;
  constexpr std::uint64_t kStride = 256;
  File file(512 + kSlots * kStride);
  auto* header = reinterpret_cast<layout::DataHeader*>(file.data());
  header->magic = layout::kDataMagic;
  header->layout_version = layout::kLayoutVersion;
  header->publisher = 1;
  header->generation = 1;
  header->slots = kSlots;
  header->slots_offset = 512;
  header->stride = kStride;
  header->max_message_bytes = 100;
  header->type_name_bytes = sizeof(kTypeName) - 1;
  header->schema_bytes = sizeof(kSchema) - 1;
  input.Damage(file.data(), sizeof(layout::DataHeader), 6);
  const auto info = segment::ValidateData(file.Cut(input));
  if (info.ok()) TouchAll(*info);
}

}  // namespace
}  // namespace shmcomm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shmcomm::fuzz::Input input(data, size);
  const std::uint8_t choice = input.Byte();
  const auto pattern = static_cast<shmcomm::Pattern>(1 + choice / 4 % 3);
  switch (choice % 4) {
    case 0: shmcomm::fuzz::TryMeta(input, pattern); break;
    case 1: shmcomm::fuzz::TryRing(input, pattern); break;
    case 2: shmcomm::fuzz::TryReaders(input, pattern); break;
    default: shmcomm::fuzz::TryData(input); break;
  }
  return 0;
}
