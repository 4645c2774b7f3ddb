// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/attempts.h"

#include <cstdint>
#include <utility>

#include "crash/every_instruction/pubsub_operations.h"
#include "support/reqrep_channels.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

// Bytes, in slots that commit their pages when they are first used.
ChannelSpec Bytes() {
  ChannelSpec spec = test::BytesSpec(64 << 10);
  spec.qos.max_subscribers = 3;
  return spec;
}

absl::Status OpenPublisher(Ends& ends) {
  auto opened = Publisher::Open(Bytes(), PublisherAt(ends.root));
  if (opened.ok()) ends.publisher.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenSubscriber(Ends& ends) {
  auto opened = Subscriber::Open(Bytes(), SubscriberAt(ends.root));
  if (opened.ok()) ends.subscriber.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenBoth(Ends& ends) {
  absl::Status status = OpenPublisher(ends);
  status.Update(OpenSubscriber(ends));
  return status;
}

absl::Status Publish(Ends& ends) {
  const std::vector<std::uint8_t> bytes(10'000, 7);
  return ends.publisher->PublishCopy(bytes.data(), bytes.size(), Codec::kBytes);
}

absl::Status OpenBothAndPublish(Ends& ends) {
  absl::Status status = OpenBoth(ends);
  if (status.ok()) status = Publish(ends);
  if (status.ok()) status = Publish(ends);
  return status;
}

/// A refused take leaves the message where it was, or skips it for ever where its file may not be read.
absl::Status Take(Ends& ends) { return ends.subscriber->Take(absl::ZeroDuration()).status(); }

absl::Status WaitForNothing(Ends& ends) { return ends.subscriber->Wait(absl::Milliseconds(1)).status(); }

absl::Status MakeDescriptor(Ends& ends) { return ends.subscriber->fd().status(); }

ChannelSpec Jobs() {
  ChannelSpec spec = Bytes();
  spec.name = "test/jobs";
  spec.pattern = Pattern::kPushPull;
  return spec;
}

absl::Status OpenPusher(Ends& ends) {
  PusherOptions options;
  options.root = ends.root;
  auto opened = Pusher::Open(Jobs(), options);
  if (opened.ok()) ends.pusher.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenPuller(Ends& ends) {
  PullerOptions options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  auto opened = Puller::Open(Jobs(), options);
  if (opened.ok()) ends.puller.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenPusherAndPuller(Ends& ends) {
  absl::Status status = OpenPusher(ends);
  status.Update(OpenPuller(ends));
  return status;
}

absl::Status Push(Ends& ends) {
  const std::vector<std::uint8_t> bytes(10'000, 7);
  return ends.pusher->PushCopy(bytes.data(), bytes.size(), Codec::kBytes, absl::ZeroDuration());
}

/// Two jobs: where the first is given up, because its file may not be read, there is another.
absl::Status OpenAndPush(Ends& ends) {
  absl::Status status = OpenPusherAndPuller(ends);
  if (status.ok()) status = Push(ends);
  if (status.ok()) status = Push(ends);
  return status;
}

absl::Status TakeJob(Ends& ends) {
  auto job = ends.puller->Take(absl::ZeroDuration());
  if (job.ok()) ends.job = *std::move(job);
  return job.status();
}

absl::Status OpenPushAndTake(Ends& ends) {
  absl::Status status = OpenAndPush(ends);
  if (status.ok()) status = TakeJob(ends);
  return status;
}

absl::Status Ack(Ends& ends) { return ends.job->Ack(); }

absl::Status WaitForNoJob(Ends& ends) { return ends.puller->Wait(absl::Milliseconds(1)).status(); }

absl::Status MakePullerDescriptor(Ends& ends) { return ends.puller->fd().status(); }

absl::Status ClosePusher(Ends& ends) {
  ends.pusher->Close();
  return absl::OkStatus();
}

absl::Status ClosePuller(Ends& ends) {
  ends.puller->Close();
  return absl::OkStatus();
}

absl::Status OpenRequester(Ends& ends) {
  RequesterOptions options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  auto opened = Requester::Open(test::SumsSpec(), options);
  if (opened.ok()) ends.requester.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenReplier(Ends& ends) {
  ReplierOptions options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  auto opened = Replier::Open(test::SumsSpec(), options);
  if (opened.ok()) ends.replier.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenRequesterAndReplier(Ends& ends) {
  absl::Status status = OpenRequester(ends);
  status.Update(OpenReplier(ends));
  return status;
}

/// Answers whatever is there. The first refusal is told.
absl::Status AnswerAll(Replier& replier) {
  absl::Status status;
  for (;;) {
    auto request = replier.TryTake();
    if (!request.ok()) return request.status();
    if (!request->has_value()) return status;
    status.Update(test::ReplyNumber(**request, 8));
  }
}

/// A whole call. A reply that could not be given is told to the caller as well.
absl::Status Call(Ends& ends) {
  const auto call = test::SendNumber(*ends.requester, 7, absl::Seconds(60));
  if (!call.ok()) return call.status();
  const absl::Status answered = AnswerAll(*ends.replier);
  if (!answered.ok()) {
    ends.requester->Forget(*call);
    return answered;
  }
  return ends.requester->Receive(*call).status();
}

absl::Status OpenAndCall(Ends& ends) {
  const absl::Status opened = OpenRequesterAndReplier(ends);
  return opened.ok() ? Call(ends) : opened;
}

absl::Status CloseRequester(Ends& ends) {
  ends.requester->Close();
  return absl::OkStatus();
}

absl::Status CloseReplier(Ends& ends) {
  ends.replier->Close();
  return absl::OkStatus();
}

absl::Status MakeRequesterDescriptor(Ends& ends) { return ends.requester->fd().status(); }

absl::Status MakeReplierDescriptor(Ends& ends) { return ends.replier->fd().status(); }

absl::Status WaitForMembers(Ends& ends) { return ends.set->Wait(absl::Milliseconds(1)).status(); }

/// One of each kind: few enough to be waited for on their bells.
absl::Status OpenASetOfFew(Ends& ends) {
  absl::Status status = OpenSubscriber(ends);
  status.Update(OpenPuller(ends));
  status.Update(OpenRequesterAndReplier(ends));
  if (!status.ok()) return status;
  ends.set.emplace();
  status.Update(ends.set->Add(*ends.subscriber).status());
  status.Update(ends.set->Add(*ends.puller).status());
  status.Update(ends.set->Add(*ends.requester).status());
  status.Update(ends.set->Add(*ends.replier).status());
  return status;
}

/// So many that it is done through their wake files.
absl::Status OpenASetOfMany(Ends& ends) {
  constexpr std::size_t kMany = 9;
  ChannelSpec spec = test::NumbersSpec();
  spec.qos.max_subscribers = kMany;
  absl::Status status = OpenASetOfFew(ends);
  while (status.ok() && ends.set->size() < kMany) {
    auto opened = Subscriber::Open(spec, SubscriberAt(ends.root));
    if (!opened.ok()) return opened.status();
    ends.others.push_back(*std::move(opened));
    status.Update(ends.set->Add(ends.others.back()).status());
  }
  return status;
}

absl::Status Nothing(Ends&) { return absl::OkStatus(); }

absl::Status ClosePublisher(Ends& ends) {
  ends.publisher->Close();
  return absl::OkStatus();
}

absl::Status CloseSubscriber(Ends& ends) {
  ends.subscriber->Close();
  return absl::OkStatus();
}

}  // namespace

const std::vector<Attempt>& Attempts() {
  static const std::vector<Attempt>* const attempts = new std::vector<Attempt>{
      {"open_publisher", Nothing, OpenPublisher},     {"open_subscriber", Nothing, OpenSubscriber},
      {"join_as_publisher", OpenSubscriber, OpenPublisher}, {"join_as_subscriber", OpenPublisher, OpenSubscriber},
      {"publish", OpenBoth, Publish},                 {"take", OpenBothAndPublish, Take},
      {"wait", OpenBoth, WaitForNothing},             {"close_publisher", OpenBothAndPublish, ClosePublisher},
      {"close_subscriber", OpenBothAndPublish, CloseSubscriber}, {"make_descriptor", OpenBoth, MakeDescriptor, true},
      {"open_pusher", Nothing, OpenPusher},           {"open_puller", Nothing, OpenPuller},
      {"join_as_pusher", OpenPuller, OpenPusher},     {"join_as_puller", OpenPusher, OpenPuller},
      {"push", OpenPusherAndPuller, Push},            {"take_job", OpenAndPush, TakeJob},
      {"ack", OpenPushAndTake, Ack},                  {"wait_for_job", OpenPusherAndPuller, WaitForNoJob},
      {"make_puller_descriptor", OpenPuller, MakePullerDescriptor, true}, {"close_pusher", OpenAndPush, ClosePusher},
      {"close_puller", OpenAndPush, ClosePuller},
      {"open_requester", Nothing, OpenRequester},     {"open_replier", Nothing, OpenReplier},
      {"join_as_requester", OpenReplier, OpenRequester}, {"join_as_replier", OpenRequester, OpenReplier},
      {"first_call", OpenRequesterAndReplier, Call, true}, {"call", OpenAndCall, Call},
      {"make_requester_descriptor", OpenRequester, MakeRequesterDescriptor, true},
      {"make_replier_descriptor", OpenReplier, MakeReplierDescriptor, true},
      {"wait_for_few", OpenASetOfFew, WaitForMembers, true}, {"wait_for_many", OpenASetOfMany, WaitForMembers, true},
      {"close_requester", OpenAndCall, CloseRequester}, {"close_replier", OpenAndCall, CloseReplier},
  };
  return *attempts;
}

}  // namespace shmcomm::crash
