// SPDX-License-Identifier: Apache-2.0
// A program that runs out of descriptors while it uses its endpoints: each call that needs one says so, takes nothing away,
// and works once there is one again.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <vector>

#include "shmcomm/wait_set.h"
#include "support/all_patterns.h"
#include "support/forked_child.h"

namespace shmcomm::test {
namespace {

const absl::Duration kNoWait = absl::ZeroDuration();

/// Lets this process open `more` descriptors, and none beyond.
void AllowDescriptors(int more) {
  std::vector<int> lowest;   // that are free
  for (int i = 0; i <= more; ++i) lowest.push_back(dup(2));
  for (const int descriptor : lowest) close(descriptor);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = static_cast<rlim_t>(lowest.back());
  setrlimit(RLIMIT_NOFILE, &limit);
}

void AllowAll() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Each test's body runs in a child, whose limit is its own. 0: as it should be.
class ScarceDescriptors : public AllPatternsTest {
 protected:
  /// `call` is refused while fewer descriptors than it still needs are to be had, then works. How many times it was refused; -1
  /// for an answer of another kind.
  static int TimesRefused(const std::function<absl::Status()>& call) {
    for (int more = 0; more < 64; ++more) {
      AllowDescriptors(more);
      const absl::Status status = call();
      AllowAll();
      if (status.ok()) return more;
      if (absl::IsResourceExhausted(status)) continue;
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      return -1;
    }
    return -1;
  }
};

TEST_F(ScarceDescriptors, RefuseADescriptorOfAnEndpoint) {
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = OpenSubscriber(NumbersSpec());
              Puller puller = OpenPuller(JobsSpec());
              Requester requester = OpenRequester(SumsSpec());
              Replier replier = OpenReplier(SumsSpec());
              if (TimesRefused([&] { return subscriber.fd().status(); }) < 2) return 1;
              if (TimesRefused([&] { return puller.fd().status(); }) < 2) return 2;
              if (TimesRefused([&] { return requester.fd().status(); }) < 2) return 3;
              return TimesRefused([&] { return replier.fd().status(); }) < 2 ? 4 : 0;
            }),
            0);
}

TEST_F(ScarceDescriptors, RefuseAWaitForManyEndpoints) {
  EXPECT_EQ(ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(NumbersSpec());
              std::vector<Subscriber> subscribers;
              WaitSet set;
              for (int i = 0; i < 9; ++i) subscribers.push_back(OpenSubscriber(NumbersSpec()));
              for (Subscriber& subscriber : subscribers) {
                if (!set.Add(subscriber).ok()) return 1;
              }
              if (TimesRefused([&] { return set.Wait(absl::Milliseconds(1)).status(); }) < 2) return 2;
              return Send(publisher, 1).ok() && set.Wait(absl::InfiniteDuration())->size() == 9 ? 0 : 3;
            }),
            0);
}

TEST_F(ScarceDescriptors, LoseNoMessageOfAPublisherThatIsMetFirst) {
  EXPECT_EQ(ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(NumbersSpec());
              Subscriber subscriber = OpenSubscriber(NumbersSpec());
              if (!Send(publisher, 7).ok()) return 1;
              const auto take = [&] {
                const auto sample = subscriber.Take(kNoWait);
                return sample.ok() && test::ValueOf(*sample) != 7 ? absl::InternalError("another message") : sample.status();
              };
              return TimesRefused(take) < 1 || subscriber.stats().lost != 0 ? 2 : 0;
            }),
            0);
}

TEST_F(ScarceDescriptors, LeaveAJobOfAPusherThatIsMetFirst) {
  EXPECT_EQ(ExitStatusOf([this] {
              Pusher pusher = OpenPusher(JobsSpec());
              Puller puller = OpenPuller(JobsSpec());
              if (!PushNumber(pusher, 7, kNoWait).ok()) return 1;
              std::optional<Job> job;
              const auto take = [&] {
                auto taken = puller.Take(kLong);   // it waits: what it gave back itself lies behind it
                if (taken.ok()) job = *std::move(taken);
                return taken.status();
              };
              return TimesRefused(take) < 1 || job->attempt() != 0 || NumberIn(job->data()) != 7 ? 2 : 0;
            }),
            0);
}

TEST_F(ScarceDescriptors, LeaveARequestOfARequesterThatIsMetFirst) {
  EXPECT_EQ(ExitStatusOf([this] {
              Requester requester = OpenRequester(SumsSpec());
              Replier replier = OpenReplier(SumsSpec());
              const auto call = SendNumber(requester, 7, kLong);
              if (!call.ok()) return 1;
              const auto answer = [&] {
                auto request = replier.Take(kLong);   // as above
                return request.ok() ? ReplyNumber(*request, 8) : request.status();
              };
              AllowDescriptors(0);
              const absl::Status refused = answer();   // it is not even taken
              AllowAll();
              if (!absl::IsResourceExhausted(refused) || !answer().ok()) return 2;
              return ReqRepTest::ValueOf(requester.Receive(*call)) == 8 ? 0 : 3;
            }),
            0);
}

}  // namespace
}  // namespace shmcomm::test
