// SPDX-License-Identifier: Apache-2.0
// Memory that runs out in making descriptors, in sets of endpoints and their waits, and in waking through a descriptor.
#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "faults/each_may_fail.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "shmcomm/wait_set.h"
#include "support/reqrep_channels.h"

namespace shmcomm::faults {
namespace {

class FailingAllocationOfDescriptors : public EachMayFailTest {
 protected:
  FailingAllocationOfDescriptors() {
    jobs_.name = "test/jobs";
    jobs_.pattern = Pattern::kPushPull;
  }

  /// Of an endpoint that is opened anew for each: a descriptor is made once.
  template <class End, class Options>
  void EachMayFailOf(const ChannelSpec& spec, Options options) {
    options.root = root_.path();
    std::optional<End> end;
    ASSERT_TRUE(OpenInto(end, spec, options).ok());
    EachMayFail([&] { return end->fd().status(); },
                [&] {
                  end.reset();
                  ASSERT_TRUE(OpenInto(end, spec, options).ok());
                });
  }

  ChannelSpec jobs_ = test::BytesSpec(64);
};

TEST_F(FailingAllocationOfDescriptors, OfASubscriberIsAnError) {
  EachMayFailOf<Subscriber>(test::NumbersSpec(), SubscriberOptions());
}

TEST_F(FailingAllocationOfDescriptors, OfAPullerIsAnError) { EachMayFailOf<Puller>(jobs_, PullerOptions()); }

TEST_F(FailingAllocationOfDescriptors, OfARequesterIsAnError) {
  EachMayFailOf<Requester>(test::SumsSpec(), RequesterOptions());
}

TEST_F(FailingAllocationOfDescriptors, OfAReplierIsAnError) { EachMayFailOf<Replier>(test::SumsSpec(), ReplierOptions()); }

TEST_F(FailingAllocationOfDescriptors, InWakingThroughOneIsNoFailureOfPublishing) {
  const ChannelSpec spec = test::NumbersSpec();
  std::optional<Subscriber> subscriber(OpenSubscriber(spec));
  std::optional<Publisher> publisher;
  std::uint64_t next = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    publisher.emplace(OpenPublisher(spec));  // meets the descriptor for the first time
    ASSERT_TRUE(test::Send(*publisher, next++).ok());  // whatever the first message makes
    ASSERT_TRUE(subscriber->Take(absl::ZeroDuration()).ok());
    ASSERT_TRUE(subscriber->fd().ok());
    ASSERT_FALSE(subscriber->TryTake()->has_value());  // arms it

    FailAllocation(n);
    const absl::Status sent = test::Send(*publisher, next);
    const bool has_failed = StopFailing();

    ASSERT_TRUE(sent.ok()) << sent;
    EXPECT_EQ(test::ValueOf(*subscriber->Take(absl::InfiniteDuration())), next++);
    EXPECT_EQ(test::TakeValues(*subscriber).size(), 0u);
    if (!has_failed) break;
    subscriber.emplace(OpenSubscriber(spec));
  }
}

/// The parameter: how many members a set has. Up to 8 are waited for on their bells, more through their descriptors.
class FailingAllocationOfWaitSets : public EachMayFailTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  FailingAllocationOfWaitSets() {
    spec_.qos.max_subscribers = 16;
    members_.reserve(GetParam());
  }

  void OpenMembers() {
    for (std::size_t i = 0; i < GetParam(); ++i) members_.push_back(OpenSubscriber(spec_));
  }
  absl::Status AddAll() {
    for (Subscriber& member : members_) {
      const absl::Status added = set_->Add(member).status();
      if (!added.ok() && !absl::IsAlreadyExists(added)) return added;  // a member by an earlier attempt
    }
    return absl::OkStatus();
  }
  /// A sleep, not only a look.
  absl::Status WaitForNothing() { return set_->Wait(absl::Milliseconds(1)).status(); }
  void BeginAnew() {
    members_.clear();
    set_.emplace();
    OpenMembers();
  }

  ChannelSpec spec_ = test::NumbersSpec();
  std::vector<Subscriber> members_;
  std::optional<WaitSet> set_;
};

INSTANTIATE_TEST_SUITE_P(Members, FailingAllocationOfWaitSets, ::testing::Values(1, 8, 9));

TEST_P(FailingAllocationOfWaitSets, InAddingIsAnError) {
  BeginAnew();
  EachMayFail([this] { return AddAll(); }, [this] { BeginAnew(); });
}

TEST_P(FailingAllocationOfWaitSets, InWaitingIsAnError) {
  const auto add_to_new = [this] {
    BeginAnew();
    ASSERT_TRUE(AddAll().ok());
  };
  add_to_new();
  EachMayFail([this] { return WaitForNothing(); }, add_to_new);
}

TEST_P(FailingAllocationOfWaitSets, InAWaitThatFindsMessagesLosesNone) {
  Publisher publisher = OpenPublisher(spec_);
  const auto send_to_new = [&] {
    BeginAnew();
    ASSERT_TRUE(AddAll().ok());
    ASSERT_TRUE(test::Send(publisher, 7).ok());
  };
  send_to_new();
  EachMayFail(
      [this] {
        const auto ready = set_->Wait(absl::ZeroDuration());
        if (!ready.ok()) return ready.status();
        EXPECT_EQ(ready->size(), GetParam());
        return absl::OkStatus();
      },
      [&] {
        for (Subscriber& member : members_) EXPECT_EQ(test::TakeValues(member), test::Range(7, 8));
        send_to_new();
      });
}

TEST_P(FailingAllocationOfWaitSets, InWaitingKeepsNoMemberFromClosing) {
  for (std::uint64_t n = 1;; ++n) {
    BeginAnew();
    ASSERT_TRUE(AddAll().ok());

    FailAllocation(n);
    WaitForNothing().IgnoreError();
    const bool has_failed = StopFailing();
    members_.clear();  // hangs while somebody is inside

    if (!has_failed) return;
  }
}

TEST_P(FailingAllocationOfWaitSets, InMakingOneIsToldByItsCalls) {
  OpenMembers();
  FailAllocation(1);
  set_.emplace();
  ASSERT_TRUE(StopFailing());

  EXPECT_TRUE(absl::IsResourceExhausted(set_->Add(members_[0]).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(set_->Wait(absl::InfiniteDuration()).status()));
  set_->Wake();
  set_->Remove(0);
  EXPECT_EQ(set_->size(), 0u);
}

}  // namespace
}  // namespace shmcomm::faults
