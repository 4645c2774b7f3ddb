// SPDX-License-Identifier: Apache-2.0
// The format's limits can be reached, and one more is refused in words.
#include <gmock/gmock.h>

#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::NumbersSpec;
using test::Send;
using test::TakeValues;

class Limits : public test::EndpointTest {};

TEST_F(Limits, TwoHundredAndFiftyFivePublishersShareAChannel) {
  const ChannelSpec spec = NumbersSpec(255);
  Subscriber subscriber = OpenSubscriber(spec);
  std::vector<Publisher> publishers;
  for (int i = 0; i < 255; ++i) publishers.push_back(OpenPublisher(spec));

  const absl::Status one_more = Publisher::Open(spec, PublisherHere()).status();

  EXPECT_EQ(one_more.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(one_more.message(),
            "channel 'test/numbers': all 255 publisher places are taken by living processes; close one");
  for (std::uint64_t i = 0; i < 255; ++i) {
    ASSERT_TRUE(Send(publishers[i], i).ok());
    EXPECT_THAT(TakeValues(subscriber), ::testing::ElementsAre(i));
  }
}

TEST_F(Limits, AThousandAndTwentyFourSubscribersShareAChannel) {
  ChannelSpec spec = NumbersSpec(1);
  spec.qos.max_subscribers = 1024;
  Publisher publisher = OpenPublisher(spec);
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 1024; ++i) subscribers.push_back(OpenSubscriber(spec));

  const absl::Status one_more = Subscriber::Open(spec, SubscriberHere()).status();

  EXPECT_EQ(one_more.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(one_more.message(),
            "channel 'test/numbers': all 1024 subscriber places are taken by living processes; close one");
  ASSERT_TRUE(Send(publisher, 5).ok());
  for (Subscriber& subscriber : subscribers) ASSERT_THAT(TakeValues(subscriber), ::testing::ElementsAre(5));
}

TEST_F(Limits, ASoleWriterIsAlone) {
  const ChannelSpec spec = NumbersSpec(1);
  Publisher publisher = OpenPublisher(spec);

  EXPECT_EQ(Publisher::Open(spec, PublisherHere()).status().message(),
            "channel 'test/numbers': all 1 publisher places are taken by living processes; close one, or raise max_publishers "
            "where a channel file declares the channel");
  publisher.Close();
  EXPECT_TRUE(Publisher::Open(spec, PublisherHere()).ok());
}

TEST_F(Limits, ARefusedOpenLeavesNoTrace) {
  const ChannelSpec spec = NumbersSpec(1);
  Publisher publisher = OpenPublisher(spec);
  const std::set<std::string> before = Files();
  for (int i = 0; i < 20; ++i) ASSERT_FALSE(Publisher::Open(spec, PublisherHere()).ok());

  EXPECT_EQ(Files(), before);
}

TEST_F(Limits, OptionsOutsideTheFormatAreRefusedByName) {
  const auto message_for = [this](const auto& change) {
    ChannelSpec spec = NumbersSpec();
    change(spec.qos);
    return std::string(Subscriber::Open(spec, SubscriberHere()).status().message());
  };

  EXPECT_EQ(message_for([](Qos& qos) { qos.max_publishers = 256; }),
            "channel 'test/numbers': max_publishers is 256, allowed are 1 to 255");
  EXPECT_EQ(message_for([](Qos& qos) { qos.max_subscribers = 1025; }),
            "channel 'test/numbers': max_subscribers is 1025, allowed are 1 to 1024");
  EXPECT_EQ(message_for([](Qos& qos) { qos.max_borrowed = 7; }),
            "channel 'test/numbers': max_borrowed is 7, allowed are 1 to 6");
  EXPECT_EQ(message_for([](Qos& qos) { qos.capacity = 40'000; }),
            "channel 'test/numbers': capacity is 40000, allowed are 1 to 32768");
  EXPECT_EQ(message_for([](Qos& qos) { qos.max_size = 0; }),
            "channel 'test/numbers': max_size is 0, allowed are 1 to 2147483584");
  EXPECT_TRUE(root_.IsEmpty());
}

}  // namespace
}  // namespace shmcomm
