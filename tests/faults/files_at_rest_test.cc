// SPDX-License-Identifier: Apache-2.0
// What happens to files at rest: whoever opens a damaged channel is refused in words, or served.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "support/forked_child.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

/// Damages one file of a channel that somebody is attached to, then opens it.
class FilesAtRest : public test::EndpointTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string File() const { return Directory() + "/" + GetParam(); }
  /// A newcomer may be refused, but with an error that names the damage, and it must come back from every call.
  void OpenAndUse() const {
    auto subscriber = Subscriber::Open(test::NumbersSpec(), SubscriberHere());
    auto publisher = Publisher::Open(test::NumbersSpec(), PublisherHere());
    for (const absl::Status& status : {subscriber.status(), publisher.status()}) {
      ASSERT_TRUE(status.ok() || absl::IsDataLoss(status) || absl::IsFailedPrecondition(status)) << status;
    }
    if (publisher.ok()) static_cast<void>(test::Send(*publisher, 1));
    for (int i = 0; subscriber.ok() && i < 4; ++i) static_cast<void>(subscriber->TryTake());
  }
};
INSTANTIATE_TEST_SUITE_P(Of, FilesAtRest, ::testing::Values("meta", "ring", "readers", "pub.1.1"),
                         [](const auto& info) { return std::string(info.param).substr(0, std::string(info.param).find('.')); });

TEST_P(FilesAtRest, CutToAnyLengthAreRefusedAndDoNotCrash) {
  std::uintmax_t length = 0;
  for (std::uintmax_t cut = 0; cut <= length; cut += 1 + cut / 4) {
    SCOPED_TRACE("cut to " + std::to_string(cut));
    test::StayingChild attached([this](const test::StayingChild::Stay& stay) {
      const Publisher publisher = OpenPublisher(test::NumbersSpec());
      stay();
    });
    length = std::filesystem::file_size(File());
    std::filesystem::resize_file(File(), std::min(cut, length));
    OpenAndUse();
  }
}

TEST_P(FilesAtRest, WithFlippedBitsAreRefusedOrServeAndDoNotCrash) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    test::StayingChild attached([this](const test::StayingChild::Stay& stay) {
      Publisher publisher = OpenPublisher(test::NumbersSpec());
      static_cast<void>(test::Send(publisher, 1));
      stay();
    });
    std::string content = test::ReadFile(File());
    for (int flips = 0; flips < 4; ++flips) content[random() % content.size()] ^= static_cast<char>(1 << random() % 8);
    {
      std::fstream file(File(), std::ios::in | std::ios::out | std::ios::binary);
      file << content;
    }
    OpenAndUse();
  }
}

}  // namespace
}  // namespace shmcomm::faults
