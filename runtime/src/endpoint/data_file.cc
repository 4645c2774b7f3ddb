// SPDX-License-Identifier: Apache-2.0
#include "endpoint/data_file.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace shmcomm::endpoint {
namespace {

segment::DataRequest RequestFor(const layout::MetaHeader& meta, const ChannelSpec& spec, std::uint64_t max_message_bytes) {
  segment::DataRequest request;
  request.entries = meta.entries;
  request.max_subscribers = meta.max_subscribers;
  request.max_borrowed = layout::ClaimCount(meta) == 0 ? meta.max_borrowed : 0;
  request.max_loans = meta.max_loans;
  request.max_message_bytes = max_message_bytes;
  request.is_struct = spec.message.is_struct;
  request.descriptor_bytes = std::strlen(spec.message.name) + spec.message.schema_bytes;
  request.page_bytes = platform::PageBytes();
  return request;
}

layout::DataHeader* WriteHeader(std::byte* base, const registry::PublisherSeat& seat, const ChannelSpec& spec,
                                const segment::DataPlan& plan, std::uint64_t max_message_bytes) {
  auto* header = new (base) layout::DataHeader{};
  header->magic = layout::kDataMagic;
  header->layout_version = layout::kLayoutVersion;
  header->publisher = seat.id;
  header->generation = seat.generation;
  header->slots = plan.slots;
  header->start_sequence = seat.start_sequence;
  header->slots_offset = plan.slots_offset;
  header->stride = plan.stride;
  header->max_message_bytes = max_message_bytes;
  header->fingerprint = spec.message.fingerprint;
  header->stagger = plan.stagger;
  header->pid = platform::ProcessId();
  const std::string program = platform::ProgramName();
  std::memcpy(header->program, program.data(), std::min(program.size(), sizeof(header->program) - 1));
  header->type_name_bytes = static_cast<std::uint32_t>(std::strlen(spec.message.name));
  header->schema_bytes = static_cast<std::uint32_t>(spec.message.schema_bytes);
  std::byte* descriptor = base + sizeof(layout::DataHeader);
  std::memcpy(descriptor, spec.message.name, header->type_name_bytes);
  if (spec.message.schema_bytes > 0) {
    std::memcpy(descriptor + header->type_name_bytes, spec.message.schema, spec.message.schema_bytes);
  }
  return header;
}

}  // namespace

absl::StatusOr<DataFile> CreateDataFile(const channel::Channel& channel, const registry::PublisherSeat& seat,
                                        const ChannelSpec& spec, std::uint64_t max_message_bytes) {
  absl::StatusOr<segment::DataPlan> plan = segment::PlanData(RequestFor(channel.meta(), spec, max_message_bytes));
  if (!plan.ok()) return plan.status();
  const auto explained = [&](const absl::Status& status, std::uint64_t needed) {
    return channel::ExplainSpace(status, channel.directory(), channel.place(), needed);
  };
  absl::StatusOr<platform::Descriptor> file = platform::CreateUnnamedFile(channel.directory(), plan->file_bytes);
  if (!file.ok()) return explained(file.status(), 0);
  if (absl::Status s = platform::CommitPages(file->get(), 0, plan->slots_offset); !s.ok()) return explained(s, plan->slots_offset);
  auto mapping = segment::MapFile(*file, platform::Access::kReadWrite, plan->file_bytes);
  if (!mapping.ok()) return mapping.status();
  layout::DataHeader* header = WriteHeader((*mapping)->data(), seat, spec, *plan, max_message_bytes);
  SlotMemory memory(*std::move(file), *std::move(mapping), *plan);
  if (plan->is_dense || channel.meta().prefault != 0) {
    if (absl::Status s = memory.CommitAll(); !s.ok()) return explained(s, plan->file_bytes);
  }
  // Whoever held this generation before us died between link and announcement.
  const std::string name = registry::DataFileName(seat.id, seat.generation);
  if (absl::Status s = platform::UnlinkAt(channel.directory(), name); !s.ok()) return s;
  if (absl::Status s = platform::LinkFile(memory.file(), channel.directory(), name); !s.ok()) return explained(s, 0);
  return DataFile{std::move(memory), header, *plan};
}

}  // namespace shmcomm::endpoint
