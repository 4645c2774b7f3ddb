// SPDX-License-Identifier: Apache-2.0
// Many processes that create, open, close, clean and remove one channel in the same moment: there is exactly one, nothing is
// lost in it, and none is left. SHMCOMM_SCALE multiplies the rounds.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <random>
#include <utility>

#include "faults/scaled.h"
#include "faults/storm.h"
#include "support/forked_child.h"

namespace shmcomm::faults {
namespace {

class OpensAndCloses : public Storm {
 protected:
  /// All subscribe at once, one publishes, all must get the message: they are in one channel.
  int Together(std::uint32_t self, std::uint64_t rounds) {
    for (std::uint64_t round = 0; round < rounds && !shared_->has_failed; ++round) {
      Meet();
      auto subscriber = Subscriber::Open(test::NumbersSpec(), SubscriberHere());
      if (!subscriber.ok()) return Fail("subscribe", subscriber.status());
      Meet();
      std::optional<Publisher> publisher;
      if (round % kProcesses == self) {
        auto opened = Publisher::Open(test::NumbersSpec(), PublisherHere());
        if (!opened.ok()) return Fail("publish", opened.status());
        publisher.emplace(*std::move(opened));
        if (absl::Status sent = test::Send(*publisher, round); !sent.ok()) return Fail("send", sent);
      }
      Meet();
      const auto sample = subscriber->Take(absl::ZeroDuration());
      if (!sample.ok()) return Fail("take", sample.status());
      if (test::ValueOf(*sample) != round) return Fail("another's message");
      Meet();  // then all close at once
    }
    return 0;
  }
  std::uint64_t InodeOfChannel() const {
    struct stat status {};
    return stat(Directory().c_str(), &status) == 0 ? status.st_ino : 0;
  }
  /// Nobody waits for anybody: the last to leave meets the next to come. Whoever is attached says in which directory, and
  /// all who say so at one time must say the same; nor may it be another's while they are in it.
  int InAnyOrder(std::uint32_t self, std::uint64_t rounds) {
    Meet();
    for (std::uint64_t round = 0; round < rounds && !shared_->has_failed; ++round) {
      auto subscriber = Subscriber::Open(test::NumbersSpec(), SubscriberHere());
      if (!subscriber.ok()) return Fail("subscribe", subscriber.status());
      const std::uint64_t ours = InodeOfChannel();
      if (ours == 0) return Fail("the channel is gone while one is attached");
      shared_->words[self] = ours;
      for (const std::atomic<std::uint64_t>& word : shared_->words) {
        const std::uint64_t theirs = word;
        if (theirs != 0 && theirs != ours) return Fail("two channels at once");
      }
      if (round % 4 == self % 4) sched_yield();
      if (InodeOfChannel() != ours) return Fail("replaced while one is attached");
      shared_->words[self] = 0;
    }
    return 0;
  }
};

TEST_F(OpensAndCloses, MakeOneChannelAndLeaveNone) {
  InAllProcesses([this](std::uint32_t self) { return Together(self, Scaled(100)); });

  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(OpensAndCloses, NeverSplitTheChannelWhenTheLastToLeaveMeetsTheNextToCome) {
  InAllProcesses([this](std::uint32_t self) { return InAnyOrder(self, Scaled(500)); });

  EXPECT_TRUE(root_.IsEmpty());
}

class Joiners : public Storm {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::NumbersSpec();
    spec.qos.reliability = Reliability::kReliable;
    return spec;
  }
  /// Says before each message that it comes. The last process to leave has raised `count` for the last time.
  int Publish(std::uint64_t until) const {
    auto publisher = Publisher::Open(Spec(), PublisherHere());
    if (!publisher.ok()) return Fail("publish", publisher.status());
    for (std::uint64_t value = 1; shared_->count < until && !shared_->has_failed; ++value) {
      shared_->words[0] = value;
      if (absl::Status sent = test::Send(*publisher, value); !sent.ok()) return Fail("send", sent);
    }
    return 0;
  }
  /// What had not begun when an open returned is there, each message once and in order.
  int Join(std::uint64_t rounds) {
    for (std::uint64_t round = 0; round < rounds && !shared_->has_failed; ++round) {
      Meet(kProcesses - 1);
      auto subscriber = Subscriber::Open(Spec(), SubscriberHere());
      if (!subscriber.ok()) return Fail("subscribe", subscriber.status());
      const std::uint64_t begun = shared_->words[0];
      std::uint64_t last = 0;
      while (last < begun + 40) {
        const auto sample = subscriber->Take(kLong);
        if (!sample.ok()) return Fail("take", sample.status());
        const std::uint64_t value = test::ValueOf(*sample);
        if (sample->lost() != 0 || (last == 0 ? value > begun + 1 : value != last + 1)) return Fail("a message is missing");
        last = value;
      }
    }
    ++shared_->count;
    return 0;
  }
};

TEST_F(Joiners, OfAReliableChannelGetAllThatIsPublishedAfterTheirOpen) {
  const std::uint64_t rounds = Scaled(50);
  InAllProcesses([this, rounds](std::uint32_t self) { return self == 0 ? Publish(kProcesses - 1) : Join(rounds); });

  EXPECT_TRUE(root_.IsEmpty());
}

class Cleaners : public Storm {
 protected:
  ChannelSpec Reliable() const {
    ChannelSpec spec = test::NumbersSpec();
    spec.qos.reliability = Reliability::kReliable;
    return spec;
  }
  /// Dies with a job, a request and an unread message in its hands.
  void LeaveAMess(const test::StayingChild::Stay& stay) const {
    const Subscriber subscriber = OpenSubscriber(Reliable());
    Publisher publisher = OpenPublisher(Reliable());
    Puller puller = OpenPuller(test::JobsSpec());
    Pusher pusher = OpenPusher(test::JobsSpec());
    const Replier replier = OpenReplier(test::SumsSpec());
    const Requester requester = OpenRequester(test::SumsSpec());
    if (!test::PushNumber(pusher, 7, kLong).ok() || !test::Send(publisher, 7).ok()) return;
    const auto job = puller.Take(kLong);
    if (job.ok()) stay();
  }
  /// Opens every end, which cleans; half of the cleaners die at it.
  int Clean(std::uint32_t self, unsigned patience_us) {
    if (self % 2 == 0) {
      signal(SIGALRM, SIG_DFL);
      ualarm(patience_us + 1, 0);
    }
    for (int i = 0; i < 3; ++i) {
      const auto subscriber = Subscriber::Open(Reliable(), SubscriberHere());
      if (!subscriber.ok()) return Fail("subscribe", subscriber.status());
      const auto pusher = Pusher::Open(test::JobsSpec(), PusherHere());
      if (!pusher.ok()) return Fail("push", pusher.status());
      const auto requester = Requester::Open(test::SumsSpec(), RequesterHere());
      if (!requester.ok()) return Fail("request", requester.status());
    }
    return 0;
  }
  void RunCleaners(std::mt19937& random) {
    std::vector<pid_t> cleaners;
    for (std::uint32_t self = 0; self < kProcesses; ++self) {
      const unsigned patience_us = random() % 2000;
      cleaners.push_back(fork());
      if (cleaners.back() != 0) continue;
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(Clean(self, patience_us));
    }
    for (const pid_t cleaner : cleaners) {
      int status = 0;
      waitpid(cleaner, &status, 0);
      EXPECT_TRUE(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)) << status;
    }
  }
};

TEST_F(Cleaners, AtOnceOfWhichSomeAreKilledGiveTheJobBackOnceAndLeaveNothing) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (std::uint64_t round = 0; round < Scaled(20) && !HasFailure(); ++round) {
    {
      const Publisher keeper = OpenPublisher(Reliable());
      const Pusher pusher = OpenPusher(test::JobsSpec());
      const Requester requester = OpenRequester(test::SumsSpec());
      test::StayingChild victim([this](const test::StayingChild::Stay& stay) { LeaveAMess(stay); });
      ASSERT_TRUE(victim.is_there());
      victim.Kill();

      RunCleaners(random);

      Puller puller = OpenPuller(test::JobsSpec());
      const auto job = puller.Take(kLong);
      ASSERT_TRUE(job.ok()) << job.status();
      EXPECT_EQ(job->attempt(), 1u);
      EXPECT_FALSE(puller.TryTake()->has_value());
    }
    { const Publisher sweeper = OpenPublisher(Reliable()); }  // cleaners may have died as the last in a channel
    EXPECT_TRUE(root_.IsEmpty());
  }
}

}  // namespace
}  // namespace shmcomm::faults
