// SPDX-License-Identifier: Apache-2.0
#include "channel/descriptor.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "channel/compatibility.h"
#include "platform/os.h"
#include "segment/plan.h"
#include "shmcomm/options.h"

namespace shmcomm::channel {
namespace {

template <std::size_t kSize>
void CopyText(char (&where)[kSize], absl::string_view text) {
  std::memcpy(where, text.data(), std::min(text.size(), kSize - 1));
}

/// Text from another process goes into a terminal: nothing but printable characters.
std::string Printable(absl::string_view text) {
  std::string out(text.substr(0, std::min<std::size_t>(text.size(), 96)));
  std::replace_if(out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return out;
}

/// Who it is; without a schema there is nothing to say of where and what.
std::string Line(const TypeOwner& owner) {
  std::string line = absl::StrFormat("  %-10s pid %u %s", owner.role, owner.pid, Printable(owner.program));
  std::string type = Printable(owner.declared_at);
  if (owner.fingerprint != 0) absl::StrAppendFormat(&type, "%s@ %016x", type.empty() ? "" : " ", owner.fingerprint);
  return absl::StrCat(line, type.empty() ? "" : "   ", type, "\n");
}

std::string Disagreement(absl::string_view channel, const TypeOwner& other, const TypeOwner& you,
                         const std::vector<std::string>& differences, absl::string_view fix) {
  std::string text = absl::StrCat("channel '", channel, "': this program and the running ", other.role, " disagree\n",
                                  Line(other), Line(you));
  for (const std::string& difference : differences) absl::StrAppend(&text, "  ", difference, "\n");
  return absl::StrCat(text, "  fix: ", fix);
}

absl::string_view FixOf(const TypeOwner& you) {
  return you.schema.empty() ? "give both ends the same options, or this one another channel name"
                            : "rebuild both sides, or give the new layout a new channel name";
}

const char* NameOf(Pattern pattern) {
  switch (pattern) {
    case Pattern::kPubSub:
      return "pubsub";
    case Pattern::kReqRep:
      return "reqrep";
    case Pattern::kPushPull:
      return "pushpull";
  }
  return "unknown";
}

/// All else differs, too, and says nothing.
absl::Status OtherPattern(absl::string_view channel, const TypeOwner& other, const TypeOwner& you, Pattern theirs, Pattern ours) {
  const base::RoleNames roles = segment::RolesOf(theirs);
  return absl::FailedPreconditionError(
      Disagreement(channel, other, you, {absl::StrCat("pattern: ", NameOf(theirs), " -> ", NameOf(ours))},
                   absl::StrCat("join it as ", roles.writer, " or ", roles.reader, ", or give this one another channel name")));
}

void Compare(std::vector<std::string>& out, const char* option, std::uint64_t theirs, std::uint64_t ours) {
  if (theirs != ours) out.push_back(absl::StrCat("option ", option, ": ", theirs, " -> ", ours));
}

void CompareWords(std::vector<std::string>& out, const char* option, const std::string& theirs, const std::string& ours) {
  if (theirs != ours) out.push_back(absl::StrCat("option ", option, ": ", theirs, " -> ", ours));
}

/// As the schema language writes it.
std::string Duration(std::int64_t ns) { return ns == 0 ? "none" : absl::FormatDuration(absl::Nanoseconds(ns)); }

const char* Word(bool is_second, const char* first, const char* second) { return is_second ? second : first; }

/// A request is given to one replier, or it is idempotent; a job's attempts are a number of their own.
void CompareAttempts(std::vector<std::string>& out, const layout::MetaHeader& theirs, const layout::MetaHeader& ours) {
  if (Pattern{theirs.pattern} == Pattern::kReqRep) {
    CompareWords(out, "idempotent", Word(theirs.max_attempts > 1, "false", "true"), Word(ours.max_attempts > 1, "false", "true"));
  } else {
    Compare(out, "max_attempts", theirs.max_attempts, ours.max_attempts);
  }
}

/// max_size is not compared: each publisher brings its own. Nor are the options in `adopted`.
std::vector<std::string> DifferingOptions(const layout::MetaHeader& theirs, layout::MetaHeader ours, std::uint32_t adopted) {
  if ((adopted & qos_option::kReliability) != 0) ours.reliability = theirs.reliability;
  if ((adopted & qos_option::kHistory) != 0) ours.history = theirs.history;
  if ((adopted & qos_option::kCapacity) != 0) ours.capacity = theirs.capacity;
  if ((adopted & qos_option::kLifespan) != 0) ours.lifespan_ns = theirs.lifespan_ns;
  std::vector<std::string> out;
  const base::RoleNames roles = segment::RolesOf(Pattern{theirs.pattern});
  CompareWords(out, "reliability", Word(theirs.reliability != 0, "best_effort", "reliable"),
               Word(ours.reliability != 0, "best_effort", "reliable"));
  CompareWords(out, "on_full", Word(theirs.on_full != 0, "block", "fail"), Word(ours.on_full != 0, "block", "fail"));
  CompareWords(out, "deadline", Duration(theirs.deadline_ns), Duration(ours.deadline_ns));
  CompareWords(out, "lifespan", Duration(theirs.lifespan_ns), Duration(ours.lifespan_ns));
  Compare(out, "history", theirs.history, ours.history);
  Compare(out, "capacity", theirs.capacity, ours.capacity);
  Compare(out, roles.max_writers, theirs.max_publishers, ours.max_publishers);
  Compare(out, roles.max_readers, theirs.max_subscribers, ours.max_subscribers);
  Compare(out, "max_borrowed", theirs.max_borrowed, ours.max_borrowed);
  Compare(out, "max_loans", theirs.max_loans, ours.max_loans);
  CompareAttempts(out, theirs, ours);
  CompareWords(out, "timeout", Duration(theirs.timeout_ns), Duration(ours.timeout_ns));
  Compare(out, "max_in_flight", theirs.max_in_flight, ours.max_in_flight);
  return out;
}

/// An error may be answered where every reply is smaller than its text.
constexpr std::uint64_t kErrorBytes = 512;

/// How often a message may be given to a reader: a request that is not idempotent, once.
std::uint8_t MaxAttempts(const ChannelSpec& spec) {
  if (spec.pattern == Pattern::kPubSub) return 0;
  const bool is_once = spec.pattern == Pattern::kReqRep && !spec.qos.idempotent;
  return is_once ? 1 : static_cast<std::uint8_t>(spec.qos.max_attempts);
}

/// A reply's own schema, or the request's where it has none of its own.
absl::Span<const std::uint8_t> ReplySchema(const ChannelSpec& spec) {
  const MessageType& type = spec.reply.schema_bytes == 0 ? spec.message : spec.reply;
  return absl::MakeConstSpan(type.schema, type.schema_bytes);
}

void DescribeReply(const ChannelSpec& spec, segment::Meta& meta) {
  layout::MetaHeader& header = meta.header;
  header.reply_fingerprint = spec.reply.fingerprint;
  header.max_reply_size = spec.qos.max_reply_size;
  header.timeout_ns = spec.qos.timeout_ns;
  header.max_in_flight = spec.qos.max_in_flight;
  header.reply_struct_bytes = spec.reply.struct_bytes;
  meta.reply_type_name = spec.reply.name;
  const absl::Span<const std::uint8_t> schema = ReplySchema(spec);
  meta.reply_schema.assign(schema.begin(), schema.end());
  header.reply_name_bytes = static_cast<std::uint32_t>(meta.reply_type_name.size());
  header.reply_schema_bytes = meta.reply_schema == meta.schema ? 0 : static_cast<std::uint32_t>(schema.size());
}

/// Each call has one reply, and one more for each replier that died after it had published but before it was done.
std::uint32_t ReplyCapacity(std::uint32_t max_in_flight) {
  Qos qos;
  qos.capacity = 2 * max_in_flight;
  return segment::EntriesFor(qos);
}

/// Twice the repliers: a dead one's id is not given out again before its last reply was taken.
std::uint32_t ReplyPublishers(std::uint32_t max_repliers) { return std::min(2 * max_repliers, layout::kMaxPublishers); }

}  // namespace

segment::Meta MakeMeta(const ChannelSpec& spec) {
  segment::Meta meta;
  layout::MetaHeader& header = meta.header;
  std::memset(&header, 0, sizeof(header));
  header.magic = layout::kMetaMagic;
  header.layout_version = layout::kLayoutVersion;
  header.byte_order = layout::kByteOrder;
  header.header_bytes = sizeof(header);
  header.pattern = static_cast<std::uint8_t>(spec.pattern);
  header.reliability = static_cast<std::uint8_t>(spec.qos.reliability);
  header.on_full = static_cast<std::uint8_t>(spec.qos.on_full);
  header.verify = static_cast<std::uint8_t>(spec.qos.verify);
  header.max_size = spec.qos.max_size;
  header.fingerprint = spec.message.fingerprint;
  header.deadline_ns = spec.qos.deadline_ns;
  header.lifespan_ns = spec.qos.lifespan_ns;
  header.history = spec.qos.history;
  header.capacity = spec.qos.capacity;
  header.entries = segment::EntriesFor(spec.qos);
  header.max_publishers = spec.qos.max_publishers;
  header.max_subscribers = spec.qos.max_subscribers;
  header.max_borrowed = spec.qos.max_borrowed;
  header.max_loans = spec.qos.max_loans;
  header.struct_bytes = spec.message.struct_bytes;
  header.prefault = spec.qos.prefault ? 1 : 0;
  header.max_attempts = MaxAttempts(spec);
  header.creator_pid = platform::ProcessId();
  CopyText(header.program, platform::ProgramName());
  CopyText(header.declared_at, spec.declared_at);
  meta.type_name = spec.message.name;
  meta.schema.assign(spec.message.schema, spec.message.schema + spec.message.schema_bytes);
  header.type_name_bytes = static_cast<std::uint32_t>(meta.type_name.size());
  header.schema_bytes = static_cast<std::uint32_t>(meta.schema.size());
  if (spec.pattern == Pattern::kReqRep) DescribeReply(spec, meta);
  return meta;
}

ChannelSpec ReplySpec(const ChannelSpec& spec) {
  ChannelSpec replies;
  replies.name = spec.name;
  replies.declared_at = spec.declared_at;
  replies.qos = spec.qos;
  replies.qos.capacity = ReplyCapacity(spec.qos.max_in_flight);
  replies.qos.max_size = std::max(spec.qos.max_reply_size, kErrorBytes);
  replies.qos.reliability = Reliability::kReliable;
  replies.qos.on_full = OnFull::kFail;
  replies.qos.lifespan_ns = 0;
  replies.qos.max_publishers = ReplyPublishers(spec.qos.max_subscribers);
  replies.qos.max_subscribers = 1;
  replies.message = spec.reply;
  replies.message.schema = ReplySchema(spec).data();
  replies.message.schema_bytes = ReplySchema(spec).size();
  return replies;
}

segment::Meta ReplyMeta(const segment::Meta& requests) {
  segment::Meta meta = requests;
  layout::MetaHeader& header = meta.header;
  header.pattern = static_cast<std::uint8_t>(Pattern::kPubSub);
  header.reliability = static_cast<std::uint8_t>(Reliability::kReliable);
  header.on_full = static_cast<std::uint8_t>(OnFull::kFail);
  header.max_size = std::max(requests.header.max_reply_size, kErrorBytes);
  header.fingerprint = requests.header.reply_fingerprint;
  header.struct_bytes = requests.header.reply_struct_bytes;
  header.entries = header.capacity = ReplyCapacity(requests.header.max_in_flight);
  header.max_publishers = ReplyPublishers(requests.header.max_subscribers);
  header.max_subscribers = 1;
  header.lifespan_ns = 0;
  header.max_attempts = 0;
  meta.type_name = requests.reply_type_name;
  meta.schema = requests.reply_schema;
  return meta;
}

TypeOwner OwnerOf(const segment::Meta& meta) {
  return TypeOwner{"channel",           meta.header.creator_pid, meta.header.program, meta.header.declared_at,
                   meta.header.fingerprint, meta.type_name,         meta.schema};
}

TypeOwner ReplyOwnerOf(const segment::Meta& meta) {
  TypeOwner owner = OwnerOf(meta);
  owner.fingerprint = meta.header.reply_fingerprint;
  owner.type_name = meta.reply_type_name;
  owner.schema = meta.reply_schema;
  return owner;
}

TypeOwner OwnerOf(const segment::DataInfo& data) {
  return TypeOwner{"publisher", data.pid, data.program, "", data.fingerprint, data.type_name, data.schema};
}

TypeOwner ThisProgram(const ChannelSpec& spec) {
  return TypeOwner{"you",
                   platform::ProcessId(),
                   platform::ProgramName(),
                   spec.declared_at,
                   spec.message.fingerprint,
                   spec.message.name,
                   absl::MakeConstSpan(spec.message.schema, spec.message.schema_bytes)};
}

absl::Status CheckTypes(absl::string_view channel, const TypeOwner& writer, const TypeOwner& reader) {
  if (writer.fingerprint == reader.fingerprint) return absl::OkStatus();
  const bool is_writer_here = writer.role == "you";
  const TypeOwner& other = is_writer_here ? reader : writer;
  const TypeOwner& you = is_writer_here ? writer : reader;
  std::vector<std::string> lines;
  if (writer.schema.empty() || reader.schema.empty()) {
    lines.push_back(absl::StrCat("message type '", Printable(other.type_name), "' -> '", you.type_name, "'   BREAKING"));
    return absl::FailedPreconditionError(Disagreement(channel, other, you, lines, FixOf(you)));
  }
  absl::StatusOr<std::vector<Difference>> differences =
      CompareSchemas(writer.schema, writer.type_name, reader.schema, reader.type_name);
  if (!differences.ok()) return differences.status();
  bool is_breaking = false;
  for (const Difference& difference : *differences) {
    is_breaking = is_breaking || difference.breaking;
    lines.push_back(absl::StrCat(difference.text, difference.breaking ? "   BREAKING" : ""));
  }
  if (!is_breaking) return absl::OkStatus();
  return absl::FailedPreconditionError(Disagreement(channel, other, you, lines, FixOf(you)));
}

absl::Status CheckJoiner(absl::string_view channel, const ChannelSpec& spec, const segment::Meta& meta, Role role,
                         std::uint32_t adopted) {
  const TypeOwner you = ThisProgram(spec);
  const TypeOwner creator = OwnerOf(meta);
  const Pattern pattern{meta.header.pattern};
  if (pattern != spec.pattern) return OtherPattern(channel, creator, you, pattern, spec.pattern);
  const std::vector<std::string> options = DifferingOptions(meta.header, MakeMeta(spec).header, adopted);
  if (!options.empty()) return absl::FailedPreconditionError(Disagreement(channel, creator, you, options, FixOf(you)));
  const absl::Status fits = role == Role::kWriter ? CheckTypes(channel, you, creator) : CheckTypes(channel, creator, you);
  if (!fits.ok() || spec.pattern != Pattern::kReqRep) return fits;
  // Replies go the other way.
  const ChannelSpec replies = ReplySpec(spec);
  return role == Role::kWriter ? CheckTypes(channel, ReplyOwnerOf(meta), ThisProgram(replies))
                               : CheckTypes(channel, ThisProgram(replies), ReplyOwnerOf(meta));
}

}  // namespace shmcomm::channel
