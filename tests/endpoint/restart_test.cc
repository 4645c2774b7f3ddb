// SPDX-License-Identifier: Apache-2.0
// Publishers that come back, and directories that are not ours.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "endpoint/slot_memory.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "support/start.h"
#include "support/temporary_root.h"

namespace shmcomm {
namespace {

class RestartTest : public ::testing::Test {
 protected:
  RestartTest() { setenv("SHMCOMM_ROOT", root_.path().c_str(), 1); }
  ~RestartTest() override { unsetenv("SHMCOMM_ROOT"); }

  static ChannelSpec Spec(std::uint32_t history) {
    ChannelSpec spec;
    spec.name = "camera";
    spec.qos.history = history;
    spec.qos.max_size = sizeof(std::uint64_t);
    spec.qos.max_publishers = 1;
    return spec;
  }
  static absl::Status Send(Publisher& publisher, std::uint64_t value) {
    return publisher.PublishCopy(&value, sizeof(value), Codec::kBytes);
  }

  test::TemporaryRoot root_;
};

TEST_F(RestartTest, TheOnlyPublisherOfAChannelWithHistoryComesBackWhileASubscriberStays) {
  auto subscriber = *Subscriber::Open(Spec(1));
  {
    auto first = *Publisher::Open(Spec(1));
    ASSERT_TRUE(Send(first, 1).ok());
  }

  auto second = Publisher::Open(Spec(1));

  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_TRUE(Send(*second, 2).ok());
  EXPECT_TRUE((*subscriber.TryTake()).has_value());
}

TEST_F(RestartTest, TheOnlyPublisherOfAReliableChannelWithHistoryComesBackWhileASubscriberStays) {
  ChannelSpec spec = Spec(4);
  spec.qos.reliability = Reliability::kReliable;
  auto subscriber = *Subscriber::Open(spec);
  {
    auto first = *Publisher::Open(spec);
    for (std::uint64_t value = 1; value <= 4; ++value) ASSERT_TRUE(Send(first, value).ok());
  }
  for (int i = 0; i < 4; ++i) ASSERT_TRUE((*subscriber.TryTake()).has_value());

  auto second = Publisher::Open(spec);

  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_TRUE(Send(*second, 5).ok());
  const auto fifth = *subscriber.TryTake();
  ASSERT_TRUE(fifth.has_value());
  EXPECT_EQ(fifth->lost(), 0u);
  // What went with the first is no history any more.
  auto late = *Subscriber::Open(spec);
  const auto newest = *late.TryTake();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(test::IndexOf(newest->sequence()), 4u);
  EXPECT_EQ(newest->lost(), 0u);
}

TEST_F(RestartTest, AnOpenNeverTouchesDirectoriesThatAreNoChannels) {
  std::filesystem::create_directories(root_ / "projects/thesis");
  test::WriteFile(root_ / "projects/thesis/chapter1.txt", "words");
  PublisherOptions options;
  options.domain = "projects";

  { auto publisher = *Publisher::Open(Spec(0), options); }

  EXPECT_EQ(test::ReadFile(root_ / "projects/thesis/chapter1.txt"), "words");
}

TEST_F(RestartTest, AChannelIsNotMadeInADirectoryThatHoldsOtherFiles) {
  std::filesystem::create_directories(root_ / "default/camera");
  test::WriteFile(root_ / "default/camera/holiday.jpg", "pixels");

  const auto publisher = Publisher::Open(Spec(0));

  EXPECT_EQ(publisher.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(publisher.status().message()).find("holiday.jpg"), std::string::npos);
  EXPECT_EQ(test::ReadFile(root_ / "default/camera/holiday.jpg"), "pixels");
}

TEST_F(RestartTest, ARootThatCannotBeMadeIsSaidAtOnce) {
  PublisherOptions options;
  options.root = "/proc/nonexistent/root";

  const auto publisher = Publisher::Open(Spec(0), options);

  EXPECT_EQ(publisher.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(publisher.status().message()).find("/proc/nonexistent/root"), std::string::npos);
}

TEST_F(RestartTest, TheHeaderOfAnEmptyMessageIsCommittedBeforeItIsWritten) {
  auto directory = *platform::OpenDirectory(root_.path());
  segment::DataRequest request;
  request.entries = 16;
  request.max_subscribers = 1;
  request.max_borrowed = 1;
  request.max_loans = 1;
  request.max_message_bytes = 1000;
  const segment::DataPlan plan = *segment::PlanData(request);
  auto file = *platform::CreateUnnamedFile(directory.get(), plan.file_bytes);
  auto mapping = *segment::MapFile(file, platform::Access::kReadWrite, 1);
  endpoint::SlotMemory memory(std::move(file), std::move(mapping), plan);

  ASSERT_TRUE(memory.Ensure(segment::SlotIndex{0}, 0).ok());

  struct stat info {};
  ASSERT_EQ(fstat(memory.file(), &info), 0);
  EXPECT_GT(info.st_blocks, 0);
}

}  // namespace
}  // namespace shmcomm
