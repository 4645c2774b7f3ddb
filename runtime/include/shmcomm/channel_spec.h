// SPDX-License-Identifier: Apache-2.0
// What a channel is: its name, pattern, quality of service and message type. Generated code holds one constant of this
// per channel; every endpoint is opened from it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shmcomm {

/// How messages flow. The values are stored in a channel's `meta` file.
enum class Pattern : std::uint8_t { kPubSub = 1, kReqRep = 2, kPushPull = 3 };

/// `kBestEffort`: a publisher never waits, the oldest message is overwritten. `kReliable`: nothing is overwritten unread.
enum class Reliability : std::uint8_t { kBestEffort = 0, kReliable = 1 };

/// What a publisher of a reliable channel does when the ring is full.
enum class OnFull : std::uint8_t { kBlock = 0, kFail = 1 };

/// How far a subscriber trusts what it finds in shared memory.
/// `kTrusted`: header and bounds of the slot are checked, the message is not. `kVerify`: FlatBuffers' verifier runs once
/// per take. `kUntrusted`: the message is copied, verified, and the copy is read.
enum class Verify : std::uint8_t { kTrusted = 0, kVerify = 1, kUntrusted = 2 };

/// How the bytes of one message are to be read; travels in every slot header.
enum class Codec : std::uint32_t {
  kFlatBuffer = 0, kStruct = 1, kBytes = 2, kMsgpack = 3, kNdarray = 4, kPickle = 5, kNamed = 6,
  kStatus = 7,   // an error that a replier answered; never seen by programs
};

/// Quality of service of a channel. Durations are nanoseconds, 0 means none; sizes are bytes.
struct Qos {
  std::uint32_t history = 0;              ///< messages a late joiner is given, at most 32,767
  std::uint32_t capacity = 16;            ///< how far a subscriber may lag, 1 to 32,768; the ring has the next power of two, at least 16
  std::uint64_t max_size = 16u << 20;     ///< largest message, 1 to 2^31 - 64
  Reliability reliability = Reliability::kBestEffort;
  OnFull on_full = OnFull::kBlock;
  std::int64_t deadline_ns = 0;           ///< promised period of publication
  std::int64_t lifespan_ns = 0;           ///< older messages are skipped
  std::uint32_t max_publishers = 8;       ///< 1 to 255; 1 selects pubsub's sole-writer commit; also pushers and requesters
  std::uint32_t max_subscribers = 16;     ///< 1 to 1,024; also pullers and repliers, of which 255 at most
  std::uint32_t max_borrowed = 4;         ///< samples a subscriber may hold at once, 1 to 6
  std::uint32_t max_loans = 2;            ///< loans a publisher may hold at once, 1 to 8
  Verify verify = Verify::kTrusted;
  bool prefault = false;                  ///< commit and touch all memory at open
  std::uint32_t max_attempts = 15;        ///< pushpull: how often a job is given out before it is given up, 1 to 15; 1: at most once
  // reqrep alone; max_size is that of a request
  std::uint64_t max_reply_size = 16u << 20;   ///< largest reply, 1 to 2^31 - 64
  std::int64_t timeout_ns = 0;            ///< how long a call waits that does not say; 0 = for ever
  std::uint32_t max_in_flight = 8;        ///< requests one requester may have unanswered, 1 to 255
  bool idempotent = false;                ///< a request whose replier died may be given to another
};

/// The type of a channel's messages. All pointers live as long as the program.
struct MessageType {
  const char* name = "";                  ///< fully qualified, `robot.Image`; empty for untyped bytes
  std::uint64_t fingerprint = 0;          ///< identity of the type and all it contains; 0 for untyped bytes
  bool is_struct = false;
  std::uint32_t struct_bytes = 0;         ///< size of the struct, 0 for a table
  const std::uint8_t* schema = nullptr;   ///< the FlatBuffers binary schema (.bfbs) that contains the type
  std::size_t schema_bytes = 0;
};

/// One declared channel.
struct ChannelSpec {
  const char* name = "";                  ///< `robot/imu`
  const char* declared_at = "";           ///< `robot.channel:21`, named in error messages
  Pattern pattern = Pattern::kPubSub;
  Qos qos;
  MessageType message;                    ///< reqrep: the request
  MessageType reply;                      ///< reqrep alone; its schema is the request's, or one of its own
};

}  // namespace shmcomm
