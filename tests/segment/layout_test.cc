// SPDX-License-Identifier: Apache-2.0
// The byte tables of segment/layout.h and runtime/doc/segment_format.md, said a second time: a struct that is changed by
// accident differs from them.
#include "segment/layout.h"

#include <gtest/gtest.h>

#include <cstddef>

namespace shmcomm::layout {
namespace {

#define EXPECT_OFFSET(type, field, offset) EXPECT_EQ(offsetof(type, field), std::size_t{offset})

TEST(MetaHeader, LiesAsDocumented) {
  EXPECT_OFFSET(MetaHeader, magic, 0);
  EXPECT_OFFSET(MetaHeader, layout_version, 8);
  EXPECT_OFFSET(MetaHeader, byte_order, 12);
  EXPECT_OFFSET(MetaHeader, header_bytes, 16);
  EXPECT_OFFSET(MetaHeader, pattern, 20);
  EXPECT_OFFSET(MetaHeader, reliability, 21);
  EXPECT_OFFSET(MetaHeader, on_full, 22);
  EXPECT_OFFSET(MetaHeader, verify, 23);
  EXPECT_OFFSET(MetaHeader, max_size, 24);
  EXPECT_OFFSET(MetaHeader, fingerprint, 32);
  EXPECT_OFFSET(MetaHeader, deadline_ns, 40);
  EXPECT_OFFSET(MetaHeader, lifespan_ns, 48);
  EXPECT_OFFSET(MetaHeader, history, 56);
  EXPECT_OFFSET(MetaHeader, capacity, 60);
  EXPECT_OFFSET(MetaHeader, entries, 64);
  EXPECT_OFFSET(MetaHeader, max_publishers, 68);
  EXPECT_OFFSET(MetaHeader, max_subscribers, 72);
  EXPECT_OFFSET(MetaHeader, max_borrowed, 76);
  EXPECT_OFFSET(MetaHeader, max_loans, 80);
  EXPECT_OFFSET(MetaHeader, struct_bytes, 84);
  EXPECT_OFFSET(MetaHeader, prefault, 88);
  EXPECT_OFFSET(MetaHeader, type_name_bytes, 92);
  EXPECT_OFFSET(MetaHeader, schema_bytes, 96);
  EXPECT_OFFSET(MetaHeader, creator_pid, 100);
  EXPECT_OFFSET(MetaHeader, first, 104);
  EXPECT_OFFSET(MetaHeader, program, 112);
  EXPECT_OFFSET(MetaHeader, declared_at, 160);
  EXPECT_OFFSET(MetaHeader, reply_fingerprint, 256);
  EXPECT_OFFSET(MetaHeader, max_reply_size, 264);
  EXPECT_OFFSET(MetaHeader, timeout_ns, 272);
  EXPECT_OFFSET(MetaHeader, max_in_flight, 280);
  EXPECT_OFFSET(MetaHeader, reply_struct_bytes, 284);
  EXPECT_OFFSET(MetaHeader, reply_name_bytes, 288);
  EXPECT_OFFSET(MetaHeader, reply_schema_bytes, 292);
  EXPECT_EQ(sizeof(MetaHeader), 320u);
}

TEST(RingHeader, LiesAsDocumented) {
  EXPECT_OFFSET(RingHeader, magic, 0);
  EXPECT_OFFSET(RingHeader, layout_version, 8);
  EXPECT_OFFSET(RingHeader, entries, 12);
  EXPECT_OFFSET(RingHeader, first, 16);
  EXPECT_OFFSET(RingHeader, head, 64);
  EXPECT_EQ(sizeof(RingHeader), 192u);
}

TEST(RingFile, HoldsHeaderPublisherTableAndEntries) {
  EXPECT_EQ(kPublisherTableOffset, 192u);
  EXPECT_EQ(kEntriesOffset, 192u + 256 * 8);
  EXPECT_EQ(RingFileBytes(16), 2240u + 128);
  EXPECT_EQ(RingFileBytes(32768), 2240u + 262144);
}

TEST(WakeLine, IsOneCacheLineOfItsOwn) {
  EXPECT_OFFSET(WakeLine, armed, 0);
  EXPECT_OFFSET(WakeLine, fenced, 4);
  EXPECT_OFFSET(WakeLine, space_armed, 8);
  EXPECT_OFFSET(WakeLine, space_bell, 12);
  EXPECT_OFFSET(WakeLine, bell, 20);
  EXPECT_EQ(sizeof(WakeLine), kCacheLine);
  EXPECT_EQ(offsetof(ReadersHeader, wake) % kCacheLine, 0u);
}

TEST(ReadersHeader, LiesAsDocumented) {
  EXPECT_OFFSET(ReadersHeader, magic, 0);
  EXPECT_OFFSET(ReadersHeader, layout_version, 8);
  EXPECT_OFFSET(ReadersHeader, lines, 12);
  EXPECT_OFFSET(ReadersHeader, wake, 64);
  EXPECT_EQ(sizeof(ReadersHeader), 128u);
}

TEST(ReaderLine, KeepsWhatPublishersScanInItsFirstCacheLine) {
  EXPECT_OFFSET(ReaderLine, cursor, 0);
  EXPECT_OFFSET(ReaderLine, arm, 8);
  EXPECT_OFFSET(ReaderLine, bell, 12);
  EXPECT_OFFSET(ReaderLine, hazards, 16);
  EXPECT_OFFSET(ReaderLine, pid, 64);
  EXPECT_OFFSET(ReaderLine, descriptor, 68);
  EXPECT_OFFSET(ReaderLine, received, 72);
  EXPECT_OFFSET(ReaderLine, bytes, 80);
  EXPECT_OFFSET(ReaderLine, lost, 88);
  EXPECT_OFFSET(ReaderLine, incompatible, 96);
  EXPECT_OFFSET(ReaderLine, program, 104);
  EXPECT_EQ(sizeof(ReaderLine), 2 * kCacheLine);
}

TEST(ReadersFile, GivesEachBitmapWholeCacheLines) {
  EXPECT_EQ(BitmapWords(64), 1u);
  EXPECT_EQ(BitmapWords(65), 2u);
  EXPECT_EQ(BitmapBytes(1), 64u);
  EXPECT_EQ(BitmapBytes(512), 64u);
  EXPECT_EQ(BitmapBytes(513), 128u);
}

TEST(ReadersFile, HoldsHeaderThreeBitmapsAndLines) {
  EXPECT_EQ(kActiveOffset, 128u);
  EXPECT_EQ(IdleOffset(16), 192u);
  EXPECT_EQ(DescriptorsOffset(16), 256u);
  EXPECT_EQ(LinesOffset(16), 320u);
  EXPECT_EQ(LinesOffset(1024), 512u);
  EXPECT_EQ(ReadersFileBytes(16, 0), 320u + 16 * 128);
}

TEST(ReadersFile, HoldsOneClaimWordAnEntryBehindTheLines) {
  EXPECT_EQ(ClaimsOffset(16), 320u + 16 * 128);
  EXPECT_EQ(ReadersFileBytes(16, 32), 320u + 16 * 128 + 32 * 8);
}

TEST(ReadersFile, HoldsClaimsWhereMessagesGoToOneReaderOnly) {
  MetaHeader meta{};
  meta.entries = 32;
  meta.pattern = 1;
  EXPECT_EQ(ClaimCount(meta), 0u);
  meta.pattern = 2;
  EXPECT_EQ(ClaimCount(meta), 32u);
  meta.pattern = 3;
  EXPECT_EQ(ClaimCount(meta), 32u);
}

TEST(DataHeader, LiesAsDocumented) {
  EXPECT_OFFSET(DataHeader, magic, 0);
  EXPECT_OFFSET(DataHeader, layout_version, 8);
  EXPECT_OFFSET(DataHeader, publisher, 12);
  EXPECT_OFFSET(DataHeader, generation, 16);
  EXPECT_OFFSET(DataHeader, slots, 20);
  EXPECT_OFFSET(DataHeader, start_sequence, 24);
  EXPECT_OFFSET(DataHeader, slots_offset, 32);
  EXPECT_OFFSET(DataHeader, stride, 40);
  EXPECT_OFFSET(DataHeader, max_message_bytes, 48);
  EXPECT_OFFSET(DataHeader, fingerprint, 56);
  EXPECT_OFFSET(DataHeader, sent, 64);
  EXPECT_OFFSET(DataHeader, bytes, 72);
  EXPECT_OFFSET(DataHeader, errors, 80);
  EXPECT_OFFSET(DataHeader, type_name_bytes, 128);
  EXPECT_OFFSET(DataHeader, schema_bytes, 132);
  EXPECT_OFFSET(DataHeader, pid, 136);
  EXPECT_OFFSET(DataHeader, stagger, 140);
  EXPECT_OFFSET(DataHeader, program, 144);
  EXPECT_EQ(sizeof(DataHeader), 192u);
}

TEST(SlotHeader, LiesAsDocumented) {
  EXPECT_OFFSET(SlotHeader, sequence, 0);
  EXPECT_OFFSET(SlotHeader, publish_ns, 8);
  EXPECT_OFFSET(SlotHeader, message_bytes, 16);
  EXPECT_OFFSET(SlotHeader, codec, 20);
  EXPECT_OFFSET(SlotHeader, correlation, 24);
  EXPECT_OFFSET(SlotHeader, publisher, 32);
  EXPECT_OFFSET(SlotHeader, next_slot, 34);
  EXPECT_OFFSET(SlotHeader, abandoned, 36);
  EXPECT_EQ(sizeof(SlotHeader), kCacheLine);
}

TEST(LockBytes, AreDistinctForEveryParticipant) {
  EXPECT_EQ(ReaderLockByte(0), 0u);
  EXPECT_EQ(ReaderLockByte(1023), 1023u);
  EXPECT_EQ(PublisherLockByte(1), 1024u);
  EXPECT_EQ(PublisherLockByte(255), 1278u);
}

}  // namespace
}  // namespace shmcomm::layout
