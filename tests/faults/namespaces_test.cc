// SPDX-License-Identifier: Apache-2.0
// Containers that share /dev/shm: process numbers that mean nothing to the others or are used again, and clocks that went off
// from theirs. Needs the right to make namespaces.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "shmcomm/wait_set.h"
#include "support/all_patterns.h"
#include "support/forked_child.h"
#include "support/hand_laid.h"
#include "support/namespaces.h"

#if !defined(CLONE_NEWTIME)
#define CLONE_NEWTIME 0x00000080
#endif

namespace shmcomm::faults {
namespace {

constexpr int kCannotTry = 77;
const absl::Duration kForEver = absl::InfiniteDuration();

/// How far the processes of a test are.
struct Shared {
  std::atomic<int> opened;
  std::atomic<bool> holds;
  std::atomic<bool> full;
};

class Namespaces : public test::AllPatternsTest {
 protected:
  static ChannelSpec Reliable() {
    ChannelSpec spec = test::NumbersSpec();
    spec.qos.reliability = Reliability::kReliable;
    return spec;
  }
  PublisherOptions ImpatientHere() const {
    PublisherOptions options = PublisherHere();
    options.publish_timeout = absl::Milliseconds(20);
    return options;
  }
  static int Fail(int step, const absl::Status& status) {
    std::fprintf(stderr, "step %d: %s\n", step, status.ToString().c_str());
    return step;
  }
  static absl::Status SendUntilFull(Publisher& publisher) {
    for (;;) {
      if (absl::Status sent = test::Send(publisher, 0); !sent.ok()) return sent;
    }
  }
  static absl::Status SendUntilRoom(Publisher& publisher) {
    for (;;) {
      if (absl::Status sent = test::Send(publisher, 0); !absl::IsResourceExhausted(sent)) return sent;
    }
  }
  void Meet(int all) const {
    ++shared_->opened;
    while (shared_->opened < all) sched_yield();
  }

  test::SharedPages page_{sizeof(Shared)};
  Shared* shared_ = reinterpret_cast<Shared*>(page_.data());
};

class PidNamespaces : public Namespaces {
 protected:
  /// Takes one message of each pattern, then has a message, a job and a request in its hands for ever.
  int Take() const {
    if (getpid() != 1) return 20;
    Subscriber subscriber = OpenSubscriber(Reliable());
    Puller puller = OpenPuller(test::JobsSpec());
    Replier replier = OpenReplier(test::SumsSpec());
    Meet(2);
    const auto sample = subscriber.Take(kForEver);
    if (!sample.ok() || test::ValueOf(*sample) != 11) return Fail(21, sample.status());
    auto job = puller.Take(kForEver);
    if (!job.ok() || !job->Ack().ok()) return Fail(22, job.status());
    auto request = replier.Take(kForEver);
    if (!request.ok() || !test::ReplyNumber(*request, 14).ok()) return Fail(23, request.status());
    const auto held_job = puller.Take(kForEver);
    const auto held_request = replier.Take(kForEver);
    if (!held_job.ok() || !held_request.ok()) return Fail(24, held_job.ok() ? held_request.status() : held_job.status());
    shared_->holds = true;
    for (;;) pause();
  }
  /// Sends what the other takes, and learns in each pattern that it was killed.
  int Send() const {
    if (getpid() != 1) return 30;
    auto publisher = Publisher::Open(Reliable(), ImpatientHere());
    if (!publisher.ok()) return Fail(31, publisher.status());
    Pusher pusher = OpenPusher(test::JobsSpec());
    Requester requester = OpenRequester(test::SumsSpec());
    Meet(2);
    if (absl::Status sent = test::Send(*publisher, 11); !sent.ok()) return Fail(32, sent);
    if (absl::Status pushed = test::PushNumber(pusher, 12, kForEver); !pushed.ok()) return Fail(33, pushed);
    const auto answered = requester.Receive(*test::SendNumber(requester, 13, kForEver));
    if (!answered.ok() || test::NumberIn(answered->data()) != 14) return Fail(34, answered.status());
    if (absl::Status pushed = test::PushNumber(pusher, 22, kForEver); !pushed.ok()) return Fail(35, pushed);
    const CallId call = *test::SendNumber(requester, 23, kForEver);
    while (!shared_->holds) sched_yield();
    if (absl::Status sent = SendUntilFull(*publisher); !absl::IsResourceExhausted(sent)) return Fail(36, sent);
    shared_->full = true;
    if (absl::Status sent = SendUntilRoom(*publisher); !sent.ok()) return Fail(37, sent);
    const auto unanswered = requester.Receive(call);
    if (!absl::IsUnavailable(unanswered.status())) return Fail(38, unanswered.status());
    Puller puller = OpenPuller(test::JobsSpec());
    auto job = puller.Take(kForEver);
    if (!job.ok() || test::NumberIn(job->data()) != 22 || job->attempt() != 1) return Fail(39, job.status());
    return 0;
  }

  /// A child whose number is `wanted`, in the namespace of whoever calls. Needs to be its first process.
  template <class Body>
  static pid_t ForkAs(pid_t wanted, Body&& body) {
    const int last = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    const std::string before = std::to_string(wanted - 1);
    const bool is_set = last >= 0 && write(last, before.data(), before.size()) > 0;
    close(last);
    if (!is_set) return -1;
    const pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    for (;;) pause();
  }
  /// Somebody who holds messages dies, and a stranger gets its number.
  int LoseOneAndGetItsNumberAgain() const {
    constexpr pid_t kNumber = 500;
    auto publisher = Publisher::Open(Reliable(), ImpatientHere());
    if (!publisher.ok()) return Fail(41, publisher.status());
    Pusher pusher = OpenPusher(test::JobsSpec());
    if (absl::Status pushed = test::PushNumber(pusher, 22, kForEver); !pushed.ok()) return Fail(42, pushed);
    const pid_t victim = ForkAs(kNumber, [this] {
      Subscriber subscriber = OpenSubscriber(Reliable());
      Puller puller = OpenPuller(test::JobsSpec());
      const auto job = puller.Take(kForEver);
      shared_->holds = job.ok();
      for (;;) pause();
    });
    if (victim != kNumber) return kCannotTry;
    while (!shared_->holds) sched_yield();
    if (absl::Status sent = SendUntilFull(*publisher); !absl::IsResourceExhausted(sent)) return Fail(43, sent);
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
    if (ForkAs(kNumber, [] {}) != kNumber) return kCannotTry;
    if (absl::Status sent = SendUntilRoom(*publisher); !sent.ok()) return Fail(44, sent);
    Puller puller = OpenPuller(test::JobsSpec());
    const auto job = puller.Take(kForEver);
    return job.ok() && job->attempt() == 1 ? 0 : Fail(45, job.status());
  }
};

TEST_F(PidNamespaces, ShareAllPatternsAndSeeADeathThoughBothProcessesHaveTheSameNumber) {
  {
    test::ChildInNamespace taker(test::NewPidNamespace, [this] { return Take(); });
    if (!taker.is_there()) GTEST_SKIP() << "namespaces of process numbers cannot be made here";
    test::ChildInNamespace sender(test::NewPidNamespace, [this] { return Send(); });
    while (!shared_->full && !sender.HasEnded()) sched_yield();

    taker.Kill();

    EXPECT_EQ(sender.Await(), 0);
  }
  { const Publisher cleaner = OpenPublisher(Reliable()); }  // what the dead left in other channels goes with its sweep
  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(PidNamespaces, LetAStrangerHaveTheNumberOfADeadParticipant) {
  {
    test::ChildInNamespace first(test::NewPidNamespace, [this] { return LoseOneAndGetItsNumberAgain(); });
    if (!first.is_there()) GTEST_SKIP() << "namespaces of process numbers cannot be made here";
    const int result = first.Await();
    if (result == kCannotTry) GTEST_SKIP() << "the next process number cannot be chosen here";
    EXPECT_EQ(result, 0);
  }
  { const Publisher cleaner = OpenPublisher(Reliable()); }
  EXPECT_TRUE(root_.IsEmpty());
}

/// By how many seconds the other clock is ahead of ours.
class TimeNamespaces : public Namespaces, public ::testing::WithParamInterface<int> {
 protected:
  static bool NewTimeNamespace() {
    if (unshare(CLONE_NEWTIME) != 0) return false;
    std::ofstream offsets("/proc/self/timens_offsets");
    offsets << "monotonic " << GetParam() << " 0\n" << std::flush;
    return offsets.good();
  }
  static std::int64_t ClockNs() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
  /// True when `wait` timed out, and not before kShort had passed.
  template <class Wait>
  static bool LastsItsTime(Wait&& wait) {
    const std::int64_t start_ns = ClockNs();
    return wait() && ClockNs() - start_ns >= absl::ToInt64Nanoseconds(kShort);
  }
  /// Every wait that may end by time, while nothing comes; then a message of each pattern.
  int WaitAndExchange() const {
    Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
    Pusher pusher = OpenPusher(test::JobsSpec());
    Requester requester = OpenRequester(test::SumsSpec());
    WaitSet set;
    if (!set.Add(subscriber).ok()) return 50;
    if (!LastsItsTime([&] { return absl::IsDeadlineExceeded(subscriber.Take(kShort).status()); })) return 51;
    if (!LastsItsTime([&] { return set.Wait(kShort)->empty(); })) return 52;
    const CallId unanswered = *test::SendNumber(requester, 1, kShort);
    if (!LastsItsTime([&] { return absl::IsDeadlineExceeded(requester.Receive(unanswered).status()); })) return 53;
    Meet(2);
    const auto sample = subscriber.Take(kForEver);
    if (!sample.ok() || test::ValueOf(*sample) != 11) return Fail(54, sample.status());
    if (absl::Status pushed = test::PushNumber(pusher, 12, kForEver); !pushed.ok()) return Fail(55, pushed);
    const auto answer = requester.Receive(*test::SendNumber(requester, 13, kLong));
    return answer.ok() && test::NumberIn(answer->data()) == 14 ? 0 : Fail(56, answer.status());
  }

  static constexpr absl::Duration kShort = absl::Milliseconds(30);
};
INSTANTIATE_TEST_SUITE_P(Ahead, TimeNamespaces, ::testing::Values(86'400, -10),
                         [](const auto& info) { return info.param > 0 ? "ADay" : "MinusTenSeconds"; });

TEST_P(TimeNamespaces, WaitAsLongAsTheyShouldAndExchangeMessages) {
  Publisher publisher = OpenPublisher(test::NumbersSpec());
  Puller puller = OpenPuller(test::JobsSpec());
  Replier replier = OpenReplier(test::SumsSpec());
  test::ChildInNamespace other(NewTimeNamespace, [this] { return WaitAndExchange(); });
  if (!other.is_there()) GTEST_SKIP() << "namespaces of clocks cannot be made here";
  while (shared_->opened < 1 && !other.HasEnded()) sched_yield();
  ++shared_->opened;

  ASSERT_TRUE(test::Send(publisher, 11).ok());
  const auto job = puller.Take(kLong);
  EXPECT_TRUE(job.ok()) << job.status();
  AnswerNext(replier);

  EXPECT_EQ(other.Await(), 0);
}

}  // namespace
}  // namespace shmcomm::faults
