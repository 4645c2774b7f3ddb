// SPDX-License-Identifier: Apache-2.0
// A process whose descriptors were closed under its endpoints opens others, as it is told to. Those have the numbers of the
// lost ones, which are destroyed only then, and lead to the same files.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "shmcomm/wait_set.h"
#include "support/all_patterns.h"
#include "support/closed_descriptors.h"
#include "support/forked_child.h"

namespace shmcomm::test {
namespace {

const absl::Duration kForever = absl::InfiniteDuration();
const absl::Duration kAMoment = absl::Milliseconds(2);

/// Each test's body runs in a child: what it closes is gone for good. 0: as it should be.
class OpenedAfterwards : public AllPatternsTest {
 protected:
  /// More than a set watches by their bells.
  std::vector<Subscriber> NineSubscribers() const {
    std::vector<Subscriber> subscribers;
    for (int i = 0; i < 9; ++i) subscribers.push_back(OpenSubscriber(NumbersSpec()));
    return subscribers;
  }
};

TEST_F(OpenedAfterwards, EndsWorkInPlaceOfThoseThatLostTheirLocks) {
  Subscriber witness = OpenSubscriber(NumbersSpec());   // so that the channels stay as they are
  Puller other_puller = OpenPuller(JobsSpec());
  EXPECT_EQ(ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(NumbersSpec());
              Subscriber subscriber = OpenSubscriber(NumbersSpec());
              Pusher pusher = OpenPusher(JobsSpec());
              Puller puller = OpenPuller(JobsSpec());
              CloseAllDescriptors();

              publisher = OpenPublisher(NumbersSpec());
              subscriber = OpenSubscriber(NumbersSpec());
              pusher = OpenPusher(JobsSpec());
              puller = OpenPuller(JobsSpec());

              if (!subscriber.Wait(kAMoment).ok() || !puller.Wait(kAMoment).ok()) return 1;
              if (!Send(publisher, 7).ok() || TakeValues(subscriber) != std::vector<std::uint64_t>{7}) return 2;
              if (!PushNumber(pusher, 8, kForever).ok()) return 3;
              auto job = puller.Take(kForever);
              if (!job.ok() || !job->Ack().ok()) return 4;
              // To another process they live: it takes none of their places.
              return ExitStatusOf([this] {
                Publisher other = OpenPublisher(NumbersSpec());
                Subscriber another = OpenSubscriber(NumbersSpec());
                return Send(other, 9).ok() && TakeValues(another) == std::vector<std::uint64_t>{9} ? 0 : 1;
              }) == 0 && TakeValues(subscriber) == std::vector<std::uint64_t>{9} && Send(publisher, 10).ok() ? 0 : 5;
            }),
            0);
  EXPECT_EQ(TakeValues(witness), (std::vector<std::uint64_t>{7, 9, 10}));
}

TEST_F(OpenedAfterwards, EndsWorkInASetThatHadOthers) {
  EXPECT_EQ(ExitStatusOf([this] {
              std::vector<Subscriber> lost = NineSubscribers();
              WaitSet set;
              std::vector<WaitSet::Key> keys;
              for (Subscriber& member : lost) keys.push_back(*set.Add(member));
              if (!set.Wait(kAMoment).ok()) return 1;
              CloseAllDescriptors();
              for (const WaitSet::Key key : keys) set.Remove(key);
              std::vector<Subscriber> members = NineSubscribers();
              for (Subscriber& member : members) {
                if (!set.Add(member).ok()) return 2;
              }
              const auto nobody = set.Wait(kAMoment);
              if (!nobody.ok() || !nobody->empty()) return 3;
              set.Wake();
              const auto woken = set.Wait(kForever);
              if (!woken.ok() || !woken->empty()) return 4;
              Publisher publisher = OpenPublisher(NumbersSpec());
              if (!Send(publisher, 1).ok()) return 5;
              const auto ready = set.Wait(kForever);
              return ready.ok() && ready->size() == members.size() ? 0 : 6;
            }),
            0);
}

}  // namespace
}  // namespace shmcomm::test
