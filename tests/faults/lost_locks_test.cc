// SPDX-License-Identifier: Apache-2.0
// A process closes all its descriptors, and with them its locks, and goes on among others; a newcomer takes its place. Nobody
// else loses anything, reads half a message or hangs, and whoever lost its locks is told (runtime/doc/ring_protocol.md, "A lock
// that the living lose").
#include "faults/lost_locks.h"

namespace shmcomm::faults {
namespace {

class LostLocksOfPublishers : public LostLocks {
 protected:
  static constexpr std::uint32_t kOther = 0, kVictim = 1, kBeside = 2, kAlone = 3;   // sources
  static ChannelSpec Spec() {
    ChannelSpec spec = test::BytesSpec(sizeof(Checked));
    spec.qos.reliability = Reliability::kReliable;
    spec.qos.max_publishers = 2;   // of two places one is the victim's
    return spec;
  }

  absl::Status SendNext(Publisher& publisher, std::uint32_t source) {
    const Checked message(source, ++meeting_->sent[source]);
    return publisher.PublishCopy(&message, sizeof(message), Codec::kBytes);
  }
  void Send(Publisher& publisher, std::uint32_t source, std::uint64_t messages) {
    for (std::uint64_t i = 0; i < messages; ++i) {
      if (const absl::Status sent = SendNext(publisher, source); !sent.ok()) meeting_->Wrong("publish", sent);
    }
  }
  void PublishAsOther() {
    Publisher publisher = OpenPublisher(Spec());
    BeReady();
    Send(publisher, kOther, 2 * kOfEach);
    ++meeting_->done;
  }
  /// Publishes on without its lock until it is told.
  void BeVictim() {
    Publisher publisher = OpenPublisher(Spec());
    BeReady();
    Send(publisher, kVictim, 500);
    CloseAllDescriptors();
    Await([this] { return meeting_->has_newcomer.load(); });
    absl::Status told;
    while (told.ok()) told = SendNext(publisher, kVictim);
    if (!absl::IsFailedPrecondition(told)) meeting_->Wrong("the victim", told);
    if (meeting_->sent[kVictim] > 500 + 1025) meeting_->Wrong("the victim is told too late");
    meeting_->has_noticed = true;
    ++meeting_->done;
  }
  /// Takes the victim's number.
  void Come() {
    Await([this] { return meeting_->are_closed.load(); });
    Publisher publisher = OpenPublisher(Spec());
    if (!publisher.is_open()) return meeting_->Wrong("the newcomer's open");
    meeting_->has_newcomer = true;
    Send(publisher, kBeside, kOfEach);
    Await([this] { return meeting_->has_noticed.load(); });
    Send(publisher, kBeside, 2 * 16);   // laps that both wrote are over
    Send(publisher, kAlone, kAfterwards);
    ++meeting_->done;
  }
};

TEST_F(LostLocksOfPublishers, CostNobodyElseAMessageAndTheNextOfTheNumberNoneOnceItsOwnerIsTold) {
  Start([this] { PublishAsOther(); });
  Start([this] { BeVictim(); });
  Start([this] { Come(); });
  Await([this] { return meeting_->ready == 2; });
  Subscriber subscriber = OpenSubscriber(Spec());
  AwaitReady(2);

  std::array<std::uint64_t, Meeting::kSources> of = {};
  for (bool is_over = false; !is_over;) {
    is_over = meeting_->done == 3;
    const auto sample = subscriber.Take(kMoment);
    is_over = is_over && absl::IsDeadlineExceeded(sample.status());
    if (!sample.ok()) {   // entries of one that lead into the file of the other are refused
      ASSERT_TRUE(absl::IsDeadlineExceeded(sample.status()) || absl::IsDataLoss(sample.status())) << sample.status();
      continue;
    }
    const Checked message = Checked::In(sample->data());
    ASSERT_TRUE(message.IsWhole() && message.source <= kAlone) << "message " << sample->sequence() << " is torn";
    const bool is_victims_number = message.source == kVictim || message.source == kBeside;
    ++of.at(message.source);
    if (!is_victims_number) {
      ASSERT_EQ(message.count, of.at(message.source)) << "source " << message.source;
    }
  }

  AwaitAll();
  EXPECT_EQ(of[kOther], 2 * kOfEach);
  EXPECT_GE(of[kVictim], 500u);
  EXPECT_EQ(of[kAlone], kAfterwards);
}

class LostLocksOfPullers : public LostLocks {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::JobsSpec();
    spec.qos.max_subscribers = 2;
    return spec;
  }
  /// Counts `job` where it still was ours to end.
  void End(Job& job) {
    const std::uint64_t value = test::NumberIn(job.data());
    const absl::Status ended = job.Ack();
    if (!ended.ok() && !absl::IsAborted(ended)) meeting_->Wrong("ack", ended);
    if (!ended.ok()) return;
    if (meeting_->endings[value].fetch_add(1) != 0) meeting_->Wrong("job " + std::to_string(value) + " is ended twice");
    ++meeting_->ended;
  }
  void Push() {
    Pusher pusher = OpenPusher(Spec());
    BeReady();
    for (std::uint64_t i = 0; i < kAllJobs; ++i) {
      if (const absl::Status pushed = test::PushNumber(pusher, i, kLong); !pushed.ok()) meeting_->Wrong("push", pushed);
    }
    Await([this] { return meeting_->ended == kAllJobs; });
  }
  void WorkUntilAllIsDone(Puller& puller) {
    while (meeting_->ended < kAllJobs) {
      auto job = puller.Take(kMoment);
      if (job.ok()) {
        End(*job);
      } else if (!absl::IsDeadlineExceeded(job.status())) {
        return meeting_->Wrong("take", job.status());
      }
    }
  }
  void Survive() {
    Puller puller = OpenPuller(Spec());
    BeReady();
    WorkUntilAllIsDone(puller);
  }
  /// Works on without its lock until it is told, with jobs that it had before.
  void BeVictim() {
    Puller puller = OpenPuller(Spec());
    BeReady();
    std::vector<Job> kept;
    for (int i = 0; i < 100; ++i) {
      auto job = puller.Take(kLong);
      if (!job.ok()) return meeting_->Wrong("the victim's take", job.status());
      if (i < 98) End(*job);
      if (i >= 98) kept.push_back(*std::move(job));
    }
    CloseAllDescriptors();
    Await([this] { return meeting_->has_newcomer.load(); });
    for (Job& job : kept) End(job);
    absl::Status told;
    while (!absl::IsFailedPrecondition(told)) {
      auto job = puller.Take(kLong);
      told = job.status();
      if (job.ok()) End(*job);
      if (!told.ok() && !absl::IsFailedPrecondition(told) && !absl::IsDataLoss(told)) meeting_->Wrong("the victim", told);
    }
    meeting_->has_noticed = true;
  }
  void Come() {
    Await([this] { return meeting_->are_closed.load(); });
    Puller puller = OpenPuller(Spec());
    if (!puller.is_open()) return meeting_->Wrong("the newcomer's open");
    meeting_->has_newcomer = true;
    WorkUntilAllIsDone(puller);
  }
};

TEST_F(LostLocksOfPullers, LeaveEachJobEndedOnce) {
  Start([this] { Survive(); });
  Start([this] { BeVictim(); });
  Start([this] { Come(); });
  Start([this] { Push(); });
  AwaitReady(3);

  AwaitAll();
  EXPECT_EQ(meeting_->ended, kAllJobs);
  EXPECT_TRUE(meeting_->has_noticed);
}

}  // namespace
}  // namespace shmcomm::faults
