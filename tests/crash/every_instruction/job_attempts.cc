// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <utility>
#include <vector>

#include "crash/every_instruction/attempts.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

ChannelSpec Jobs() {
  ChannelSpec spec = test::BytesSpec(64 << 10);
  spec.name = "test/jobs";
  spec.pattern = Pattern::kPushPull;
  spec.qos.max_subscribers = 3;
  return spec;
}

/// A job whose puller dies is given up, which makes room.
ChannelSpec JobsTriedOnce() {
  ChannelSpec spec = Jobs();
  spec.qos.max_attempts = 1;
  return spec;
}

absl::Status OpenPusherOf(const ChannelSpec& spec, Ends& ends) {
  PusherOptions options;
  options.root = ends.root;
  auto opened = Pusher::Open(spec, options);
  if (opened.ok()) ends.pusher.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenPullerOf(const ChannelSpec& spec, Ends& ends) {
  PullerOptions options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  auto opened = Puller::Open(spec, options);
  if (opened.ok()) ends.puller.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenPusherAndPuller(Ends& ends) {
  absl::Status status = OpenPusher(ends);
  status.Update(OpenPuller(ends));
  return status;
}

absl::Status PushWithin(absl::Duration timeout, Ends& ends) {
  const std::vector<std::uint8_t> bytes(10'000, 7);
  return ends.pusher->PushCopy(bytes.data(), bytes.size(), Codec::kBytes, timeout);
}

absl::Status Push(Ends& ends) { return PushWithin(absl::ZeroDuration(), ends); }

absl::Status PushWhenRoom(Ends& ends) { return PushWithin(absl::InfiniteDuration(), ends); }

absl::Status FillRing(Ends& ends) {
  absl::Status status;
  for (std::uint32_t i = 0; i < Jobs().qos.capacity && status.ok(); ++i) status = Push(ends);
  return status;
}

absl::Status OpenPusherOfJobsTriedOnce(Ends& ends) { return OpenPusherOf(JobsTriedOnce(), ends); }

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

absl::Status TakeAJobTriedOnce(Ends& ends) {
  const absl::Status opened = OpenPullerOf(JobsTriedOnce(), ends);
  return opened.ok() ? TakeJob(ends) : opened;
}

absl::Status OpenPushAndTake(Ends& ends) {
  absl::Status status = OpenAndPush(ends);
  if (status.ok()) status = TakeJob(ends);
  return status;
}

absl::Status Ack(Ends& ends) { return ends.job->Ack(); }

absl::Status GiveBack(Ends& ends) { return ends.job->GiveBack(); }

absl::Status WaitForNoJob(Ends& ends) { return ends.puller->Wait(absl::Milliseconds(1)).status(); }

absl::Status MakePullerDescriptor(Ends& ends) { return ends.puller->fd().status(); }

/// That there is no job arms the descriptor.
absl::Status FindNoJob(Ends& ends) { return ends.puller->TryTake().status(); }

absl::Status ClosePusher(Ends& ends) {
  ends.pusher->Close();
  return absl::OkStatus();
}

absl::Status ClosePuller(Ends& ends) {
  ends.puller->Close();
  return absl::OkStatus();
}

}  // namespace

absl::Status OpenPusher(Ends& ends) { return OpenPusherOf(Jobs(), ends); }

absl::Status OpenPuller(Ends& ends) { return OpenPullerOf(Jobs(), ends); }

std::vector<Attempt> JobAttempts() {
  return {
      {"open_pusher", Nothing, OpenPusher},
      {"open_puller", Nothing, OpenPuller},
      {"join_as_pusher", OpenPuller, OpenPusher},
      {"join_as_puller", OpenPusher, OpenPuller},
      {"push", OpenPusherAndPuller, Push},
      {"push_to_descriptor", InTurn({OpenPusherAndPuller, MakePullerDescriptor, FindNoJob}), Push},
      {"push_held_by_the_dead", InTurn({OpenPusherOfJobsTriedOnce, FillRing, AfterTheDeathOf(TakeAJobTriedOnce)}), PushWhenRoom},
      {"take_job", OpenAndPush, TakeJob},
      {"ack", OpenPushAndTake, Ack},
      {"give_back", InTurn({OpenPusherAndPuller, MakePullerDescriptor, Push, TakeJob, FindNoJob}), GiveBack},
      {"wait_for_job", OpenPusherAndPuller, WaitForNoJob},
      {"make_puller_descriptor", OpenPuller, MakePullerDescriptor, true},
      {"clean_jobs", InTurn({OpenPuller, AfterTheDeathOf(OpenPushAndTake)}), OpenPusher},
      {"close_pusher", OpenAndPush, ClosePusher},
      {"close_puller", OpenAndPush, ClosePuller},
      {"remove_by_pusher", InTurn({OpenAndPush, ClosePuller}), ClosePusher},
      {"remove_by_puller", InTurn({OpenAndPush, ClosePusher}), ClosePuller},
  };
}

}  // namespace shmcomm::crash
