// SPDX-License-Identifier: Apache-2.0
// Memory that runs out in opening, publishing, taking, calling and closing.
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "faults/each_may_fail.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "support/reqrep_channels.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

class FailingAllocation : public EachMayFailTest {
 protected:
  FailingAllocation() { subscriber_options_.verify = Verify::kUntrusted; }  // copies each message

  absl::Status OpenPublisherHere() {
    auto opened = Publisher::Open(spec_, publisher_options_);
    if (opened.ok()) publisher_.emplace(*std::move(opened));
    return opened.status();
  }
  absl::Status OpenSubscriberHere() {
    auto opened = Subscriber::Open(spec_, subscriber_options_);
    if (opened.ok()) subscriber_.emplace(*std::move(opened));
    return opened.status();
  }
  void CloseAll() {
    publisher_.reset();
    subscriber_.reset();
  }

  ChannelSpec spec_ = test::BytesSpec(64 << 10);
  const PublisherOptions publisher_options_ = PublisherHere();  // nothing of the test's own is made while memory fails
  SubscriberOptions subscriber_options_ = SubscriberHere();
  std::optional<Publisher> publisher_;
  std::optional<Subscriber> subscriber_;
};

TEST_F(FailingAllocation, OfOpeningAPublisherIsAnError) {
  EachMayFail([this] { return OpenPublisherHere(); }, [this] { CloseAll(); });
  EXPECT_TRUE(Files("test%2Fbytes").empty());
}

TEST_F(FailingAllocation, OfOpeningASubscriberIsAnError) {
  EachMayFail([this] { return OpenSubscriberHere(); }, [this] { CloseAll(); });
  EXPECT_TRUE(Files("test%2Fbytes").empty());
}

TEST_F(FailingAllocation, OfJoiningIsAnError) {
  ASSERT_TRUE(OpenSubscriberHere().ok());
  EachMayFail([this] { return OpenPublisherHere(); }, [this] { publisher_.reset(); });
  EachMayFail(
      [this] {
        const absl::Status opened = OpenPublisherHere();
        return opened.ok() ? publisher_->PublishCopy("message", 7, Codec::kBytes) : opened;
      },
      [this] { publisher_.reset(); });
}

TEST_F(FailingAllocation, OfPublishingAndTakingLosesNothing) {
  ASSERT_TRUE(OpenPublisherHere().ok());
  ASSERT_TRUE(OpenSubscriberHere().ok());
  std::uint64_t next = 0;

  EachMayFail([this] { return publisher_->PublishCopy("message", 7, Codec::kBytes); },
              [&] {
                EachMayFail(
                    [&] {
                      auto sample = subscriber_->Take(absl::ZeroDuration());
                      if (!sample.ok()) return sample.status();
                      EXPECT_EQ(sample->sequence(), next);
                      EXPECT_EQ(sample->lost(), 0u);
                      return absl::OkStatus();
                    },
                    [&] {
                      ++next;
                      ASSERT_TRUE(publisher_->PublishCopy("message", 7, Codec::kBytes).ok());
                    });
                while (subscriber_->TryTake()->has_value()) ++next;
              });
}

TEST_F(FailingAllocation, OfPushingAndTakingAJobLosesNothing) {
  ChannelSpec spec = test::BytesSpec(64 << 10);
  spec.name = "test/jobs";
  spec.pattern = Pattern::kPushPull;
  PusherOptions pusher_options;
  PullerOptions puller_options;
  pusher_options.root = puller_options.root = root_.path();
  std::optional<Pusher> pusher;
  std::optional<Puller> puller;
  const auto open_pusher = [&] { return OpenInto(pusher, spec, pusher_options); };
  const auto open_puller = [&] { return OpenInto(puller, spec, puller_options); };
  EachMayFail(open_pusher, [&] { pusher.reset(); });
  EachMayFail(open_puller, [&] { puller.reset(); });
  ASSERT_TRUE(open_pusher().ok());
  ASSERT_TRUE(open_puller().ok());

  const auto push = [&] { return pusher->PushCopy("job", 3, Codec::kBytes, absl::ZeroDuration()); };
  const auto take = [&] { return puller->Take(absl::ZeroDuration()).status(); };   // and do it
  EachMayFail(push, [&] { ASSERT_TRUE(take().ok()); });
  ASSERT_TRUE(push().ok());
  EachMayFail(take, [&] { ASSERT_TRUE(push().ok()); });
}

TEST_F(FailingAllocation, OfACallIsAnErrorAndTheNextIsAnswered) {
  RequesterOptions requester_options;
  ReplierOptions replier_options;
  requester_options.root = replier_options.root = root_.path();
  std::optional<Requester> requester;
  std::optional<Replier> replier;
  const auto open_requester = [&] { return OpenInto(requester, test::SumsSpec(), requester_options); };
  const auto open_replier = [&] { return OpenInto(replier, test::SumsSpec(), replier_options); };
  EachMayFail(open_requester, [&] { requester.reset(); });
  EachMayFail(open_replier, [&] { replier.reset(); });
  ASSERT_TRUE(open_requester().ok());
  ASSERT_TRUE(open_replier().ok());

  const auto call = [&] {
    const auto sent = test::SendNumber(*requester, 7, absl::Seconds(60));
    if (!sent.ok()) return sent.status();
    absl::Status status;
    for (;;) {
      auto request = replier->TryTake();
      status.Update(request.status());
      if (!request.ok() || !request->has_value()) break;
      status.Update(test::ReplyNumber(**request, 8));
    }
    if (status.ok()) return requester->Receive(*sent).status();
    requester->Forget(*sent);
    return status;
  };
  EachMayFail(call, [] {});
}

TEST_F(FailingAllocation, OfClosingLeavesTheRestToTheNextOpen) {
  for (std::uint64_t n = 1;; ++n) {
    ASSERT_TRUE(OpenPublisherHere().ok());
    ASSERT_TRUE(OpenSubscriberHere().ok());
    FailAllocation(n);
    CloseAll();
    if (!StopFailing()) break;
    ASSERT_TRUE(OpenPublisherHere().ok());
    CloseAll();
    ASSERT_TRUE(Files("test%2Fbytes").empty()) << "allocation " << n;
  }
}

TEST_F(FailingAllocation, OfClosingWhatASampleKeepsOpenAndOfReleasingItLeavesTheRestToTheNextOpen) {
  for (std::uint64_t n = 1;; ++n) {
    ASSERT_TRUE(OpenPublisherHere().ok());
    ASSERT_TRUE(OpenSubscriberHere().ok());
    ASSERT_TRUE(publisher_->PublishCopy("message", 7, Codec::kBytes).ok());
    std::optional<Sample> sample = *subscriber_->TryTake();
    ASSERT_TRUE(sample.has_value());
    FailAllocation(n);
    subscriber_.reset();
    sample.reset();
    publisher_.reset();
    if (!StopFailing()) break;
    ASSERT_TRUE(OpenPublisherHere().ok());
    CloseAll();
    ASSERT_TRUE(Files("test%2Fbytes").empty()) << "allocation " << n;
  }
}

}  // namespace
}  // namespace shmcomm::faults
