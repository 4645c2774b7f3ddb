// SPDX-License-Identifier: Apache-2.0
// A process whose descriptors are closed under its endpoints, as a daemon's are: others take it for dead, and whatever it
// waits for, it is told why instead of going on beside its successor.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shmcomm/wait_set.h"
#include "support/all_patterns.h"
#include "support/closed_descriptors.h"
#include "support/forked_child.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

const absl::Duration kForever = absl::InfiniteDuration();
const absl::Duration kAMoment = absl::Milliseconds(2);

/// Each test's body runs in a child: what it closes is gone for good. 0: as it should be.
class LostLock : public AllPatternsTest {
 protected:
  static ChannelSpec ReliableSpec() {
    ChannelSpec spec = NumbersSpec();
    spec.qos.reliability = Reliability::kReliable;
    spec.qos.capacity = 2;
    return spec;
  }
  /// More than a set watches by their bells.
  std::vector<Subscriber> NineSubscribers() const {
    std::vector<Subscriber> subscribers;
    for (int i = 0; i < 9; ++i) subscribers.push_back(OpenSubscriber(NumbersSpec()));
    return subscribers;
  }
  template <class Taker>
  static int WaitsOf(Taker& taker) {
    if (!SaysLocksAreGone(taker.Wait(kAMoment).status())) return 1;
    if (!SaysLocksAreGone(taker.Take(kAMoment).status())) return 2;
    if (!SaysLocksAreGone(taker.Take(absl::ZeroDuration()).status())) return 3;
    return SaysLocksAreGone(taker.Wait(kForever).status()) ? 0 : 4;
  }
};

TEST_F(LostLock, EndsTheWaitsOfASubscriber) {
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = OpenSubscriber(NumbersSpec());
              CloseAllDescriptors();
              return WaitsOf(subscriber);
            }),
            0);
}

TEST_F(LostLock, EndsTheWaitsOfASubscriberThatWatchesADeadline) {
  EXPECT_EQ(ExitStatusOf([this] {
              ChannelSpec spec = NumbersSpec();
              spec.qos.deadline_ns = 1'000'000;
              Publisher publisher = OpenPublisher(spec);
              Subscriber subscriber = OpenSubscriber(spec);
              if (!Send(publisher, 1).ok() || TakeValues(subscriber).size() != 1) return 5;
              CloseAllDescriptors();
              return WaitsOf(subscriber);
            }),
            0);
}

TEST_F(LostLock, EndsTheWaitsOfAPuller) {
  EXPECT_EQ(ExitStatusOf([this] {
              Puller puller = OpenPuller(JobsSpec());
              CloseAllDescriptors();
              return WaitsOf(puller);
            }),
            0);
}

TEST_F(LostLock, EndsTheWaitsOfAReplier) {
  EXPECT_EQ(ExitStatusOf([this] {
              Replier replier = OpenReplier(SumsSpec());
              CloseAllDescriptors();
              return WaitsOf(replier);
            }),
            0);
}

TEST_F(LostLock, EndsTheWaitOfASetOfAnyRole) {
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = OpenSubscriber(NumbersSpec());
              Puller puller = OpenPuller(JobsSpec());
              Requester requester = OpenRequester(SumsSpec());
              CloseAllDescriptors();
              WaitSet sets[3];
              if (!sets[0].Add(subscriber).ok() || !sets[1].Add(puller).ok() || !sets[2].Add(requester).ok()) return 1;
              for (WaitSet& set : sets) {
                if (!SaysLocksAreGone(set.Wait(kForever).status())) return 2;
              }
              return 0;
            }),
            0);
}

/// As many polls of the program's own as there were descriptors, each ready with a tag that is no member's.
void OpenReadyPolls() {
  const int ready = eventfd(1, 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = std::uint64_t{1} << 40;
  for (int i = 0; i < 256; ++i) epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, ready, &event);
}

TEST_F(LostLock, EndsTheWaitOfASetWhoseDescriptorIsAPollOfTheProgramNow) {
  EXPECT_EQ(ExitStatusOf([this] {
              std::vector<Subscriber> members = NineSubscribers();
              WaitSet set;
              for (Subscriber& member : members) {
                if (!set.Add(member).ok()) return 1;
              }
              if (!set.Wait(kAMoment).ok()) return 2;
              CloseAllDescriptors();
              OpenReadyPolls();
              return SaysLocksAreGone(set.Wait(kForever).status()) ? 0 : 3;
            }),
            0);
}

TEST_F(LostLock, EndsAPublishersWaitForRoom) {
  EXPECT_EQ(ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(ReliableSpec());
              Subscriber subscriber = OpenSubscriber(ReliableSpec());
              if (!Send(publisher, 1).ok() || !Send(publisher, 2).ok()) return 1;
              CloseAllDescriptors();
              if (!SaysLocksAreGone(publisher.WaitForRoom(kForever).status())) return 2;
              return SaysLocksAreGone(Send(publisher, 3)) ? 0 : 3;
            }),
            0);
}

TEST_F(LostLock, IsSaidToAPublisherByItsFirstMessage) {
  EXPECT_EQ(ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(NumbersSpec());
              CloseAllDescriptors();
              return SaysLocksAreGone(Send(publisher, 1)) ? 0 : 1;
            }),
            0);
}

TEST_F(LostLock, EndsTheWaitsOfARequester) {
  EXPECT_EQ(ExitStatusOf([this] {
              Replier replier = OpenReplier(SumsSpec());
              Requester requester = OpenRequester(SumsSpec());
              const auto call = SendNumber(requester, 1, kForever);
              if (!call.ok()) return 1;
              CloseAllDescriptors();
              if (!SaysLocksAreGone(requester.WaitForReply(*call, kForever).status())) return 2;
              return SaysLocksAreGone(requester.WaitForAnyReply(kForever).status()) ? 0 : 3;
            }),
            0);
}

TEST_F(LostLock, EndsAWaitForAnyReplyBesideALateOneThatItHasNoWayTo) {
  EXPECT_EQ(ExitStatusOf([this] {
              Replier replier = OpenReplier(SumsSpec());
              Requester requester = OpenRequester(SumsSpec());
              const auto late = SendNumber(requester, 1, kForever);
              const auto call = SendNumber(requester, 2, kForever);
              if (!late.ok() || !call.ok()) return 1;
              AnswerNext(replier);
              requester.Forget(*late);
              CloseAllDescriptors();
              return SaysLocksAreGone(requester.WaitForAnyReply(kForever).status()) ? 0 : 2;
            }),
            0);
}

/// After the descriptors are closed, their numbers are those of another channel's directory.
class LostLockBesideAnotherChannel : public LostLock {
 protected:
  LostLockBesideAnotherChannel() : elsewhere_(OpenPublisher(ForeignSpec())) {}

  bool CloseAllAndOpenTheOther() const {
    CloseAllDescriptors();
    int number = 0;
    while (number >= 0 && number < 256) number = open(Directory(kForeign).c_str(), O_RDONLY | O_DIRECTORY);
    return number >= 256;
  }

  static constexpr char kForeign[] = "test%2Fforeign";
  Publisher elsewhere_;

 private:
  static ChannelSpec ForeignSpec() {
    ChannelSpec spec = NumbersSpec();
    spec.name = "test/foreign";
    return spec;
  }
};

TEST_F(LostLockBesideAnotherChannel, KeepsASubscriberFromItsFiles) {
  ASSERT_TRUE(Send(elsewhere_, 7).ok());
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = OpenSubscriber(NumbersSpec());
              Publisher publisher = OpenPublisher(NumbersSpec());
              if (!Send(publisher, 1).ok() || !CloseAllAndOpenTheOther()) return 1;
              return SaysLocksAreGone(subscriber.TryTake().status()) ? 0 : 2;
            }),
            0);
}

TEST_F(LostLockBesideAnotherChannel, KeepsAnEndFromMakingItsWakeFileThere) {
  ChannelSpec spec = NumbersSpec();
  spec.name = "test/foreign";
  Subscriber watched = OpenSubscriber(spec);
  ASSERT_TRUE(watched.fd().ok());
  ASSERT_TRUE(Exists(Directory(kForeign) + "/wake.0"));
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = OpenSubscriber(NumbersSpec());
              Puller puller = OpenPuller(JobsSpec());
              if (!CloseAllAndOpenTheOther()) return 1;
              if (!SaysLocksAreGone(subscriber.fd().status())) return 2;
              return SaysLocksAreGone(puller.fd().status()) ? 0 : 3;
            }),
            0);
  ASSERT_TRUE(Send(elsewhere_, 1).ok());
  pollfd poll_of{*watched.fd(), POLLIN, 0};
  EXPECT_EQ(poll(&poll_of, 1, 0), 1) << "its wake file is not the one that is written to";
}

TEST_F(LostLockBesideAnotherChannel, KeepsAPullerFromItsLocks) {
  Puller other = OpenPuller(JobsSpec());
  Pusher pusher = OpenPusher(JobsSpec());
  ASSERT_TRUE(PushNumber(pusher, 1, kLong).ok());
  Job job = *other.Take(kLong);
  EXPECT_EQ(ExitStatusOf([this] {
              Puller puller = OpenPuller(JobsSpec());
              if (!CloseAllAndOpenTheOther()) return 1;
              return SaysLocksAreGone(puller.Wait(kForever).status()) ? 0 : 2;
            }),
            0);
  EXPECT_TRUE(job.Ack().ok()) << "asked whether the other lives, there it seems dead";
}

TEST_F(LostLockBesideAnotherChannel, KeepsARequesterFromItsLocks) {
  ChannelSpec spec = SumsSpec();
  Replier replier = OpenReplier(spec);
  Requester caller = OpenRequester(spec);
  const CallId call = *SendNumber(caller, 1, kLong);
  Request request = *replier.Take(kLong);
  EXPECT_EQ(ExitStatusOf([&] {
              Requester requester = OpenRequester(spec);
              const auto waiting = SendNumber(requester, 2, kForever);
              if (!waiting.ok() || !CloseAllAndOpenTheOther()) return 1;
              if (!SaysLocksAreGone(requester.WaitForReplier(kForever).status())) return 2;
              if (!SaysLocksAreGone(requester.WaitForReply(*waiting, kForever).status())) return 3;
              return SaysLocksAreGone(requester.Receive(*waiting).status()) ? 0 : 4;
            }),
            0);
  EXPECT_TRUE(ReplyNumber(request, 5).ok());
  EXPECT_EQ(ReqRepTest::ValueOf(caller.Receive(call)), 5u);
}

TEST_F(LostLockBesideAnotherChannel, KeepsAReplierFromItsFiles) {
  EXPECT_EQ(ExitStatusOf([this] {
              Replier replier = OpenReplier(SumsSpec());
              Requester requester = OpenRequester(SumsSpec());
              if (!SendNumber(requester, 1, kForever).ok()) return 1;
              auto request = replier.Take(kForever);
              if (!request.ok() || !CloseAllAndOpenTheOther()) return 2;
              return SaysLocksAreGone(ReplyNumber(*request, 2)) ? 0 : 3;
            }),
            0);
}

TEST_F(LostLockBesideAnotherChannel, KeepsAPublisherThatLeavesFromItsFiles) {
  const std::string file = Directory(kForeign) + "/pub.1." + std::to_string(NthGeneration(1));
  ASSERT_TRUE(Exists(file));
  EXPECT_EQ(ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(NumbersSpec());
              if (!CloseAllAndOpenTheOther()) return 1;
              publisher.Close();
              return 0;
            }),
            0);
  EXPECT_TRUE(Exists(file));
}

/// A process that answers one request and takes another; its lock goes, and it answers that when it was given to somebody else.
int AnswerAfterAllWasClosed(const ChannelSpec& spec, const ReplierOptions& here, int told, int go_on) {
  auto replier = Replier::Open(spec, here);
  if (!replier.ok()) return 1;
  auto first = replier->Take(kForever);
  if (!first.ok() || !ReplyNumber(*first, 20).ok()) return 2;
  auto second = replier->Take(kForever);
  if (!second.ok()) return 3;
  dup2(told, 1);
  dup2(go_on, 0);
  CloseAllDescriptors();
  char byte = 'x';
  if (write(1, &byte, 1) != 1 || read(0, &byte, 1) != 1) return 4;
  return SaysLocksAreGone(ReplyNumber(*second, 30)) ? 0 : 5;
}

/// A replier whose lock goes before the next requester comes, which it therefore has no way to.
int TakeAfterAllWasClosed(const ChannelSpec& spec, const ReplierOptions& here, int told, int go_on) {
  auto replier = Replier::Open(spec, here);
  if (!replier.ok()) return 1;
  dup2(told, 1);
  dup2(go_on, 0);
  CloseAllDescriptors();
  char byte = 'x';
  if (write(1, &byte, 1) != 1 || read(0, &byte, 1) != 1) return 2;
  return SaysLocksAreGone(replier->TryTake().status()) ? 0 : 3;
}

TEST_F(LostLock, MakesAReplierLeaveARequestThatItHasNoWayToToOthers) {
  int told[2];
  int go_on[2];
  ASSERT_TRUE(pipe(told) == 0 && pipe(go_on) == 0);
  Replier other = OpenReplier(SumsSpec());   // before: a channel of the dead alone is made anew
  const pid_t child = ForkBound();
  if (child == 0) _exit(TakeAfterAllWasClosed(SumsSpec(), ReplierHere(), told[1], go_on[0]));
  char byte = 0;
  ASSERT_EQ(read(told[0], &byte, 1), 1);
  Requester requester = OpenRequester(SumsSpec());
  const CallId call = *SendNumber(requester, 7, kLong);
  ASSERT_EQ(write(go_on[1], &byte, 1), 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);

  AnswerNext(other);

  EXPECT_EQ(ReqRepTest::ValueOf(requester.Receive(call)), 8u);
}

TEST_F(LostLock, IsSaidToAReplierThatAnswersWhatAnotherHasAnswered) {
  ChannelSpec spec = SumsSpec();
  spec.qos.idempotent = true;
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(spec, options);
  ASSERT_TRUE(requester.ok()) << requester.status();
  int told[2];
  int go_on[2];
  ASSERT_TRUE(pipe(told) == 0 && pipe(go_on) == 0);
  const pid_t child = ForkBound();
  if (child == 0) _exit(AnswerAfterAllWasClosed(spec, ReplierHere(), told[1], go_on[0]));
  EXPECT_EQ(ReqRepTest::ValueOf(requester->Receive(*SendNumber(*requester, 7, kLong))), 20u);
  const CallId call = *SendNumber(*requester, 8, kLong);
  char byte = 0;
  ASSERT_EQ(read(told[0], &byte, 1), 1);

  Replier other = OpenReplier(spec);
  AnswerNext(other);
  ASSERT_EQ(write(go_on[1], &byte, 1), 1);
  int status = -1;
  waitpid(child, &status, 0);

  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(ReqRepTest::ValueOf(requester->Receive(call)), 9u);
  for (const int descriptor : {told[0], told[1], go_on[0], go_on[1]}) close(descriptor);
}

}  // namespace
}  // namespace shmcomm::test
