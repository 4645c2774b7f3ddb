// SPDX-License-Identifier: Apache-2.0
#include "channel/creation.h"

#include <cstring>
#include <string>
#include <vector>

#include "base/crash_point.h"
#include "channel/directory.h"
#include "registry/membership.h"
#include "registry/site.h"
#include "ring/claim.h"
#include "ring/view.h"
#include "wake/fencing.h"

namespace shmcomm::channel {
namespace {

using Bytes = std::vector<std::byte>;

/// Writes `bytes` into a new file of `file_bytes`, committed, and links it: it appears whole or not at all.
absl::Status CreateFile(int directory, const std::string& name, std::uint64_t file_bytes, const Bytes& bytes) {
  absl::StatusOr<platform::Descriptor> file = platform::CreateUnnamedFile(directory, file_bytes);
  if (!file.ok()) return file.status();
  if (file_bytes > 0) {
    if (absl::Status committed = platform::CommitPages(file->get(), 0, file_bytes); !committed.ok()) return committed;
  }
  if (absl::Status written = platform::WriteAll(file->get(), bytes.data(), bytes.size()); !written.ok()) return written;
  absl::Status linked = platform::LinkFile(file->get(), directory, name);
  SHMCOMM_CRASH_POINT("channel.create.after_link");
  return linked;
}

void Put(Bytes& bytes, std::size_t offset, const void* value, std::size_t size) {
  std::memcpy(bytes.data() + offset, value, size);
}
void Put64(Bytes& bytes, std::size_t offset, std::uint64_t value) { Put(bytes, offset, &value, sizeof(value)); }
void Put32(Bytes& bytes, std::size_t offset, std::uint32_t value) { Put(bytes, offset, &value, sizeof(value)); }

/// Entries as if the lap before the first sequence had been published by nobody. A zeroed ring says the same of sequence 0.
void AgeEntries(Bytes& bytes, const layout::MetaHeader& meta, const ring::RingView& ring) {
  bytes.resize(layout::RingFileBytes(meta.entries));
  for (ring::Sequence s = meta.first - meta.entries; s != meta.first; ++s) {
    Put64(bytes, layout::kEntriesOffset + (s & (meta.entries - 1)) * 8, ring::Entry::Make(ring.Lap(s), 0, {}).bits);
  }
}

void AgeGenerations(Bytes& bytes, const layout::MetaHeader& meta, std::uint32_t words) {
  bytes.resize(layout::RingFileBytes(meta.entries));
  for (std::uint32_t id = 1; id <= meta.max_publishers; ++id) {
    Put32(bytes, layout::kPublisherTableOffset + id * sizeof(layout::PublisherRow), words);
  }
}

absl::Status CreateRing(int directory, const layout::MetaHeader& meta, std::uint32_t words) {
  Bytes bytes(sizeof(layout::RingHeader));
  Put64(bytes, offsetof(layout::RingHeader, magic), layout::kRingMagic);
  Put32(bytes, offsetof(layout::RingHeader, layout_version), layout::kLayoutVersion);
  Put32(bytes, offsetof(layout::RingHeader, entries), meta.entries);
  Put64(bytes, offsetof(layout::RingHeader, first), meta.first);
  Put64(bytes, offsetof(layout::RingHeader, head), meta.first);
  const ring::RingView laps = ring::ViewRing(nullptr, meta.entries, meta.max_publishers, meta.first);
  if (meta.first != 0) AgeEntries(bytes, meta, laps);
  if (words != 0) AgeGenerations(bytes, meta, words);
  return CreateFile(directory, registry::kRingFile, layout::RingFileBytes(meta.entries), bytes);
}

/// Claims as if the jobs of the lap before the first sequence were done.
void AgeClaims(Bytes& bytes, const layout::MetaHeader& meta, const ring::RingView& ring) {
  const std::size_t claims = layout::ClaimsOffset(meta.max_subscribers);
  bytes.resize(layout::ReadersFileBytes(meta.max_subscribers, layout::ClaimCount(meta)));
  for (ring::Sequence s = meta.first - meta.entries; s != meta.first; ++s) {
    const auto done = ring::ClaimWord::Make(ring.Lap(s), ring::ClaimState::kDone, 0, ring::kNobody);
    Put64(bytes, claims + (s & (meta.entries - 1)) * 8, done.bits);
  }
}

void AgeWords(Bytes& bytes, const layout::MetaHeader& meta, std::uint32_t words) {
  bytes.resize(layout::ReadersFileBytes(meta.max_subscribers, layout::ClaimCount(meta)));
  const std::size_t wake = offsetof(layout::ReadersHeader, wake);
  Put32(bytes, wake + offsetof(layout::WakeLine, fenced), words * wake::FenceBits::kWithdrawal);
  Put32(bytes, wake + offsetof(layout::WakeLine, space_bell), words);
  Put32(bytes, wake + offsetof(layout::WakeLine, turn), words);
  Put32(bytes, wake + offsetof(layout::WakeLine, bell), words);
  for (std::uint32_t i = 0; i < meta.max_subscribers; ++i) {
    const std::size_t line = layout::LinesOffset(meta.max_subscribers) + i * sizeof(layout::ReaderLine);
    Put64(bytes, line + offsetof(layout::ReaderLine, cursor),
          ring::CursorWord::Make(meta.first, words, ring::ReaderState::kFree).bits);
    Put32(bytes, line + offsetof(layout::ReaderLine, bell), words);
    Put32(bytes, line + offsetof(layout::ReaderLine, descriptor), words);
  }
}

absl::Status CreateReaders(int directory, const layout::MetaHeader& meta, std::uint32_t words) {
  Bytes bytes(sizeof(layout::ReadersHeader));
  Put64(bytes, offsetof(layout::ReadersHeader, magic), layout::kReadersMagic);
  Put32(bytes, offsetof(layout::ReadersHeader, layout_version), layout::kLayoutVersion);
  Put32(bytes, offsetof(layout::ReadersHeader, lines), meta.max_subscribers);
  const ring::RingView laps = ring::ViewRing(nullptr, meta.entries, meta.max_publishers, meta.first);
  if (meta.first != 0 && layout::ClaimCount(meta) != 0) AgeClaims(bytes, meta, laps);
  if (words != 0) AgeWords(bytes, meta, words);
  return CreateFile(directory, registry::kReadersFile, layout::ReadersFileBytes(meta.max_subscribers, layout::ClaimCount(meta)), bytes);
}

absl::Status CreateMeta(int directory, const segment::Meta& meta) {
  Bytes bytes(sizeof(meta.header));
  Put(bytes, 0, &meta.header, sizeof(meta.header));
  const auto append = [&bytes](const void* data, std::size_t size) {
    const auto* from = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), from, from + size);
  };
  append(meta.type_name.data(), meta.type_name.size());
  append(meta.schema.data(), meta.schema.size());
  append(meta.reply_type_name.data(), meta.header.reply_name_bytes);
  append(meta.reply_schema.data(), meta.header.reply_schema_bytes);
  return CreateFile(directory, kMetaFile, bytes.size(), bytes);
}

}  // namespace

absl::Status CreateSharedFiles(int directory, const layout::MetaHeader& meta, std::uint32_t words) {
  if (absl::Status s = CreateRing(directory, meta, words); !s.ok()) return s;
  if (absl::Status s = CreateReaders(directory, meta, words); !s.ok()) return s;
  return CreateFile(directory, registry::kLockFile, 0, {});
}

absl::Status CreateFiles(int directory, const segment::Meta& meta, std::uint32_t words) {
  if (absl::Status s = CreateSharedFiles(directory, meta.header, words); !s.ok()) return s;
  return CreateMeta(directory, meta);
}

std::uint64_t BytesOfFiles(const segment::Meta& meta) {
  return layout::RingFileBytes(meta.header.entries) +
         layout::ReadersFileBytes(meta.header.max_subscribers, layout::ClaimCount(meta.header)) +
         sizeof(layout::MetaHeader) + meta.type_name.size() + meta.schema.size() + meta.header.reply_name_bytes +
         meta.header.reply_schema_bytes;
}

}  // namespace shmcomm::channel
