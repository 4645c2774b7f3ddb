// SPDX-License-Identifier: Apache-2.0
// A process closes all its descriptors, and with them its locks, and goes on among others; a newcomer takes its place. Nobody
// else loses anything, reads half a message or hangs, and whoever lost its locks is told (runtime/doc/ring_protocol.md, "A lock
// that the living lose").
#include "faults/lost_locks.h"

#include <gmock/gmock.h>

#include <deque>
#include <optional>

namespace shmcomm::faults {
namespace {

ChannelSpec CheckedSpec(Reliability reliability) {
  ChannelSpec spec = test::BytesSpec(sizeof(Checked));
  spec.qos.reliability = reliability;
  spec.qos.max_subscribers = 2;   // of two places one is the victim's
  spec.qos.max_publishers = 2;
  return spec;
}

class LostLocksOfReaders : public LostLocks, public ::testing::WithParamInterface<Reliability> {
 protected:
  static bool IsReliable() { return GetParam() == Reliability::kReliable; }
  static ChannelSpec Spec() { return CheckedSpec(GetParam()); }

  void Publish(std::uint32_t source) {
    Publisher publisher = OpenPublisher(Spec());
    BeReady();
    std::uint64_t count = 0;
    while (count < kOfEach || !meeting_->had_enough) SendNext(publisher, source, ++count);
    ++meeting_->paused;
    Await([this] { return meeting_->is_newcomer_alone.load(); });
    for (const std::uint64_t end = count + kAfterwards; count < end;) SendNext(publisher, source, ++count);
    meeting_->sent[source] = count;
    ++meeting_->done;
  }
  void SendNext(Publisher& publisher, std::uint32_t source, std::uint64_t count) {
    const Checked message(source, count);
    const absl::Status sent = publisher.PublishCopy(&message, sizeof(message), Codec::kBytes);
    if (!sent.ok()) meeting_->Wrong("publish", sent);
  }

  /// On a line of its own, holding what it takes for a while.
  void Survive() {
    Subscriber subscriber = OpenSubscriber(Spec());
    BeReady();
    Account account(*meeting_);
    std::deque<Sample> held;
    TakeAll(subscriber, [&](Sample sample) {
      account.Enter(sample);
      held.push_back(std::move(sample));
      if (held.size() < 4) return;
      if (!Checked::In(held.front().data()).IsWhole()) meeting_->Wrong("a held message changes");
      held.pop_front();
    });
    const std::uint64_t sent = meeting_->sent[0] + meeting_->sent[1];
    if (IsReliable() && account.lost() != 0) meeting_->Wrong("a reliable subscriber loses messages");
    if (account.of(0) + account.of(1) + account.lost() > sent) meeting_->Wrong("more messages than were sent");
    if (IsReliable() && account.of(0) + account.of(1) != sent) meeting_->Wrong("fewer messages than were sent");
  }
  /// Until there is nothing and nobody publishes any more.
  template <class Each>
  void TakeAll(Subscriber& subscriber, Each&& each) {
    for (;;) {
      const bool is_last_look = meeting_->done == 2;
      auto sample = subscriber.Take(kMoment);
      if (sample.ok()) {
        each(*std::move(sample));
      } else if (!absl::IsDeadlineExceeded(sample.status())) {
        return meeting_->Wrong("take", sample.status());
      } else if (is_last_look) {
        return;
      }
    }
  }

  /// Takes on without its locks until it is told. What it reads meanwhile is not promised to it.
  void BeVictim() {
    Subscriber subscriber = OpenSubscriber(Spec());
    BeReady();
    Account account(*meeting_);
    for (int i = 0; i < 500; ++i) {
      const auto sample = subscriber.Take(kLong);
      if (!sample.ok()) return meeting_->Wrong("the victim's take", sample.status());
      account.Enter(*sample);
    }
    CloseAllDescriptors();
    Await([this] { return meeting_->has_newcomer.load(); });
    absl::Status told;
    for (int i = 0; !absl::IsFailedPrecondition(told); ++i) {
      told = subscriber.Take(kLong).status();
      if (i == 2000) meeting_->had_enough = true;
      if (!told.ok() && !absl::IsFailedPrecondition(told) && !absl::IsDataLoss(told)) meeting_->Wrong("the victim", told);
    }
    meeting_->had_enough = true;
    meeting_->has_noticed = true;
  }

  /// Takes the victim's line. What it is promised begins when the victim has been told.
  void Come() {
    Await([this] { return meeting_->are_closed.load(); });
    std::optional<Subscriber> subscriber;
    Enter(subscriber);
    meeting_->has_newcomer = true;
    for (bool is_alone = false; !is_alone;) {
      const bool is_last_look = meeting_->has_noticed && meeting_->paused == 2;
      is_alone = HasTakenAll(subscriber) && is_last_look;
    }
    meeting_->is_newcomer_alone = true;
    Account account(*meeting_);
    TakeAll(*subscriber, [&](const Sample& sample) { account.Enter(sample); });
    const std::uint64_t taken = account.of(0) + account.of(1);
    if (IsReliable() && (taken != 2 * kAfterwards || account.lost() != 0)) meeting_->Wrong("the newcomer misses messages");
    if (taken + account.lost() > 2 * kAfterwards) meeting_->Wrong("the newcomer gets more than was sent");
  }
  void Enter(std::optional<Subscriber>& subscriber) {
    subscriber.reset();
    auto opened = Subscriber::Open(Spec(), SubscriberHere());
    if (!opened.ok()) {
      meeting_->Wrong("the newcomer's open", opened.status());
      _exit(1);
    }
    subscriber.emplace(*std::move(opened));
  }
  /// Takes one; comes anew where it is told that its line is another's. True once there is nothing left.
  bool HasTakenAll(std::optional<Subscriber>& subscriber) {
    const absl::Status status = subscriber->Take(kMoment).status();
    if (absl::IsFailedPrecondition(status)) Enter(subscriber);
    return absl::IsDeadlineExceeded(status);
  }
};
INSTANTIATE_TEST_SUITE_P(On, LostLocksOfReaders, ::testing::Values(Reliability::kBestEffort, Reliability::kReliable),
                         [](const auto& info) { return info.param == Reliability::kReliable ? "reliable" : "best_effort"; });

TEST_P(LostLocksOfReaders, CostNobodyElseAMessageAndTheNextOnTheLineNoneOnceItsOwnerIsTold) {
  Start([this] { Survive(); });
  Start([this] { BeVictim(); });
  Start([this] { Come(); });
  Start([this] { Publish(0); });
  Start([this] { Publish(1); });
  AwaitReady(4);

  AwaitAll();
  EXPECT_TRUE(meeting_->has_noticed);
}

class LostLocksOfPublishers : public LostLocks {
 protected:
  static constexpr std::uint32_t kOther = 0, kVictim = 1, kBeside = 2, kAlone = 3;   // sources
  static ChannelSpec Spec() { return CheckedSpec(Reliability::kReliable); }

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
    Push(pusher, 0, 1000);
    Await([this] { return meeting_->are_closed.load(); });
    Pusher another = OpenPusher(Spec());   // to whose jobs the victim has no way any more
    Push(another, 1000, kAllJobs);
    Await([this] { return meeting_->ended == kAllJobs; });
  }
  void Push(Pusher& pusher, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) {
      if (i == 1008) meeting_->paused = 1;
      if (const absl::Status pushed = test::PushNumber(pusher, i, kLong); !pushed.ok()) meeting_->Wrong("push", pushed);
    }
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
    Await([this] { return meeting_->are_closed.load(); });   // the victim has had its jobs
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
    Await([this] { return meeting_->are_closed && meeting_->paused == 1; });
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
