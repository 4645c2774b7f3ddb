// SPDX-License-Identifier: Apache-2.0
// Memory that runs out in cleaning after the dead, in loans and batches, and in closing with jobs, requests and calls open.
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "faults/each_may_fail.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "support/forked_child.h"
#include "support/reqrep_channels.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

ChannelSpec Jobs() {
  ChannelSpec spec = test::BytesSpec(64 << 10);
  spec.name = "test/jobs of a long name";   // whoever copies it allocates
  spec.pattern = Pattern::kPushPull;
  return spec;
}

/// All that this process has of three channels.
struct Ends {
  std::optional<Publisher> publisher;
  std::optional<Subscriber> subscriber;
  std::optional<Sample> sample;
  std::optional<Pusher> pusher;
  std::optional<Puller> puller;
  std::optional<Job> job;
  std::optional<Requester> requester;
  std::optional<Replier> replier;
  std::optional<Request> request;
};

class FailingAllocationOfLeaving : public EachMayFailTest {
 protected:
  FailingAllocationOfLeaving() {
    publisher_options_.root = subscriber_options_.root = pusher_options_.root = puller_options_.root = root_.path();
    requester_options_.root = replier_options_.root = root_.path();
  }

  absl::Status OpenPublisherIn(Ends& ends) { return OpenInto(ends.publisher, bytes_, publisher_options_); }
  absl::Status OpenSubscriberIn(Ends& ends) { return OpenInto(ends.subscriber, bytes_, subscriber_options_); }
  absl::Status OpenPusherIn(Ends& ends) { return OpenInto(ends.pusher, jobs_, pusher_options_); }
  absl::Status OpenPullerIn(Ends& ends) { return OpenInto(ends.puller, jobs_, puller_options_); }
  absl::Status OpenRequesterIn(Ends& ends) { return OpenInto(ends.requester, sums_, requester_options_); }
  absl::Status OpenReplierIn(Ends& ends) { return OpenInto(ends.replier, sums_, replier_options_); }

  bool HoldASample(Ends& ends) {
    if (!OpenPublisherIn(ends).ok() || !OpenSubscriberIn(ends).ok() || !ends.subscriber->fd().ok()) return false;
    if (!ends.publisher->PublishCopy("message", 7, Codec::kBytes).ok()) return false;
    ends.sample = *ends.subscriber->TryTake();
    return ends.sample.has_value();
  }
  /// And another that nobody has taken.
  bool HoldAJob(Ends& ends) {
    if (!OpenPusherIn(ends).ok() || !OpenPullerIn(ends).ok() || !ends.puller->fd().ok()) return false;
    for (int i = 0; i < 2; ++i) {
      if (!ends.pusher->PushCopy("job", 3, Codec::kBytes, absl::ZeroDuration()).ok()) return false;
    }
    ends.job = *ends.puller->TryTake();
    return ends.job.has_value();
  }
  bool HoldARequest(Ends& ends) {
    if (!OpenReplierIn(ends).ok() || !OpenRequesterIn(ends).ok() || !ends.replier->fd().ok()) return false;
    for (int i = 0; i < 2; ++i) {
      if (!test::SendNumber(*ends.requester, 7, absl::InfiniteDuration()).ok()) return false;
    }
    ends.request = *ends.replier->TryTake();
    return ends.request.has_value();
  }

  /// `open` finds what a dead process held, each time anew.
  void EachOpenMayFailAfterADeath(const std::function<bool(Ends&)>& hold, const std::function<absl::Status()>& open,
                                  const std::function<void()>& close) {
    const auto die = [&] {
      const test::StayingChild dead([&](const test::StayingChild::Stay& stay) {
        Ends own;
        if (hold(own)) stay();
      });
      ASSERT_TRUE(dead.is_there());
    };
    die();
    EachMayFail(open, [&] {
      close();
      die();
    });
  }

  /// `leave` with its n-th allocation refused: the rest is the next open's.
  void EachLeaveMayFail(const char* directory, const std::function<bool(Ends&)>& hold, const std::function<void(Ends&)>& leave) {
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE("allocation " + std::to_string(n));
      const test::Resources before = test::CountResources(root_.path());
      Ends ends;
      ASSERT_TRUE(hold(ends));
      FailAllocation(n);
      leave(ends);
      const bool has_failed = StopFailing();
      ends = Ends();
      ASSERT_EQ(test::CountResources(root_.path()), before);
      Ends next;
      ASSERT_TRUE(hold(next));
      next = Ends();
      ASSERT_TRUE(Files(directory).empty());
      if (has_failed) continue;
      std::printf("failing_allocation %llu\n", static_cast<unsigned long long>(n - 1));
      return;
    }
  }

  const ChannelSpec bytes_ = test::BytesSpec(64 << 10);
  const ChannelSpec jobs_ = Jobs();
  const ChannelSpec sums_ = test::SumsSpec();
  PublisherOptions publisher_options_;
  SubscriberOptions subscriber_options_;
  PusherOptions pusher_options_;
  PullerOptions puller_options_;
  RequesterOptions requester_options_;
  ReplierOptions replier_options_;
  Ends ends_;
};

TEST_F(FailingAllocationOfLeaving, InCleaningAfterADeadPublisherAndSubscriberIsAnError) {
  ASSERT_TRUE(OpenSubscriberIn(ends_).ok());
  EachOpenMayFailAfterADeath([this](Ends& ends) { return HoldASample(ends); }, [this] { return OpenPublisherIn(ends_); },
                             [this] { ends_.publisher.reset(); });
}

TEST_F(FailingAllocationOfLeaving, InCleaningAfterADeadPusherAndPullerIsAnError) {
  ASSERT_TRUE(OpenPullerIn(ends_).ok());
  EachOpenMayFailAfterADeath([this](Ends& ends) { return HoldAJob(ends); }, [this] { return OpenPusherIn(ends_); },
                             [this] {
                               ends_.pusher.reset();
                               while (ends_.puller->TryTake()->has_value()) {   // the dead's jobs go, one after the other
                               }
                               ends_.puller.reset();                             // and what is mapped of their pusher
                               ASSERT_TRUE(OpenPullerIn(ends_).ok());
                             });
}

TEST_F(FailingAllocationOfLeaving, InCleaningAfterADeadRequesterAndReplierIsAnError) {
  ASSERT_TRUE(OpenRequesterIn(ends_).ok());
  EachOpenMayFailAfterADeath([this](Ends& ends) { return HoldARequest(ends); }, [this] { return OpenReplierIn(ends_); },
                             [this] { ends_.replier.reset(); });
}

TEST_F(FailingAllocationOfLeaving, InALoanThatGrowsIsAnError) {
  ASSERT_TRUE(OpenPublisherIn(ends_).ok());
  const auto build = [this] {
    auto loan = ends_.publisher->Loan();
    if (!loan.ok()) return loan.status();
    loan->builder().Finish(test::CreateImageOf(loan->builder(), 40'000));
    return ends_.publisher->Publish(*std::move(loan));
  };
  EachMayFail(build, [this] {
    ends_.publisher.reset();
    ASSERT_TRUE(OpenPublisherIn(ends_).ok());
  });
}

TEST_F(FailingAllocationOfLeaving, InTakingManyLosesNothing) {
  subscriber_options_.verify = Verify::kUntrusted;   // copies each message
  ASSERT_TRUE(OpenPublisherIn(ends_).ok());
  ASSERT_TRUE(OpenSubscriberIn(ends_).ok());
  std::uint64_t sent = 0;
  std::uint64_t taken = 0;
  const auto send_two = [&] {
    for (int i = 0; i < 2; ++i, ++sent) ASSERT_TRUE(ends_.publisher->PublishCopy("message", 7, Codec::kBytes).ok());
  };
  const auto take = [&] {
    const auto batch = ends_.subscriber->TakeMany();
    if (!batch.ok()) return batch.status();
    for (const Sample& sample : *batch) EXPECT_EQ(sample.sequence(), taken++);
    return absl::OkStatus();
  };

  send_two();
  EachMayFail(take, [&] {
    while (taken < sent && take().ok()) {
    }
    ASSERT_EQ(taken, sent);
    send_two();
  });
}

TEST_F(FailingAllocationOfLeaving, OfAPullerLeavesTheRestToTheNextOpen) {
  EachLeaveMayFail("test%2Fjobs%20of%20a%20long%20name", [this](Ends& ends) { return HoldAJob(ends); }, [](Ends& ends) {
    ends.puller->Close();
    const absl::Status given = ends.job->GiveBack();
    EXPECT_TRUE(given.ok() || absl::IsResourceExhausted(given)) << given;
    ends.job.reset();   // the last of the puller
    ends.pusher->Close();
  });
}

TEST_F(FailingAllocationOfLeaving, OfAReplierLeavesTheRestToTheNextOpen) {
  EachLeaveMayFail("test%2Fsums", [this](Ends& ends) { return HoldARequest(ends); }, [](Ends& ends) {
    ends.replier->Close();
    ends.request.reset();   // the last of the replier
    ends.requester->Close();
  });
}

TEST_F(FailingAllocationOfLeaving, OfASubscriberWhoseSampleOutlivesItLeavesTheRestToTheNextOpen) {
  EachLeaveMayFail("test%2Fbytes", [this](Ends& ends) { return HoldASample(ends); }, [](Ends& ends) {
    ends.publisher->Close();
    ends.subscriber->Close();
    ends.sample.reset();
  });
}

}  // namespace
}  // namespace shmcomm::faults
