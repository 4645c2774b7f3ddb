// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/attempts.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "crash/every_instruction/pubsub_operations.h"
#include "segment/plan.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

// Bytes, in slots that commit their pages when they are first used.
ChannelSpec Bytes() {
  ChannelSpec spec = test::BytesSpec(64 << 10);
  spec.qos.max_subscribers = 3;
  return spec;
}

ChannelSpec ReliableBytes() {
  ChannelSpec spec = Bytes();
  spec.qos.reliability = Reliability::kReliable;
  return spec;
}

absl::Status OpenPublisherOf(const ChannelSpec& spec, Ends& ends) {
  auto opened = Publisher::Open(spec, PublisherAt(ends.root));
  if (opened.ok()) ends.publisher.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenSubscriberOf(const ChannelSpec& spec, Ends& ends) {
  auto opened = Subscriber::Open(spec, SubscriberAt(ends.root));
  if (opened.ok()) ends.subscriber.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenReliablePublisher(Ends& ends) { return OpenPublisherOf(ReliableBytes(), ends); }

absl::Status OpenReliableSubscriber(Ends& ends) { return OpenSubscriberOf(ReliableBytes(), ends); }

absl::Status OpenBoth(Ends& ends) {
  absl::Status status = OpenPublisher(ends);
  status.Update(OpenSubscriber(ends));
  return status;
}

absl::Status PublishBytes(Ends& ends, std::size_t size) {
  const std::vector<std::uint8_t> bytes(size, 7);
  return ends.publisher->PublishCopy(bytes.data(), bytes.size(), Codec::kBytes);
}

absl::Status Publish(Ends& ends) { return PublishBytes(ends, 10'000); }

absl::Status PublishLarge(Ends& ends) { return PublishBytes(ends, segment::kLargeBytes); }

/// Small ones, until every slot has been used.
absl::Status PublishToAllSlots(Ends& ends) {
  absl::Status status;
  for (int i = 0; i < 40 && status.ok(); ++i) status = PublishBytes(ends, 100);
  return status;
}

absl::Status FillRing(Ends& ends) {
  absl::Status status;
  for (std::uint32_t i = 0; i < ReliableBytes().qos.capacity && status.ok(); ++i) status = PublishBytes(ends, 100);
  return status;
}

/// A message that outgrows what its slot has of memory.
absl::Status BuildAndPublish(Ends& ends) {
  auto loan = ends.publisher->Loan();
  if (!loan.ok()) return loan.status();
  flatbuffers::FlatBufferBuilder& builder = loan->builder();
  test::CreateImageOf(builder, 5'000);
  builder.Finish(test::CreateImageOf(builder, 20'000));
  return ends.publisher->Publish(*std::move(loan));
}

absl::Status WriteAndPublish(Ends& ends) {
  auto loan = ends.publisher->Loan();
  if (!loan.ok()) return loan.status();
  const auto place = loan->Raw(10'000);
  if (!place.ok()) return place.status();
  return ends.publisher->PublishRaw(*std::move(loan), Codec::kBytes);
}

absl::Status OpenBothAndPublish(Ends& ends) {
  absl::Status status = OpenBoth(ends);
  if (status.ok()) status = Publish(ends);
  if (status.ok()) status = Publish(ends);
  return status;
}

/// A refused take leaves the message where it was, or skips it for ever where its file may not be read.
absl::Status Take(Ends& ends) { return ends.subscriber->Take(absl::ZeroDuration()).status(); }

absl::Status TakeMany(Ends& ends) { return ends.subscriber->TakeMany().status(); }

absl::Status WaitForNothing(Ends& ends) { return ends.subscriber->Wait(absl::Milliseconds(1)).status(); }

absl::Status MakeDescriptor(Ends& ends) { return ends.subscriber->fd().status(); }

/// That there is no message arms it.
absl::Status OpenBothAndArmDescriptor(Ends& ends) {
  absl::Status status = OpenBoth(ends);
  if (status.ok()) status = MakeDescriptor(ends);
  if (status.ok()) status = ends.subscriber->TryTake().status();
  return status;
}

absl::Status ClosePublisher(Ends& ends) {
  ends.publisher->Close();
  return absl::OkStatus();
}

absl::Status CloseSubscriber(Ends& ends) {
  ends.subscriber->Close();
  return absl::OkStatus();
}

/// With a message of its own in its hand, and a descriptor.
absl::Status LiveAndHold(Ends& ends) {
  absl::Status status = OpenBothAndArmDescriptor(ends);
  if (status.ok()) status = Publish(ends);
  if (status.ok()) ends.sample = *ends.subscriber->TryTake();
  return status;
}

}  // namespace

absl::Status OpenPublisher(Ends& ends) { return OpenPublisherOf(Bytes(), ends); }

absl::Status OpenSubscriber(Ends& ends) { return OpenSubscriberOf(Bytes(), ends); }

std::vector<Attempt> PubSubAttempts() {
  return {
      {"open_publisher", Nothing, OpenPublisher},
      {"open_subscriber", Nothing, OpenSubscriber},
      {"join_as_publisher", OpenSubscriber, OpenPublisher},
      {"join_as_subscriber", OpenPublisher, OpenSubscriber},
      {"publish", OpenBoth, Publish},
      {"publish_large", InTurn({OpenBoth, PublishToAllSlots}), PublishLarge},
      {"publish_to_descriptor", OpenBothAndArmDescriptor, Publish},
      {"publish_held_by_the_dead", InTurn({OpenReliablePublisher, AfterTheDeathOf(OpenReliableSubscriber), FillRing}), Publish},
      {"loan_and_write", OpenBoth, WriteAndPublish},
      {"loan_and_build", OpenBoth, BuildAndPublish},
      {"take", OpenBothAndPublish, Take},
      {"take_many", OpenBothAndPublish, TakeMany},
      {"wait", OpenBoth, WaitForNothing},
      {"make_descriptor", OpenBoth, MakeDescriptor, true},
      {"clean_pubsub", InTurn({OpenSubscriber, AfterTheDeathOf(LiveAndHold)}), OpenPublisher},
      {"close_publisher", OpenBothAndPublish, ClosePublisher},
      {"close_subscriber", OpenBothAndPublish, CloseSubscriber},
      {"remove_by_publisher", InTurn({OpenBothAndPublish, CloseSubscriber}), ClosePublisher},
      {"remove_by_subscriber", InTurn({OpenBothAndPublish, ClosePublisher}), CloseSubscriber},
  };
}

}  // namespace shmcomm::crash
