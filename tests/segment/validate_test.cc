// SPDX-License-Identifier: Apache-2.0
// Every field of every header, one wrong value at a time.
#include "segment/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <new>
#include <vector>

#include "support/hand_laid.h"

namespace shmcomm::segment {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Header>
struct Wrong {
  const char* what;
  std::function<void(Header&)> change;
  StatusCode code = StatusCode::kDataLoss;
};

layout::MetaHeader GoodMeta() {
  layout::MetaHeader meta{};
  meta.magic = layout::kMetaMagic;
  meta.layout_version = layout::kLayoutVersion;
  meta.byte_order = layout::kByteOrder;
  meta.header_bytes = sizeof(meta);
  meta.pattern = 1;
  meta.max_size = 4096;
  meta.entries = 32;
  meta.capacity = 20;
  meta.history = 3;
  meta.max_publishers = 8;
  meta.max_subscribers = 16;
  meta.max_borrowed = 4;
  meta.max_loans = 2;
  meta.type_name_bytes = 3;
  meta.schema_bytes = 2;
  return meta;
}

layout::MetaHeader GoodReqRepMeta() {
  layout::MetaHeader meta = GoodMeta();
  meta.pattern = 2;
  meta.max_attempts = 1;
  meta.max_reply_size = 64;
  meta.max_in_flight = 4;
  return meta;
}

std::vector<std::byte> MetaFile(const layout::MetaHeader& meta) {
  std::vector<std::byte> file(sizeof(meta) + 5);
  std::memcpy(file.data(), &meta, sizeof(meta));
  std::memcpy(file.data() + sizeof(meta), "a.B\x01\x02", 5);
  return file;
}

TEST(ValidMeta, IsReturnedWithNameAndSchema) {
  const auto meta = ValidateMeta(MetaFile(GoodMeta()));

  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(meta->header.entries, 32u);
  EXPECT_EQ(meta->type_name, "a.B");
  EXPECT_THAT(meta->schema, ElementsAre(1, 2));
}

TEST(ValidMeta, OfReqRepHasTheReplysNameAndSchemaToo) {
  layout::MetaHeader meta = GoodReqRepMeta();
  meta.reply_name_bytes = 2;
  meta.reply_schema_bytes = 1;
  std::vector<std::byte> file = MetaFile(meta);
  for (const char c : {'c', 'D', '\x07'}) file.push_back(std::byte(c));

  const auto validated = ValidateMeta(file);

  ASSERT_TRUE(validated.ok()) << validated.status();
  EXPECT_EQ(validated->reply_type_name, "cD");
  EXPECT_THAT(validated->reply_schema, ElementsAre(7));
}

TEST(ValidMeta, OfReqRepTakesTheReplysSchemaFromTheRequestWhereItHasNone) {
  const auto validated = ValidateMeta(MetaFile(GoodReqRepMeta()));

  ASSERT_TRUE(validated.ok()) << validated.status();
  EXPECT_THAT(validated->reply_schema, ElementsAre(1, 2));
}

TEST(ValidMeta, HasItsTextsEnded) {
  layout::MetaHeader meta = GoodMeta();
  std::memset(meta.program, 'p', sizeof(meta.program));
  std::memset(meta.declared_at, 'd', sizeof(meta.declared_at));

  const auto validated = ValidateMeta(MetaFile(meta));

  ASSERT_TRUE(validated.ok());
  EXPECT_EQ(std::strlen(validated->header.program), sizeof(meta.program) - 1);
  EXPECT_EQ(std::strlen(validated->header.declared_at), sizeof(meta.declared_at) - 1);
}

TEST(ValidMeta, MayHaveEveryFieldAtItsLargest) {
  layout::MetaHeader meta = GoodMeta();
  meta.pattern = 3;
  meta.reliability = meta.on_full = 1;
  meta.verify = 2;
  meta.max_size = layout::kMaxMessageBytes;
  meta.entries = meta.capacity = 32768;
  meta.history = 32767;
  meta.max_publishers = 255;
  meta.max_subscribers = 255;
  meta.max_attempts = 15;
  meta.max_borrowed = 6;
  meta.max_loans = 8;
  meta.struct_bytes = 0x7FFFFFC0;
  meta.prefault = 1;
  meta.fingerprint = meta.first = ~std::uint64_t{0};
  meta.deadline_ns = meta.lifespan_ns = -1;

  EXPECT_TRUE(ValidateMeta(MetaFile(meta)).ok());
}

const Wrong<layout::MetaHeader> kWrongMetas[] = {
    {"unknown magic", [](auto& m) { m.magic = layout::kRingMagic; }},
    {"newer layout version", [](auto& m) { ++m.layout_version; }, StatusCode::kFailedPrecondition},
    {"layout version 0", [](auto& m) { m.layout_version = 0; }},
    {"byte_order", [](auto& m) { m.byte_order = 0x04030201; }},
    {"header_bytes", [](auto& m) { m.header_bytes = 255; }},
    {"pattern", [](auto& m) { m.pattern = 0; }},
    {"pattern", [](auto& m) { m.pattern = 4; }},
    {"reliability", [](auto& m) { m.reliability = 2; }},
    {"on_full", [](auto& m) { m.on_full = 2; }},
    {"verify", [](auto& m) { m.verify = 3; }},
    {"max_size", [](auto& m) { m.max_size = 0; }},
    {"max_size", [](auto& m) { m.max_size = layout::kMaxMessageBytes + 1; }},
    {"entries", [](auto& m) { m.entries = 0; }},
    {"entries", [](auto& m) { m.entries = 8; }},
    {"entries", [](auto& m) { m.entries = 33; }},
    {"entries", [](auto& m) { m.entries = 65536; }},
    {"capacity", [](auto& m) { m.capacity = 0; }},
    {"capacity", [](auto& m) { m.capacity = 33; }},
    {"history", [](auto& m) { m.history = 32; }},
    {"max_publishers", [](auto& m) { m.max_publishers = 0; }},
    {"max_publishers", [](auto& m) { m.max_publishers = 256; }},
    {"max_subscribers", [](auto& m) { m.max_subscribers = 0; }},
    {"max_subscribers", [](auto& m) { m.max_subscribers = 1025; }},
    {"max_borrowed", [](auto& m) { m.max_borrowed = 0; }},
    {"max_borrowed", [](auto& m) { m.max_borrowed = 7; }},
    {"max_loans", [](auto& m) { m.max_loans = 0; }},
    {"max_loans", [](auto& m) { m.max_loans = 9; }},
    {"struct_bytes", [](auto& m) { m.struct_bytes = 4097; }},
    {"prefault", [](auto& m) { m.prefault = 2; }},
    {"max_attempts", [](auto& m) { m.max_attempts = 1; }},
    {"max_reply_size", [](auto& m) { m.max_reply_size = 1; }},
    {"max_reply_size", [](auto& m) { m = GoodReqRepMeta(), m.max_reply_size = 0; }},
    {"max_reply_size", [](auto& m) { m = GoodReqRepMeta(), m.max_reply_size = layout::kMaxMessageBytes + 1; }},
    {"max_in_flight", [](auto& m) { m.max_in_flight = 1; }},
    {"max_in_flight", [](auto& m) { m = GoodReqRepMeta(), m.max_in_flight = 0; }},
    {"max_in_flight", [](auto& m) { m = GoodReqRepMeta(), m.max_in_flight = 256; }},
    {"timeout_ns", [](auto& m) { m.timeout_ns = -1; }},
    {"reply_struct_bytes", [](auto& m) { m = GoodReqRepMeta(), m.reply_struct_bytes = 65; }},
    {"reply_name_bytes", [](auto& m) { m.reply_name_bytes = 1; }},
    {"reply_name_bytes", [](auto& m) { m = GoodReqRepMeta(), m.reply_name_bytes = 4097; }},
    {"reply_schema_bytes", [](auto& m) { m.reply_schema_bytes = 1; }},
    {"truncated", [](auto& m) { m = GoodReqRepMeta(), m.reply_name_bytes = 1; }},
    {"max_attempts", [](auto& m) { m.pattern = 3; }},
    {"max_attempts", [](auto& m) { m.pattern = 3, m.max_attempts = 16; }},
    {"max_subscribers", [](auto& m) { m.pattern = 3, m.max_attempts = 1, m.max_subscribers = 256; }},
    {"type_name_bytes", [](auto& m) { m.type_name_bytes = 4097; }},
    {"schema_bytes", [](auto& m) { m.schema_bytes = layout::kMaxSchemaBytes + 1; }},
    {"truncated", [](auto& m) { m.schema_bytes = 3; }},
    {"truncated", [](auto& m) { m.type_name_bytes = 4; }},
};

TEST(WrongMeta, IsRefusedFieldByField) {
  for (const auto& wrong : kWrongMetas) {
    layout::MetaHeader meta = GoodMeta();
    wrong.change(meta);

    const absl::Status status = ValidateMeta(MetaFile(meta)).status();

    EXPECT_EQ(status.code(), wrong.code) << wrong.what << ": " << status;
  }
}

TEST(WrongMeta, NamesTheField) {
  layout::MetaHeader meta = GoodMeta();
  meta.capacity = 99;

  EXPECT_THAT(std::string(ValidateMeta(MetaFile(meta)).status().message()), HasSubstr("capacity is out of range"));
}

TEST(WrongMeta, OfANewerReleaseNamesBothVersions) {
  layout::MetaHeader meta = GoodMeta();
  meta.layout_version = 7;

  const std::string message(ValidateMeta(MetaFile(meta)).status().message());

  EXPECT_THAT(message, HasSubstr("layout version 7"));
  EXPECT_THAT(message, HasSubstr("up to " + std::to_string(layout::kLayoutVersion)));
}

TEST(WrongMeta, IsRefusedAtEveryTruncation) {
  const std::vector<std::byte> file = MetaFile(GoodMeta());

  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(ValidateMeta(absl::MakeConstSpan(file.data(), size)).status().code(), StatusCode::kDataLoss) << size;
  }
}

/// A file with a header in front, in aligned memory.
template <class Header>
class File {
 public:
  explicit File(std::size_t bytes) : pages_(bytes), bytes_(bytes) {}
  Header& header() { return *reinterpret_cast<Header*>(pages_.data()); }
  absl::Span<std::byte> span() { return absl::MakeSpan(pages_.data(), bytes_); }
  absl::Span<std::byte> span(std::size_t bytes) { return absl::MakeSpan(pages_.data(), bytes); }

 private:
  test::SharedPages pages_;
  std::size_t bytes_;
};

class GoodRing : public File<layout::RingHeader> {
 public:
  GoodRing() : File(layout::RingFileBytes(32)) {
    header().magic = layout::kRingMagic;
    header().layout_version = layout::kLayoutVersion;
    header().entries = 32;
  }
};

TEST(ValidateRing, AcceptsWhatFitsTheMeta) {
  GoodRing file;

  EXPECT_TRUE(ValidateRing(file.span(), GoodMeta()).ok());
}

TEST(ValidateRing, RefusesFieldByField) {
  const Wrong<layout::RingHeader> wrongs[] = {
      {"unknown magic", [](auto& h) { h.magic = layout::kMetaMagic; }},
      {"newer layout version", [](auto& h) { ++h.layout_version; }, StatusCode::kFailedPrecondition},
      {"layout version 0", [](auto& h) { h.layout_version = 0; }},
      {"entries", [](auto& h) { h.entries = 64; }},
      {"first", [](auto& h) { h.first = 1; }},
  };
  for (const auto& wrong : wrongs) {
    GoodRing file;
    wrong.change(file.header());

    EXPECT_EQ(ValidateRing(file.span(), GoodMeta()).code(), wrong.code) << wrong.what;
  }
}

TEST(ValidateRing, RefusesEveryTruncation) {
  GoodRing file;

  for (std::size_t size = 0; size < file.span().size(); ++size) {
    EXPECT_EQ(ValidateRing(file.span(size), GoodMeta()).code(), StatusCode::kDataLoss) << size;
  }
}

class GoodReaders : public File<layout::ReadersHeader> {
 public:
  GoodReaders() : File(layout::ReadersFileBytes(16, 0)) {
    header().magic = layout::kReadersMagic;
    header().layout_version = layout::kLayoutVersion;
    header().lines = 16;
  }
};

TEST(ValidateReaders, AcceptsWhatFitsTheMeta) {
  GoodReaders file;

  EXPECT_TRUE(ValidateReaders(file.span(), GoodMeta()).ok());
}

TEST(ValidateReaders, RefusesAFileWithoutTheClaimsThatThePatternNeeds) {
  GoodReaders file;
  layout::MetaHeader meta = GoodMeta();
  meta.pattern = 3;

  EXPECT_EQ(ValidateReaders(file.span(), meta).code(), StatusCode::kDataLoss);
}

TEST(ValidateReaders, RefusesFieldByField) {
  const Wrong<layout::ReadersHeader> wrongs[] = {
      {"unknown magic", [](auto& h) { h.magic = 0; }},
      {"newer layout version", [](auto& h) { ++h.layout_version; }, StatusCode::kFailedPrecondition},
      {"layout version 0", [](auto& h) { h.layout_version = 0; }},
      {"lines", [](auto& h) { h.lines = 17; }},
  };
  for (const auto& wrong : wrongs) {
    GoodReaders file;
    wrong.change(file.header());

    EXPECT_EQ(ValidateReaders(file.span(), GoodMeta()).code(), wrong.code) << wrong.what;
  }
}

TEST(ValidateReaders, RefusesEveryTruncation) {
  GoodReaders file;

  for (std::size_t size = 0; size < file.span().size(); ++size) {
    EXPECT_EQ(ValidateReaders(file.span(size), GoodMeta()).code(), StatusCode::kDataLoss) << size;
  }
}

// Four slots of 256 bytes behind a name of 3 and a schema of 2 bytes.
class GoodData : public File<layout::DataHeader> {
 public:
  GoodData() : File(256 + 4 * 256) {
    header().magic = layout::kDataMagic;
    header().layout_version = layout::kLayoutVersion;
    header().publisher = 3;
    header().generation = 2;
    header().slots = 4;
    header().start_sequence = 77;
    header().slots_offset = 256;
    header().stride = 256;
    header().max_message_bytes = 192;
    header().fingerprint = 5;
    header().type_name_bytes = 3;
    header().schema_bytes = 2;
    header().pid = 42;
    std::memcpy(span().data() + sizeof(layout::DataHeader), "a.B\x01\x02", 5);
  }
};

TEST(ValidateData, ReturnsWhatAReaderNeeds) {
  GoodData file;

  const auto info = ValidateData(file.span());

  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->publisher, 3u);
  EXPECT_EQ(info->generation, 2u);
  EXPECT_EQ(info->start_sequence, 77u);
  EXPECT_EQ(info->max_message_bytes, 192u);
  EXPECT_EQ(info->fingerprint, 5u);
  EXPECT_EQ(info->pid, 42u);
  EXPECT_EQ(info->type_name, "a.B");
  EXPECT_THAT(info->schema, ElementsAre(1, 2));
  EXPECT_EQ(info->slots.slots, file.span().data() + 256);
  EXPECT_EQ(info->slots.count, 4u);
  EXPECT_EQ(info->slots.stride, 256u);
}

TEST(ValidateData, EndsTheProgramsName) {
  GoodData file;
  std::memset(file.header().program, 'p', sizeof(file.header().program));

  const auto info = ValidateData(file.span());

  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->program, std::string(48, 'p'));
}

TEST(ValidateData, RefusesFieldByField) {
  const Wrong<layout::DataHeader> wrongs[] = {
      {"unknown magic", [](auto& h) { h.magic = 1; }},
      {"newer layout version", [](auto& h) { ++h.layout_version; }, StatusCode::kFailedPrecondition},
      {"layout version 0", [](auto& h) { h.layout_version = 0; }},
      {"no slots", [](auto& h) { h.slots = 0; }},
      {"a slot too many for the file", [](auto& h) { h.slots = 5; }},
      {"slots above the format", [](auto& h) { h.slots = 65536; }},
      {"stride 0", [](auto& h) { h.stride = 0; }},
      {"stride unaligned", [](auto& h) { h.stride = 250; }},
      {"stride without room", [](auto& h) { h.stride = 64; }},
      {"stride beyond the file", [](auto& h) { h.stride = 320; }},
      {"stride beyond reason", [](auto& h) { h.stride = std::uint64_t{1} << 62; }},
      {"stride that overflows with the count", [](auto& h) { h.stride = std::uint64_t{1} << 62, h.slots = 4; }},
      {"stagger unaligned", [](auto& h) { h.stagger = 8; }},
      {"stagger beyond the stride", [](auto& h) { h.stagger = 64; }},
      {"stagger beyond reason", [](auto& h) { h.stagger = 0xFFFFFFC0; }},
      {"no message", [](auto& h) { h.max_message_bytes = 0; }},
      {"a message larger than its room", [](auto& h) { h.max_message_bytes = 193; }},
      {"slots unaligned", [](auto& h) { h.slots_offset = 260; }},
      {"slots beyond the end", [](auto& h) { h.slots_offset = 320; }},
      {"slots far beyond the end", [](auto& h) { h.slots_offset = ~std::uint64_t{63}; }},
      {"slots over the schema", [](auto& h) { h.slots_offset = 192; }},
      {"type_name_bytes", [](auto& h) { h.type_name_bytes = 4097; }},
      {"a name over the slots", [](auto& h) { h.type_name_bytes = 63; }},
      {"schema_bytes", [](auto& h) { h.schema_bytes = 0xFFFFFFFF; }},
      {"a schema over the slots", [](auto& h) { h.schema_bytes = 62; }},
  };
  for (const auto& wrong : wrongs) {
    GoodData file;
    wrong.change(file.header());

    const absl::Status status = ValidateData(file.span()).status();

    EXPECT_EQ(status.code(), wrong.code) << wrong.what << ": " << status;
  }
}

TEST(ValidateData, RefusesEveryTruncation) {
  GoodData file;

  for (std::size_t size = 0; size < file.span().size(); ++size) {
    EXPECT_EQ(ValidateData(file.span(size)).status().code(), StatusCode::kDataLoss) << size;
  }
}

}  // namespace
}  // namespace shmcomm::segment
