// SPDX-License-Identifier: Apache-2.0
#include "segment/validate.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "shmcomm/channel_spec.h"
#include "absl/strings/string_view.h"

namespace shmcomm::segment {
namespace {

absl::Status Corrupt(const char* file, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("the channel's file '", file, "' does not make sense: ", what,
                                          "; close all ends of the channel, and it is made anew"));
}

absl::Status CheckStart(const char* file, absl::Span<const std::byte> bytes, std::size_t header_bytes,
                        std::uint64_t magic) {
  if (bytes.size() < header_bytes) {
    return Corrupt(file, absl::StrCat("it is truncated to ", bytes.size(), " B, its header has ", header_bytes));
  }
  std::uint64_t found_magic;
  std::uint32_t version;
  std::memcpy(&found_magic, bytes.data(), sizeof(found_magic));
  std::memcpy(&version, bytes.data() + sizeof(found_magic), sizeof(version));
  if (found_magic != magic) return Corrupt(file, absl::StrCat("unknown magic 0x", absl::Hex(found_magic)));
  if (version > layout::kLayoutVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the channel has layout version ", version, ", this program understands up to ",
                     layout::kLayoutVersion, "; rebuild it with the newer shmcomm"));
  }
  if (version != layout::kLayoutVersion) return Corrupt(file, absl::StrCat("unknown layout version ", version));
  return absl::OkStatus();
}

bool InRange(std::uint64_t value, std::uint64_t low, std::uint64_t high) { return value >= low && value <= high; }

bool IsPowerOfTwo(std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

/// The same of the fields that only reqrep has; elsewhere they are zero.
const char* BadReplyField(const layout::MetaHeader& meta) {
  const std::uint64_t least = meta.pattern == static_cast<std::uint8_t>(Pattern::kReqRep) ? 1 : 0;
  if (!InRange(meta.max_reply_size, least, least * layout::kMaxMessageBytes)) return "max_reply_size";
  if (!InRange(meta.max_in_flight, least, least * layout::kMaxInFlight)) return "max_in_flight";
  if (meta.timeout_ns < 0) return "timeout_ns";
  if (meta.reply_struct_bytes > meta.max_reply_size) return "reply_struct_bytes";
  if (meta.reply_name_bytes > least * 4096) return "reply_name_bytes";
  if (meta.reply_schema_bytes > least * layout::kMaxSchemaBytes) return "reply_schema_bytes";
  return nullptr;
}

/// The bad field of a meta header, or null.
const char* BadMetaField(const layout::MetaHeader& meta) {
  if (meta.byte_order != layout::kByteOrder) return "byte_order";
  if (meta.header_bytes != sizeof(layout::MetaHeader)) return "header_bytes";
  if (!InRange(meta.pattern, 1, 3)) return "pattern";
  if (meta.reliability > 1) return "reliability";
  if (meta.on_full > 1) return "on_full";
  if (meta.verify > 2) return "verify";
  if (!InRange(meta.max_size, 1, layout::kMaxMessageBytes)) return "max_size";
  if (!IsPowerOfTwo(meta.entries) || !InRange(meta.entries, layout::kMinEntries, layout::kMaxEntries)) return "entries";
  if (!InRange(meta.capacity, 1, meta.entries)) return "capacity";
  if (meta.history >= meta.entries) return "history";
  if (!InRange(meta.max_publishers, 1, layout::kMaxPublishers)) return "max_publishers";
  if (!InRange(meta.max_subscribers, 1, layout::kMaxSubscribers)) return "max_subscribers";
  if (!InRange(meta.max_borrowed, 1, layout::kMaxHazards)) return "max_borrowed";
  if (!InRange(meta.max_loans, 1, layout::kMaxLoans)) return "max_loans";
  if (meta.struct_bytes > meta.max_size) return "struct_bytes";
  if (meta.prefault > 1) return "prefault";
  const bool has_claims = layout::ClaimCount(meta) != 0;
  if (has_claims && meta.max_subscribers > layout::kMaxPullers) return "max_subscribers";
  if (!InRange(meta.max_attempts, has_claims ? 1 : 0, has_claims ? layout::kMaxAttempts : 0)) return "max_attempts";
  if (meta.type_name_bytes > 4096) return "type_name_bytes";
  if (meta.schema_bytes > layout::kMaxSchemaBytes) return "schema_bytes";
  return BadReplyField(meta);
}

template <class Header>
Header CopyHeader(absl::Span<const std::byte> file) {
  Header header;
  std::memcpy(&header, file.data(), sizeof(header));
  return header;
}

/// The type name and the schema that follow a header; the sizes have been checked against the file.
struct Descriptor {
  std::string type_name;
  std::vector<std::uint8_t> schema;
};
Descriptor CopyDescriptor(const std::byte* start, std::uint32_t name_bytes, std::uint32_t schema_bytes) {
  const auto* name = reinterpret_cast<const char*>(start);
  const auto* schema = reinterpret_cast<const std::uint8_t*>(start + name_bytes);
  return Descriptor{std::string(name, name_bytes), std::vector<std::uint8_t>(schema, schema + schema_bytes)};
}

}  // namespace

absl::StatusOr<Meta> ValidateMeta(absl::Span<const std::byte> file) {
  if (absl::Status start = CheckStart("meta", file, sizeof(layout::MetaHeader), layout::kMetaMagic); !start.ok()) {
    return start;
  }
  Meta meta;
  meta.header = CopyHeader<layout::MetaHeader>(file);
  meta.header.program[sizeof(meta.header.program) - 1] = '\0';
  meta.header.declared_at[sizeof(meta.header.declared_at) - 1] = '\0';
  if (const char* field = BadMetaField(meta.header)) return Corrupt("meta", absl::StrCat(field, " is out of range"));
  const std::uint64_t reply_offset =
      sizeof(layout::MetaHeader) + std::uint64_t{meta.header.type_name_bytes} + meta.header.schema_bytes;
  const std::uint64_t needed = reply_offset + meta.header.reply_name_bytes + meta.header.reply_schema_bytes;
  if (file.size() < needed) return Corrupt("meta", absl::StrCat("it is truncated to ", file.size(), " of ", needed, " B"));
  Descriptor descriptor = CopyDescriptor(file.data() + sizeof(layout::MetaHeader), meta.header.type_name_bytes,
                                         meta.header.schema_bytes);
  meta.type_name = std::move(descriptor.type_name);
  meta.schema = std::move(descriptor.schema);
  Descriptor reply =
      CopyDescriptor(file.data() + reply_offset, meta.header.reply_name_bytes, meta.header.reply_schema_bytes);
  meta.reply_type_name = std::move(reply.type_name);
  meta.reply_schema = reply.schema.empty() ? meta.schema : std::move(reply.schema);
  return meta;
}

absl::Status ValidateRing(absl::Span<const std::byte> file, const layout::MetaHeader& meta) {
  if (absl::Status start = CheckStart("ring", file, sizeof(layout::RingHeader), layout::kRingMagic); !start.ok()) {
    return start;
  }
  const auto& header = *reinterpret_cast<const layout::RingHeader*>(file.data());
  if (base::LoadPlain(header.entries) != meta.entries) return Corrupt("ring", "entries differ from the meta file");
  if (base::LoadPlain(header.first) != meta.first) return Corrupt("ring", "first differs from the meta file");
  const std::size_t needed = layout::RingFileBytes(meta.entries);
  if (file.size() < needed) return Corrupt("ring", absl::StrCat("it is truncated to ", file.size(), " of ", needed, " B"));
  return absl::OkStatus();
}

absl::Status ValidateReaders(absl::Span<const std::byte> file, const layout::MetaHeader& meta) {
  if (absl::Status start = CheckStart("readers", file, sizeof(layout::ReadersHeader), layout::kReadersMagic);
      !start.ok()) {
    return start;
  }
  const auto& header = *reinterpret_cast<const layout::ReadersHeader*>(file.data());
  if (base::LoadPlain(header.lines) != meta.max_subscribers) return Corrupt("readers", "lines differ from the meta file");
  const std::size_t needed = layout::ReadersFileBytes(meta.max_subscribers, layout::ClaimCount(meta));
  if (file.size() < needed) {
    return Corrupt("readers", absl::StrCat("it is truncated to ", file.size(), " of ", needed, " B"));
  }
  return absl::OkStatus();
}

absl::StatusOr<DataInfo> ValidateData(absl::Span<std::byte> file) {
  if (absl::Status start = CheckStart("pub", file, sizeof(layout::DataHeader), layout::kDataMagic); !start.ok()) {
    return start;
  }
  const auto& header = *reinterpret_cast<const layout::DataHeader*>(file.data());
  DataInfo info;
  info.publisher = base::LoadPlain(header.publisher);
  info.generation = base::LoadPlain(header.generation);
  info.start_sequence = base::LoadPlain(header.start_sequence);
  info.max_message_bytes = base::LoadPlain(header.max_message_bytes);
  info.fingerprint = base::LoadPlain(header.fingerprint);
  info.pid = base::LoadPlain(header.pid);
  const std::uint64_t offset = base::LoadPlain(header.slots_offset);
  const std::uint32_t name_bytes = base::LoadPlain(header.type_name_bytes);
  const std::uint32_t schema_bytes = base::LoadPlain(header.schema_bytes);
  info.slots = SlotTable{nullptr, base::LoadPlain(header.stride), base::LoadPlain(header.slots),
                         base::LoadPlain(header.stagger)};

  const SlotTable& slots = info.slots;
  if (!InRange(slots.count, 1, layout::kMaxSlots)) return Corrupt("pub", "slots are out of range");
  if (slots.stride % layout::kCacheLine != 0 || slots.stagger % layout::kCacheLine != 0) {
    return Corrupt("pub", "stride or stagger is no multiple of 64");
  }
  const std::uint64_t overhead = sizeof(layout::SlotHeader) + std::uint64_t{slots.stagger} * 7;
  if (slots.stagger > 4096 || !InRange(slots.stride, overhead + 1, std::uint64_t{1} << 33)) {
    return Corrupt("pub", "stride is out of range");
  }
  if (!InRange(info.max_message_bytes, 1, slots.Room())) return Corrupt("pub", "max_message_bytes is out of range");
  if (offset % layout::kCacheLine != 0 || offset > file.size() ||
      slots.stride * slots.count > file.size() - offset) {
    return Corrupt("pub", "its slots reach past its end");
  }
  info.slots.slots = file.data() + offset;
  const std::uint64_t descriptor = sizeof(layout::DataHeader) + std::uint64_t{name_bytes} + schema_bytes;
  if (name_bytes > 4096 || schema_bytes > layout::kMaxSchemaBytes || descriptor > offset) {
    return Corrupt("pub", "its schema reaches past its place");
  }
  char program[sizeof(header.program) + 1] = {};
  std::memcpy(program, header.program, sizeof(header.program));
  info.program = program;
  Descriptor copied = CopyDescriptor(file.data() + sizeof(layout::DataHeader), name_bytes, schema_bytes);
  info.type_name = std::move(copied.type_name);
  info.schema = std::move(copied.schema);
  return info;
}

}  // namespace shmcomm::segment
