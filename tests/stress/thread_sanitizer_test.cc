// SPDX-License-Identifier: Apache-2.0
// That ThreadSanitizer sees races between endpoints at all: it knows addresses, so the endpoints of one process must look
// at a file through one mapping.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/atomic.h"
#include "support/test_channels.h"

#if defined(SHMCOMM_TSAN)

namespace shmcomm {
namespace {

class ThreadSanitizerDeathTest : public test::EndpointTest {};

/// Writes a message that is published, through the address that its loan had, while a subscriber reads it.
void WriteWhileItIsRead(Publisher& publisher, Subscriber& subscriber, std::size_t bytes) {
  Loan loan = *publisher.Loan();
  volatile std::uint8_t* written = *loan.Raw(bytes);
  written[0] = 1;
  if (!publisher.PublishRaw(std::move(loan), Codec::kBytes).ok()) std::abort();
  const Sample sample = *subscriber.Take(absl::InfiniteDuration());
  std::thread writer([written] { written[0] = 2; });
  static_cast<void>(*static_cast<const volatile std::uint8_t*>(sample.data()));
  writer.join();
}

TEST_F(ThreadSanitizerDeathTest, SeesARaceBetweenAPublisherAndASubscriber) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const std::size_t bytes : {std::size_t{64}, std::size_t{4} << 20}) {  // in the slots there are, and in grown ones
    const ChannelSpec spec = test::BytesSpec(bytes);
    Publisher publisher = OpenPublisher(spec);
    Subscriber subscriber = OpenSubscriber(spec);
    EXPECT_EXIT({
      WriteWhileItIsRead(publisher, subscriber, bytes);
      std::exit(0);
    }, testing::ExitedWithCode(66), "data race");
    publisher.Close();
    subscriber.Close();
  }
}

}  // namespace
}  // namespace shmcomm

#endif
