// SPDX-License-Identifier: Apache-2.0
// A kernel without membarrier: endpoints fence for themselves, and samples that outlive their endpoint still end it.
#include <gtest/gtest.h>

#include <optional>

#include "support/all_patterns.h"
#include "support/forked_child.h"
#include "support/refused_calls.h"

namespace shmcomm::test {
namespace {

constexpr int kCannot = 77;

class WithoutMembarrier : public AllPatternsTest {
 protected:
  /// In a child, where the system has no such call.
  template <class Body>
  static int ResultOf(Body body) {
    return ExitStatusOf([&] { return RefuseMembarrier() ? body() : kCannot; });
  }
};

TEST_F(WithoutMembarrier, MessagesOfASolePublisherAreTaken) {
  const int result = ResultOf([this] {
    Publisher publisher = OpenPublisher(NumbersSpec(1));
    Subscriber subscriber = OpenSubscriber(NumbersSpec(1));
    if (!Send(publisher, 7).ok()) return 1;
    return TakeValues(subscriber) == Range(7, 8) ? 0 : 2;
  });
  if (result == kCannot) GTEST_SKIP() << "this system does not let us refuse calls";

  EXPECT_EQ(result, 0);
}

TEST_F(WithoutMembarrier, ASampleThatOutlivesItsSubscriberLetsItLeave) {
  const int result = ResultOf([this] {
    ChannelSpec spec = NumbersSpec();
    spec.qos.max_subscribers = 1;
    Publisher publisher = OpenPublisher(spec);
    Subscriber subscriber = OpenSubscriber(spec);
    if (!Send(publisher, 7).ok()) return 1;
    std::optional<Sample> sample = *subscriber.TryTake();
    subscriber.Close();
    if (Subscriber::Open(spec, SubscriberHere()).ok()) return 2;   // the sample keeps the only place
    sample.reset();
    return Subscriber::Open(spec, SubscriberHere()).ok() ? 0 : 3;
  });
  if (result == kCannot) GTEST_SKIP() << "this system does not let us refuse calls";

  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace shmcomm::test
