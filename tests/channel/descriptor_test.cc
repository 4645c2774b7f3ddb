// SPDX-License-Identifier: Apache-2.0
#include "channel/descriptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "platform/os.h"

namespace shmcomm::channel {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint8_t kSchema[] = {1, 2, 3};

ChannelSpec Spec() {
  ChannelSpec spec;
  spec.name = "robot/imu";
  spec.declared_at = "robot.channel:21";
  spec.message.name = "robot.Imu";
  spec.message.fingerprint = 0x5F0C;
  spec.message.schema = kSchema;
  spec.message.schema_bytes = sizeof(kSchema);
  return spec;
}

TEST(MetaOfASpec, IsValidAndSaysAll) {
  ChannelSpec spec = Spec();
  spec.qos.history = 20;
  spec.qos.prefault = true;
  spec.qos.lifespan_ns = 5;
  spec.message.is_struct = true;
  spec.message.struct_bytes = 56;

  const segment::Meta meta = MakeMeta(spec);

  EXPECT_EQ(meta.header.entries, 32u);
  EXPECT_EQ(meta.header.history, 20u);
  EXPECT_EQ(meta.header.prefault, 1u);
  EXPECT_EQ(meta.header.lifespan_ns, 5);
  EXPECT_EQ(meta.header.struct_bytes, 56u);
  EXPECT_EQ(meta.header.fingerprint, 0x5F0Cu);
  EXPECT_EQ(meta.header.creator_pid, platform::ProcessId());
  EXPECT_STREQ(meta.header.program, platform::ProgramName().c_str());
  EXPECT_STREQ(meta.header.declared_at, "robot.channel:21");
  EXPECT_EQ(meta.type_name, "robot.Imu");
  EXPECT_EQ(meta.header.type_name_bytes, 9u);
  EXPECT_EQ(meta.header.schema_bytes, 3u);
}

TEST(MetaOfASpec, CutsLongTexts) {
  const std::string text(200, 'd');
  ChannelSpec spec = Spec();
  spec.declared_at = text.c_str();

  EXPECT_STREQ(MakeMeta(spec).header.declared_at, std::string(95, 'd').c_str());
}

ChannelSpec ReqRepSpec() {
  ChannelSpec spec = Spec();
  spec.pattern = Pattern::kReqRep;
  spec.qos.max_in_flight = 10;
  spec.qos.max_reply_size = 4096;
  spec.qos.max_subscribers = 3;
  spec.qos.timeout_ns = 5;
  spec.reply.name = "robot.Ack";
  spec.reply.fingerprint = 0xACC;
  return spec;
}

TEST(MetaOfASpec, SaysWhatAReplyIs) {
  const segment::Meta meta = MakeMeta(ReqRepSpec());

  EXPECT_EQ(meta.header.reply_fingerprint, 0xACCu);
  EXPECT_EQ(meta.header.max_reply_size, 4096u);
  EXPECT_EQ(meta.header.max_in_flight, 10u);
  EXPECT_EQ(meta.header.timeout_ns, 5);
  EXPECT_EQ(meta.reply_type_name, "robot.Ack");
  EXPECT_EQ(meta.reply_schema, meta.schema);
  EXPECT_EQ(meta.header.reply_schema_bytes, 0u) << "the request's schema has it";
}

TEST(MetaOfASpec, GivesARequestToASecondReplierOnlyWhereThatDoesNoHarm) {
  ChannelSpec spec = ReqRepSpec();
  EXPECT_EQ(MakeMeta(spec).header.max_attempts, 1u);

  spec.qos.idempotent = true;
  EXPECT_EQ(MakeMeta(spec).header.max_attempts, 15u);
}

TEST(MetaOfReplies, HasRoomForTwoToEachCallAndOneReader) {
  const segment::Meta replies = ReplyMeta(MakeMeta(ReqRepSpec()));

  EXPECT_EQ(replies.header.entries, 32u);
  EXPECT_EQ(replies.header.capacity, 32u);
  EXPECT_EQ(replies.header.max_subscribers, 1u);
  EXPECT_EQ(replies.header.max_publishers, 6u);
  EXPECT_EQ(replies.header.reliability, 1u);
  EXPECT_EQ(replies.header.fingerprint, 0xACCu);
  EXPECT_EQ(replies.type_name, "robot.Ack");
}

TEST(MetaOfReplies, HasRoomForTheTextOfAnError) {
  ChannelSpec spec = ReqRepSpec();
  spec.qos.max_reply_size = 4;

  EXPECT_EQ(ReplyMeta(MakeMeta(spec)).header.max_size, 512u);
  EXPECT_EQ(ReplySpec(spec).qos.max_size, 512u);
}

TEST(Joiner, OfAReqRepChannelIsToldOfEveryOptionOfCalls) {
  const struct {
    const char* said;
    std::function<void(ChannelSpec&)> change;
  } differing[] = {
      {"option timeout: 5ns -> 6ns", [](auto& s) { s.qos.timeout_ns = 6; }},
      {"option max_in_flight: 10 -> 9", [](auto& s) { s.qos.max_in_flight = 9; }},
      {"option idempotent: false -> true", [](auto& s) { s.qos.idempotent = true; }},
      {"option max_repliers: 3 -> 2", [](auto& s) { s.qos.max_subscribers = 2; }},
      {"option max_requesters: 8 -> 2", [](auto& s) { s.qos.max_publishers = 2; }},
  };
  for (const auto& one : differing) {
    ChannelSpec joiner = ReqRepSpec();
    one.change(joiner);

    const absl::Status status = CheckJoiner("robot/drive", joiner, MakeMeta(ReqRepSpec()), Role::kReader);

    EXPECT_THAT(std::string(status.message()), HasSubstr(one.said));
  }
}

TEST(Joiner, OfAReqRepChannelIsRefusedForAnotherReply) {
  ChannelSpec joiner = ReqRepSpec();
  joiner.reply.fingerprint = 1;
  joiner.reply.name = "robot.Other";
  joiner.message.schema_bytes = 0;

  for (const Role role : {Role::kWriter, Role::kReader}) {
    const absl::Status status = CheckJoiner("robot/drive", joiner, MakeMeta(ReqRepSpec()), role);

    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("'robot.Ack' -> 'robot.Other'"));
  }
}

TEST(Joiner, FitsAChannelOfItsOwnKind) {
  EXPECT_TRUE(CheckJoiner("c", Spec(), MakeMeta(Spec()), Role::kReader).ok());
  EXPECT_TRUE(CheckJoiner("c", Spec(), MakeMeta(Spec()), Role::kWriter).ok());
}

TEST(Joiner, MayBringAnotherMaxSizeVerifyOrPrefault) {
  ChannelSpec joiner = Spec();
  joiner.qos.max_size = 99;
  joiner.qos.verify = Verify::kUntrusted;
  joiner.qos.prefault = true;

  EXPECT_TRUE(CheckJoiner("c", joiner, MakeMeta(Spec()), Role::kReader).ok());
}

TEST(Joiner, IsRefusedForEveryOptionThatDiffersAndToldWhich) {
  const struct {
    const char* said;
    std::function<void(ChannelSpec&)> change;
  } differing[] = {
      {"pattern: pubsub -> reqrep", [](auto& s) { s.pattern = Pattern::kReqRep; }},
      {"pattern: pubsub -> pushpull", [](auto& s) { s.pattern = Pattern::kPushPull; }},
      {"option reliability: best_effort -> reliable", [](auto& s) { s.qos.reliability = Reliability::kReliable; }},
      {"option on_full: block -> fail", [](auto& s) { s.qos.on_full = OnFull::kFail; }},
      {"option deadline: none -> 7ns", [](auto& s) { s.qos.deadline_ns = 7; }},
      {"option lifespan: none -> 7ns", [](auto& s) { s.qos.lifespan_ns = 7; }},
      {"option history: 0 -> 7", [](auto& s) { s.qos.history = 7; }},
      {"option capacity: 16 -> 7", [](auto& s) { s.qos.capacity = 7; }},
      {"option max_publishers: 8 -> 7", [](auto& s) { s.qos.max_publishers = 7; }},
      {"option max_subscribers: 16 -> 7", [](auto& s) { s.qos.max_subscribers = 7; }},
      {"option max_borrowed: 4 -> 3", [](auto& s) { s.qos.max_borrowed = 3; }},
      {"option max_loans: 2 -> 3", [](auto& s) { s.qos.max_loans = 3; }},
  };
  for (const auto& one : differing) {
    ChannelSpec joiner = Spec();
    one.change(joiner);

    const absl::Status status = CheckJoiner("robot/imu", joiner, MakeMeta(Spec()), Role::kReader);

    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << one.said;
    EXPECT_THAT(std::string(status.message()), HasSubstr(one.said));
  }
}

TEST(Joiner, IsToldWhoTheTwoAreAndWhatToDo) {
  ChannelSpec joiner = Spec();
  joiner.qos.history = 7;
  joiner.declared_at = "other.channel:3";
  segment::Meta meta = MakeMeta(Spec());
  meta.header.creator_pid = 4711;

  const std::string message(CheckJoiner("robot/imu", joiner, meta, Role::kReader).message());

  EXPECT_THAT(message, HasSubstr("channel 'robot/imu': this program and the running channel disagree"));
  EXPECT_THAT(message, HasSubstr("pid 4711"));
  EXPECT_THAT(message, HasSubstr("robot.channel:21"));
  EXPECT_THAT(message, HasSubstr("other.channel:3"));
  EXPECT_THAT(message, HasSubstr("fix: "));
}

TEST(Joiner, IsNotToldWhereATypeThatThereIsNotWasDeclared) {
  ChannelSpec plain = Spec();
  plain.message = MessageType{};
  plain.declared_at = "";
  ChannelSpec joiner = plain;
  joiner.qos.history = 7;
  segment::Meta meta = MakeMeta(plain);
  meta.header.creator_pid = 4711;

  const std::string message(CheckJoiner("robot/imu", joiner, meta, Role::kReader).message());

  EXPECT_THAT(message, HasSubstr("  channel    pid 4711 " + platform::ProgramName() + "\n"));
}

TEST(Joiner, IsShownNoControlCharactersOfAnother) {
  ChannelSpec joiner = Spec();
  joiner.qos.history = 7;
  segment::Meta meta = MakeMeta(Spec());
  meta.header.program[0] = '\x1B';

  EXPECT_THAT(std::string(CheckJoiner("c", joiner, meta, Role::kReader).message()), Not(HasSubstr("\x1B")));
}

TEST(Joiner, OfAnUnknownPatternIsTold) {
  segment::Meta meta = MakeMeta(Spec());
  meta.header.pattern = 9;

  EXPECT_THAT(std::string(CheckJoiner("c", Spec(), meta, Role::kReader).message()), HasSubstr("pattern: unknown -> pubsub"));
}

TEST(Types, AgreeByFingerprintAlone) {
  TypeOwner writer = ThisProgram(Spec());
  TypeOwner reader = writer;
  writer.role = "publisher";
  writer.type_name = "a.Renamed";

  EXPECT_TRUE(CheckTypes("c", writer, reader).ok());
}

TEST(Types, WithoutASchemaNeverAgreeUnderAnotherFingerprint) {
  const TypeOwner reader = ThisProgram(Spec());
  TypeOwner writer = reader;
  writer.role = "publisher";
  writer.type_name = "";
  writer.fingerprint = 0;
  writer.schema = {};

  const absl::Status status = CheckTypes("c", writer, reader);

  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("message type '' -> 'robot.Imu'"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("BREAKING"));
}

TEST(Types, NameTheOtherFirstWhoeverWrites) {
  const TypeOwner you = ThisProgram(Spec());
  TypeOwner other = you;
  other.role = "channel";
  other.type_name = "b.C";
  other.fingerprint = 1;
  other.schema = {};

  EXPECT_THAT(std::string(CheckTypes("c", you, other).message()), HasSubstr("'b.C' -> 'robot.Imu'"));
  EXPECT_THAT(std::string(CheckTypes("c", other, you).message()), HasSubstr("'b.C' -> 'robot.Imu'"));
}

TEST(Types, WithASchemaThatIsNoneAreCorrupt) {
  const TypeOwner reader = ThisProgram(Spec());
  TypeOwner writer = reader;
  writer.fingerprint = 1;

  EXPECT_EQ(CheckTypes("c", writer, reader).code(), StatusCode::kDataLoss);
}

TEST(TypeOwner, OfAPublisherIsReadFromItsFile) {
  segment::DataInfo data;
  data.pid = 12;
  data.program = "camera";
  data.fingerprint = 9;
  data.type_name = "robot.Image";

  const TypeOwner owner = OwnerOf(data);

  EXPECT_EQ(owner.role, "publisher");
  EXPECT_EQ(owner.pid, 12u);
  EXPECT_EQ(owner.program, "camera");
  EXPECT_EQ(owner.fingerprint, 9u);
  EXPECT_EQ(owner.type_name, "robot.Image");
}

}  // namespace
}  // namespace shmcomm::channel
