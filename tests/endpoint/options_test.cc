// SPDX-License-Identifier: Apache-2.0
// An end's own options against its channel's: what may differ does, the rest is refused by name with where to change it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/all_patterns.h"

namespace shmcomm::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class OwnOption : public AllPatternsTest {
 protected:
  static void ExpectRefused(const absl::Status& opened, const std::string& why) {
    EXPECT_TRUE(absl::IsInvalidArgument(opened)) << opened;
    EXPECT_THAT(std::string(opened.message()), HasSubstr(why));
  }
  static ChannelSpec WithTwoLoans() {
    ChannelSpec spec = NumbersSpec();
    spec.qos.max_loans = 2;
    return spec;
  }
};

TEST_F(OwnOption, ForTheSizeOfAStructMayOnlyBeTheStructs) {
  PublisherOptions options = PublisherHere();
  options.max_size = sizeof(Numbers) - 1;

  ExpectRefused(Publisher::Open(NumbersSpec(), options).status(), "option max_size is 63, the channel allows 64 exactly");
}

TEST_F(OwnOption, ForLoansIsTheOneThatCounts) {
  PublisherOptions options = PublisherHere();
  options.max_loans = 1;
  auto publisher = Publisher::Open(WithTwoLoans(), options);
  ASSERT_TRUE(publisher.ok()) << publisher.status();

  const auto loan = publisher->Loan();

  ASSERT_TRUE(loan.ok()) << loan.status();
  EXPECT_THAT(std::string(publisher->Loan().status().message()), HasSubstr("you hold 1 of 1 loans"));
}

TEST_F(OwnOption, ForLoansMayOnlyBeSmaller) {
  PublisherOptions options = PublisherHere();
  options.max_loans = 3;

  ExpectRefused(Publisher::Open(WithTwoLoans(), options).status(),
                "option max_loans is 3, the channel allows 2 at most; leave it out, or change the channel at test.channel:1");
}

TEST_F(OwnOption, OfAChannelThatIsDeclaredNowhereNamesNoPlace) {
  ChannelSpec spec = WithTwoLoans();
  spec.declared_at = "";
  PublisherOptions options = PublisherHere();
  options.max_loans = 3;

  EXPECT_THAT(std::string(Publisher::Open(spec, options).status().message()), EndsWith("or change the channel"));
}

TEST_F(OwnOption, ForTheSizeNamesNoPlaceInTheErrorOfAChannelThatIsDeclaredNowhere) {
  ChannelSpec spec = BytesSpec(8);
  spec.declared_at = "";
  Publisher publisher = OpenPublisher(spec);

  EXPECT_THAT(std::string(publisher.PublishCopy("123456789", 9, Codec::kBytes).message()), EndsWith("set max_size: 1KiB"));
}

TEST_F(OwnOption, ForCheckingMayOnlyBeStricterForEveryTaker) {
  ChannelSpec jobs = JobsSpec();
  ChannelSpec sums = SumsSpec();
  jobs.qos.verify = sums.qos.verify = Verify::kUntrusted;
  PullerOptions puller = PullerHere();
  ReplierOptions replier = ReplierHere();
  puller.verify = replier.verify = Verify::kTrusted;

  ExpectRefused(Puller::Open(jobs, puller).status(), "verify may only be stricter than the channel's");
  ExpectRefused(Replier::Open(sums, replier).status(), "verify may only be stricter than the channel's");
}

TEST_F(OwnOption, ForTheSizeOfRepliesMayOnlyBeSmaller) {
  ReplierOptions options = ReplierHere();
  options.max_reply_size = 1 << 20;

  ExpectRefused(Replier::Open(SumsSpec(), options).status(), "option max_reply_size is 1048576, the channel allows");
}

TEST_F(OwnOption, ForTheLoansOfARequesterMayOnlyBeSmaller) {
  RequesterOptions options = RequesterHere();
  options.max_loans = 8;
  ChannelSpec spec = SumsSpec();
  spec.qos.max_loans = 2;

  ExpectRefused(Requester::Open(spec, options).status(), "option max_loans is 8, the channel allows 2 at most");
}

TEST_F(OwnOption, ForReliabilityMayBeWhatTheChannelHas) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.reliability = Reliability::kReliable;
  SubscriberOptions options = SubscriberHere();
  options.reliability = Reliability::kReliable;

  const auto subscriber = Subscriber::Open(spec, options);

  EXPECT_TRUE(subscriber.ok()) << subscriber.status();
}

TEST_F(OwnOption, ForPlacesIsSharedByAllOfARole) {
  ChannelSpec jobs = JobsSpec();
  ChannelSpec sums = SumsSpec();
  jobs.qos.max_subscribers = 1;
  sums.qos.max_publishers = 1;
  const Puller puller = OpenPuller(jobs);
  const Requester requester = OpenRequester(sums);

  const absl::Status refused[] = {Puller::Open(jobs, PullerHere()).status(), Requester::Open(sums, RequesterHere()).status()};

  for (const absl::Status& status : refused) {
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("places are taken by living processes"));
  }
}

TEST_F(OwnOption, OfASolePusherStillGivesEachJobToOne) {
  ChannelSpec spec = JobsSpec();
  spec.qos.max_publishers = 1;
  Pusher pusher = OpenPusher(spec);
  Puller first = OpenPuller(spec);
  Puller second = OpenPuller(spec);
  ASSERT_TRUE(PushNumber(pusher, 7, absl::ZeroDuration()).ok());

  auto job = first.TryTake();

  ASSERT_TRUE(job.ok() && job->has_value());
  EXPECT_FALSE((*second.TryTake()).has_value());
}

TEST_F(OwnOption, ThatCommitsEverythingWorksForSlotsOfManyPages) {
  ChannelSpec spec = BytesSpec(1 << 20);
  spec.qos.prefault = true;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  const std::string bytes(1 << 20, 'x');

  ASSERT_TRUE(publisher.PublishCopy(bytes.data(), bytes.size(), Codec::kBytes).ok());

  EXPECT_EQ((*subscriber.TryTake())->size(), bytes.size());
}

}  // namespace
}  // namespace shmcomm::test
