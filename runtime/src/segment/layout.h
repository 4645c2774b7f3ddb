// SPDX-License-Identifier: Apache-2.0
// Every struct that lies in shared memory: the byte layout of a channel's files. See runtime/doc/segment_format.md.
//
//   <root>/<domain>/<channel>/
//     meta            MetaHeader, type name, schema          immutable, linked last: a channel with a meta is complete
//     ring            RingHeader, PublisherRow[256], entries  publishers write, readers map it read-only
//     readers         ReadersHeader, bitmaps, ReaderLine[R],  all write
//                     claims[N] (pushpull and reqrep only)
//     pub.<id>.<gen>  DataHeader, type name, schema, slots    its publisher writes, readers map it read-only
//     reply.<id>.<gen>/   reqrep: the replies to requester <id>: ring, readers, pub files and lock of their own
//     lock            empty; byte i is reader line i, byte 1023 + p is publisher p, locked for the participant's life
//
// Native byte order and native atomics: a channel never leaves its machine. Words that different cores write lie at
// least a cache line (64 bytes) apart. Changing anything here changes kLayoutVersion, the format page and CHANGELOG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/atomic.h"

namespace shmcomm::layout {

inline constexpr std::uint32_t kLayoutVersion = 3;
inline constexpr std::uint32_t kByteOrder = 0x01020304;
inline constexpr std::uint64_t kMetaMagic = 0x314154454D4D4853;     // "SHMMETA1"
inline constexpr std::uint64_t kRingMagic = 0x31474E49524D4853;     // "SHMRING1"
inline constexpr std::uint64_t kReadersMagic = 0x315344524D4D4853;  // "SHMMRDS1"
inline constexpr std::uint64_t kDataMagic = 0x315441444D4D4853;     // "SHMMDAT1"

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::uint32_t kMinEntries = 16;
inline constexpr std::uint32_t kMaxEntries = 32768;
inline constexpr std::uint32_t kMaxPublishers = 255;
inline constexpr std::uint32_t kMaxSubscribers = 1024;
inline constexpr std::uint32_t kMaxPullers = 255;                   // a claim names its owner in eight bits
inline constexpr std::uint32_t kMaxAttempts = 15;
inline constexpr std::uint32_t kMaxInFlight = 255;
inline constexpr std::uint32_t kMaxHazards = 6;
inline constexpr std::uint32_t kMaxLoans = 8;
inline constexpr std::uint32_t kMaxSlots = 65535;                   // 0xFFFF is the tombstone
inline constexpr std::uint64_t kMaxMessageBytes = (std::uint64_t{1} << 31) - 64;
inline constexpr std::uint32_t kMaxSchemaBytes = 16u << 20;
inline constexpr std::uint16_t kNoSlot = 0xFFFF;

// Describes the channel. Written once by its creator, never changed.
//
//   offset  size  field              meaning
//        0     8  magic              kMetaMagic
//        8     4  layout_version     kLayoutVersion
//       12     4  byte_order         kByteOrder
//       16     4  header_bytes       sizeof(MetaHeader)
//       20     1  pattern            1 pubsub, 2 reqrep, 3 pushpull
//       21     1  reliability        0 best_effort, 1 reliable
//       22     1  on_full            0 block, 1 fail
//       23     1  verify             0 trusted, 1 verify, 2 untrusted
//       24     8  max_size           largest message, bytes
//       32     8  fingerprint        identity of the message type
//       40     8  deadline_ns        0 = none
//       48     8  lifespan_ns        0 = none
//       56     4  history            messages promised to a late joiner
//       60     4  capacity           as declared
//       64     4  entries            N, a power of two
//       68     4  max_publishers     1 = sole writer
//       72     4  max_subscribers    R, lines of the readers file
//       76     4  max_borrowed       H
//       80     4  max_loans          loans a publisher may hold
//       84     4  struct_bytes       size of a struct message, 0 for tables and bytes
//       88     1  prefault           1 = commit everything at open
//       89     1  max_attempts       pushpull, reqrep: how often a job may be given out, 1..15
//       90     2  reserved           zero
//       92     4  type_name_bytes    follows this header
//       96     4  schema_bytes       follows the type name
//      100     4  creator_pid        informative
//      104     8  first              the channel's first sequence
//      112    48  program            creator's program, NUL-padded
//      160    96  declared_at        where the creator's schema declares it, NUL-padded
//      256     8  reply_fingerprint  reqrep, as all that follows: identity of the reply's type
//      264     8  max_reply_size     largest reply, bytes
//      272     8  timeout_ns         of a call that does not say; 0 = none
//      280     4  max_in_flight      requests one requester may have unanswered
//      284     4  reply_struct_bytes
//      288     4  reply_name_bytes   the reply's type name follows the schema
//      292     4  reply_schema_bytes follows the reply's name; 0 = the schema before has it
//      296    24  reserved           zero
struct MetaHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t byte_order;
  std::uint32_t header_bytes;
  std::uint8_t pattern;
  std::uint8_t reliability;
  std::uint8_t on_full;
  std::uint8_t verify;
  std::uint64_t max_size;
  std::uint64_t fingerprint;
  std::int64_t deadline_ns;
  std::int64_t lifespan_ns;
  std::uint32_t history;
  std::uint32_t capacity;
  std::uint32_t entries;
  std::uint32_t max_publishers;
  std::uint32_t max_subscribers;
  std::uint32_t max_borrowed;
  std::uint32_t max_loans;
  std::uint32_t struct_bytes;
  std::uint8_t prefault;
  std::uint8_t max_attempts;
  std::uint8_t reserved[2];
  std::uint32_t type_name_bytes;
  std::uint32_t schema_bytes;
  std::uint32_t creator_pid;
  std::uint64_t first;
  char program[48];
  char declared_at[96];
  std::uint64_t reply_fingerprint;
  std::uint64_t max_reply_size;
  std::int64_t timeout_ns;
  std::uint32_t max_in_flight;
  std::uint32_t reply_struct_bytes;
  std::uint32_t reply_name_bytes;
  std::uint32_t reply_schema_bytes;
  std::uint8_t reserved2[24];
};
static_assert(sizeof(MetaHeader) == 320 && std::is_trivially_copyable_v<MetaHeader>);
static_assert(offsetof(MetaHeader, max_size) == 24 && offsetof(MetaHeader, history) == 56);
static_assert(offsetof(MetaHeader, entries) == 64 && offsetof(MetaHeader, max_attempts) == 89);
static_assert(offsetof(MetaHeader, type_name_bytes) == 92 && offsetof(MetaHeader, schema_bytes) == 96);
static_assert(offsetof(MetaHeader, program) == 112 && offsetof(MetaHeader, declared_at) == 160);
static_assert(offsetof(MetaHeader, reply_fingerprint) == 256 && offsetof(MetaHeader, reply_name_bytes) == 288);

// Start of the ring file; PublisherRow[256] and Atomic<u64> entries[N] follow. Publishers write, readers only map it.
//
//   offset  size  field           meaning
//        0     8  magic           kRingMagic
//        8     4  layout_version
//       12     4  entries         N
//       16     8  first           the channel's first sequence, 0 outside wrap tests
//       64     8  head            next sequence; any publisher may advance it by one (I2)
struct RingHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t entries;
  std::uint64_t first;
  std::uint8_t reserved0[40];
  base::Atomic<std::uint64_t> head;
  std::uint8_t reserved1[120];
};
static_assert(sizeof(RingHeader) == 192 && std::is_standard_layout_v<RingHeader>);
static_assert(offsetof(RingHeader, head) == 64);

// One publisher id. Row 0 is never used. Written by the holder of lock byte 1023 + id.
struct PublisherRow {
  base::Atomic<std::uint32_t> generation;  // 0 = never used; names the data file pub.<id>.<generation>
  std::uint32_t reserved;
};
static_assert(sizeof(PublisherRow) == 8);
inline constexpr std::uint32_t kPublisherRows = 256;

inline constexpr std::size_t kPublisherTableOffset = sizeof(RingHeader);
inline constexpr std::size_t kEntriesOffset = kPublisherTableOffset + kPublisherRows * sizeof(PublisherRow);
static_assert(kEntriesOffset % kCacheLine == 0);
constexpr std::size_t RingFileBytes(std::uint32_t entries) { return kEntriesOffset + std::size_t{entries} * 8; }

// What publishers read at every publish to learn whether anybody sleeps. One cache line.
//
//   offset  size  field        meaning
//        0     4  armed        bit 0: sleepers on the bell, bit 1: readers with a descriptor (E4)
//        4     4  fenced       bits 0 to 2: a sole writer must fence (wake/fencing.h); the rest counts how often that ended
//        8     4  space_armed  pushpull: a pusher waits for room
//       12     4  space_bell   pushpull: the word it sleeps on
//       16     4  turn         pushpull: the line after the one woken last; a hint
//       20     4  bell         the word subscribers sleep on (E4); in a file that they may write, because the kernel finds the
//                               word of a sleep through a writable mapping faster by a fifteenth of the whole way
//       24    32  called       pushpull: a bit a line, woken and not come yet; a hint
struct WakeLine {
  base::Atomic<std::uint32_t> armed;
  base::Atomic<std::uint32_t> fenced;
  base::Atomic<std::uint32_t> space_armed;
  base::Atomic<std::uint32_t> space_bell;
  base::Atomic<std::uint32_t> turn;
  base::Atomic<std::uint32_t> bell;
  base::Atomic<std::uint64_t> called[(kMaxPullers + 63) / 64];
  std::uint8_t reserved_end[8];
};
static_assert(sizeof(WakeLine) == 64 && std::is_standard_layout_v<WakeLine>);
static_assert(offsetof(WakeLine, bell) == 20 && offsetof(WakeLine, called) == 24);

// Start of the readers file; three bitmaps of BitmapBytes(R) follow (active, idle, fds), then ReaderLine[R], and in
// channels whose messages are claimed one claim word an entry.
//
//   offset  size  field           meaning
//        0     8  magic           kReadersMagic
//        8     4  layout_version
//       12     4  lines           R
//       16     8  dead_letters    pushpull, reqrep: jobs given up after max_attempts
//       64    64  wake
struct ReadersHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t lines;
  base::Atomic<std::uint64_t> dead_letters;
  std::uint8_t reserved[40];
  WakeLine wake;
};
static_assert(sizeof(ReadersHeader) == 128 && offsetof(ReadersHeader, wake) == 64);

// One subscriber. The first 64 bytes are scanned by publishers, the second 64 never.
//
//   offset  size  field         meaning
//        0     8  cursor        cursor:48 | generation:14 | state:2; its owner, and by exact CAS a demoter
//        8     4  arm           reliable: a publisher waits on this line
//       12     4  bell          pushpull, reliable: the word of this line
//       16    48  hazards       whole entries of the messages being read (E2, E3, I4)
//       64     4  pid           informative
//       68     4  descriptor    generation of the FIFO behind fd()
//       72     8  received      messages taken
//       80     8  bytes         their bytes
//       88     8  lost          sequences gone before they were taken
//       96     8  incompatible  messages of publishers whose schema does not fit
//      104    24  program       NUL-padded
struct ReaderLine {
  base::Atomic<std::uint64_t> cursor;
  base::Atomic<std::uint32_t> arm;
  base::Atomic<std::uint32_t> bell;
  base::Atomic<std::uint64_t> hazards[kMaxHazards];
  std::uint32_t pid;
  base::Atomic<std::uint32_t> descriptor;
  base::Atomic<std::uint64_t> received;
  base::Atomic<std::uint64_t> bytes;
  base::Atomic<std::uint64_t> lost;
  base::Atomic<std::uint64_t> incompatible;
  char program[24];
};
static_assert(sizeof(ReaderLine) == 128 && std::is_standard_layout_v<ReaderLine>);
static_assert(offsetof(ReaderLine, hazards) == 16 && offsetof(ReaderLine, pid) == 64);
static_assert(offsetof(ReaderLine, program) == 104);

constexpr std::uint32_t BitmapWords(std::uint32_t lines) { return (lines + 63) / 64; }
constexpr std::size_t BitmapBytes(std::uint32_t lines) {
  return (std::size_t{BitmapWords(lines)} * 8 + kCacheLine - 1) / kCacheLine * kCacheLine;
}
constexpr std::size_t kActiveOffset = sizeof(ReadersHeader);
constexpr std::size_t IdleOffset(std::uint32_t lines) { return kActiveOffset + BitmapBytes(lines); }
constexpr std::size_t DescriptorsOffset(std::uint32_t lines) { return IdleOffset(lines) + BitmapBytes(lines); }
constexpr std::size_t LinesOffset(std::uint32_t lines) { return DescriptorsOffset(lines) + BitmapBytes(lines); }
constexpr std::size_t ClaimsOffset(std::uint32_t lines) {
  return LinesOffset(lines) + std::size_t{lines} * sizeof(ReaderLine);
}
/// Claim words of a channel: pubsub has none.
constexpr std::uint32_t ClaimCount(const MetaHeader& meta) { return meta.pattern == 1 ? 0 : meta.entries; }
constexpr std::size_t ReadersFileBytes(std::uint32_t lines, std::uint32_t claims) {
  return ClaimsOffset(lines) + std::size_t{claims} * 8;
}
static_assert(LinesOffset(1024) % kCacheLine == 0 && ClaimsOffset(1) % kCacheLine == 0);

// Start of a publisher's data file; type name and schema follow, then the slots at slots_offset.
//
//   offset  size  field              meaning
//        0     8  magic              kDataMagic
//        8     4  layout_version
//       12     4  publisher          id, 1..255
//       16     4  generation         as in the publisher table
//       20     4  slots              1..65,535
//       24     8  start_sequence     entries below it belong to an earlier owner of the id (H5)
//       32     8  slots_offset       multiple of 64
//       40     8  stride             bytes from slot to slot, multiple of 64
//       48     8  max_message_bytes  this publisher's largest message
//       56     8  fingerprint        of its message type
//       64     8  sent               counters: written by the publisher only
//       72     8  bytes
//       80     8  errors
//      128     4  type_name_bytes
//      132     4  schema_bytes
//      136     4  pid                informative
//      140     4  stagger            slot s ends stagger * (s % 8) bytes early, so that slots differ in cache set
//      144    48  program            NUL-padded
struct DataHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t publisher;
  std::uint32_t generation;
  std::uint32_t slots;
  std::uint64_t start_sequence;
  std::uint64_t slots_offset;
  std::uint64_t stride;
  std::uint64_t max_message_bytes;
  std::uint64_t fingerprint;
  base::Atomic<std::uint64_t> sent;
  base::Atomic<std::uint64_t> bytes;
  base::Atomic<std::uint64_t> errors;
  std::uint8_t reserved[40];
  std::uint32_t type_name_bytes;
  std::uint32_t schema_bytes;
  std::uint32_t pid;
  std::uint32_t stagger;
  char program[48];
};
static_assert(sizeof(DataHeader) == 192 && std::is_standard_layout_v<DataHeader>);
static_assert(offsetof(DataHeader, sent) == 64 && offsetof(DataHeader, type_name_bytes) == 128);

// Closes a slot: the message lies directly below it and ends where it begins. Written by the loan's owner before the
// entry is committed (E1), read-only until the slot is retired (I3).
//
//   offset  size  field          meaning
//        0     8  sequence       channel sequence number
//        8     8  publish_ns     monotonic clock at publish
//       16     4  message_bytes  bytes below this header
//       20     4  codec          0 FlatBuffer, 1 struct, 2 bytes, 3 msgpack, 4 ndarray, 5 pickle, 6 named, 7 status
//       24     8  correlation    reqrep: which request; otherwise zero
//       32     2  publisher      its id
//       34     2  next_slot      hint: the slot this publisher fills next; readers prefetch it, nobody trusts it
//       36     4  abandoned      reqrep: 1 = nobody waits for the reply any more; a hint, set while the request is claimed
//       40    24  reserved       zero
struct SlotHeader {
  std::uint64_t sequence;
  std::int64_t publish_ns;
  std::uint32_t message_bytes;
  std::uint32_t codec;
  std::uint64_t correlation;
  std::uint16_t publisher;
  std::uint16_t next_slot;
  base::Atomic<std::uint32_t> abandoned;
  std::uint8_t reserved[24];
};
static_assert(sizeof(SlotHeader) == 64 && std::is_standard_layout_v<SlotHeader>);
static_assert(offsetof(SlotHeader, message_bytes) == 16 && offsetof(SlotHeader, next_slot) == 34);

// Lock bytes.
constexpr std::uint64_t ReaderLockByte(std::uint32_t line) { return line; }
constexpr std::uint64_t PublisherLockByte(std::uint32_t id) { return std::uint64_t{1023} + id; }

}  // namespace shmcomm::layout
