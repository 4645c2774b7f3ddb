// SPDX-License-Identifier: Apache-2.0
// Endpoints that come and go, and messages without end, leave memory, descriptors, mappings and files as they were.
// SHMCOMM_SCALE multiplies how many.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "faults/scaled.h"
#include "support/resources.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

constexpr std::size_t kNoiseKilobytes = 512;   // what the allocator keeps for itself

class Leaks : public test::EndpointTest {
 protected:
  /// Nothing has grown by `count` times `cycle`, once it has settled.
  template <class Cycle>
  void ExpectFlat(std::uint64_t count, Cycle&& cycle) {
    Repeat(std::min<std::uint64_t>(count / 2, 50'000), cycle);
    const test::Resources resources = test::CountResources(root_.path());
    const std::size_t files = CountFiles();
    const std::size_t kilobytes = test::PrivateKilobytes();
    Repeat(count, cycle);
    EXPECT_EQ(test::CountResources(root_.path()), resources);
    EXPECT_EQ(CountFiles(), files);
    const std::size_t now = test::PrivateKilobytes();
#if !defined(__SANITIZE_ADDRESS__)  // which keeps what is freed
    EXPECT_LE(now, kilobytes + kNoiseKilobytes);
#endif
    std::printf("leaks %s count %llu kilobytes %zu to %zu\n", Name(), static_cast<unsigned long long>(count), kilobytes, now);
  }
  template <class Cycle>
  void Repeat(std::uint64_t count, Cycle&& cycle) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i % 4096 == 0) watchdog_.GetsOn();
      cycle();
    }
  }
  static const char* Name() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }
  std::size_t CountFiles() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
      static_cast<void>(entry);
      ++count;
    }
    return count;
  }
};

TEST_F(Leaks, NotByOpeningAndClosingAlone) {
  ExpectFlat(Scaled(1'000), [this] {
    Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
    Publisher publisher = OpenPublisher(test::NumbersSpec());
    ASSERT_TRUE(test::Send(publisher, 1).ok());
    ASSERT_EQ(test::TakeValues(subscriber), std::vector<std::uint64_t>{1});
  });
  EXPECT_EQ(CountFiles(), 0u);
}

TEST_F(Leaks, NotByOthersThatComeAndGoInAChannelThatStays) {
  Subscriber stays = OpenSubscriber(test::NumbersSpec());
  Publisher goes_on = OpenPublisher(test::NumbersSpec());

  ExpectFlat(Scaled(1'000), [&] {
    Publisher publisher = OpenPublisher(test::NumbersSpec());
    Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
    ASSERT_TRUE(test::Send(publisher, 1).ok());
    ASSERT_TRUE(test::Send(goes_on, 2).ok());
    ASSERT_EQ(test::TakeValues(stays), (std::vector<std::uint64_t>{1, 2}));
  });
}

TEST_F(Leaks, NotByMessages) {
  Publisher publisher = OpenPublisher(test::BytesSpec(64 << 10));
  Subscriber subscriber = OpenSubscriber(test::BytesSpec(64 << 10));
  SubscriberOptions copying = SubscriberHere();
  copying.verify = Verify::kUntrusted;
  auto untrusted = Subscriber::Open(test::BytesSpec(64 << 10), copying);
  ASSERT_TRUE(untrusted.ok());
  const std::vector<std::uint8_t> content(64 << 10, 7);

  std::uint64_t count = 0;
  ExpectFlat(Scaled(100'000), [&] {
    ASSERT_TRUE(publisher.PublishCopy(content.data(), ++count % 999, Codec::kBytes).ok());
    ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());
    ASSERT_TRUE(untrusted->Take(absl::ZeroDuration()).ok());
  });
}

}  // namespace
}  // namespace shmcomm::faults
