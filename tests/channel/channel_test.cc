// SPDX-License-Identifier: Apache-2.0
#include "channel/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include "registry/seats.h"
#include "support/forked_child.h"
#include "support/small_tmpfs.h"
#include "support/temporary_root.h"

namespace shmcomm::channel {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ChannelSpec Spec() {
  ChannelSpec spec;
  spec.name = "robot/imu";
  spec.message.name = "robot.Imu";
  spec.message.fingerprint = 0x5F0C;
  return spec;
}

class OpenedChannel : public testing::Test {
 protected:
  OpenedChannel() { options_.root = root_.path(); }
  absl::StatusOr<Channel> Open(Role role = Role::kWriter, const ChannelSpec& spec = Spec()) const {
    return Channel::Open(spec, options_, role);
  }
  std::string Path(const std::string& file) const { return root_ / ("default/robot%2Fimu/" + file); }
  void Overwrite(const std::string& file, std::size_t offset, const std::string& bytes) const {
    std::fstream stream(Path(file), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream << bytes;
  }

  test::TemporaryRoot root_;
  EndpointOptions options_;
};

TEST_F(OpenedChannel, HasItsFourFiles) {
  const auto channel = Open();

  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(std::filesystem::file_size(Path("ring")), layout::RingFileBytes(16));
  EXPECT_EQ(std::filesystem::file_size(Path("readers")), layout::ReadersFileBytes(16, 0));
  EXPECT_EQ(std::filesystem::file_size(Path("lock")), 0u);
  EXPECT_EQ(std::filesystem::file_size(Path("meta")), sizeof(layout::MetaHeader) + 9);
  EXPECT_EQ(channel->name(), "robot/imu");
  EXPECT_EQ(channel->site().ring.size, 16u);
  EXPECT_EQ(channel->site().readers.count, 16u);
}

TEST_F(OpenedChannel, IsSharedByWriterAndReader) {
  const auto writer = Open(Role::kWriter);
  const auto reader = Open(Role::kReader);
  ASSERT_TRUE(writer.ok() && reader.ok());

  writer->site().ring.head().store(7);

  EXPECT_EQ(reader->site().ring.head().load(), 7u);
  EXPECT_TRUE(writer->site().is_ring_writable);
  EXPECT_FALSE(reader->site().is_ring_writable);
}

TEST_F(OpenedChannel, GoesWithTheLastOne) {
  { const auto channel = Open(); }

  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(OpenedChannel, SurvivesAMove) {
  auto channel = Open();
  ASSERT_TRUE(channel.ok());

  const Channel moved = *std::move(channel);

  EXPECT_EQ(moved.directory(), moved.site().directory);
  EXPECT_TRUE(test::Exists(Path("meta")));
}

TEST_F(OpenedChannel, HasWhatTheQosPromises) {
  ChannelSpec spec = Spec();
  spec.qos.history = 100;
  spec.qos.reliability = Reliability::kReliable;
  spec.qos.max_subscribers = 100;

  const auto channel = Open(Role::kWriter, spec);

  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(channel->site().ring.size, 128u);
  EXPECT_EQ(channel->site().history, 100u);
  EXPECT_TRUE(channel->site().is_reliable);
  EXPECT_EQ(channel->meta().max_subscribers, 100u);
}

TEST_F(OpenedChannel, IsNotOpenedWithOptionsOutOfRange) {
  ChannelSpec spec = Spec();
  spec.qos.max_loans = 9;

  const absl::Status status = Open(Role::kWriter, spec).status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith("channel 'robot/imu': max_loans is 9"));
  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(OpenedChannel, IsNotOpenedUnderABadName) {
  options_.channel = std::string(300, 'x');

  EXPECT_EQ(Open().status().code(), StatusCode::kInvalidArgument);
}

TEST_F(OpenedChannel, RefusesAnotherTypeWhileSomebodyIsThere) {
  const auto channel = Open();
  ChannelSpec other = Spec();
  other.message.fingerprint = 1;

  EXPECT_EQ(Open(Role::kReader, other).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(OpenedChannel, TakesAnotherTypeOnceAllOfTheOthersDied) {
  test::StayingChild child([&](const auto& stay) {
    const auto channel = Open();
    if (channel.ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  child.Kill();
  ChannelSpec other = Spec();
  other.message.fingerprint = 1;
  other.qos.capacity = 64;

  const auto channel = Open(Role::kReader, other);

  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(channel->meta().fingerprint, 1u);
  EXPECT_EQ(channel->site().ring.size, 64u);
}

TEST_F(OpenedChannel, CleansUpAfterTheDead) {
  const auto first = Open();
  ASSERT_TRUE(first.ok());
  test::StayingChild child([&](const auto& stay) {
    const auto channel = Open(Role::kReader);
    const auto seat = registry::TakeReaderLine(channel->site());
    channel->site().readers.lines[seat->line].cursor.store(1);
    stay();
  });
  ASSERT_TRUE(child.is_there());
  child.Kill();

  const auto second = Open();

  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->site().readers.lines[0].cursor.load(), 0u);
}

TEST_F(OpenedChannel, RefusesFilesThatMakeNoSense) {
  const struct {
    const char* file;
    std::size_t offset;
    std::string bytes;
    StatusCode code;
  } corruptions[] = {
      {"meta", 0, "XX", StatusCode::kDataLoss},
      {"meta", 8, "\x09", StatusCode::kFailedPrecondition},
      {"meta", 20, "\x09", StatusCode::kDataLoss},
      {"ring", 0, "XX", StatusCode::kDataLoss},
      {"ring", 8, "\x09", StatusCode::kFailedPrecondition},
      {"readers", 0, "XX", StatusCode::kDataLoss},
      {"readers", 12, "\x09", StatusCode::kDataLoss},
  };
  for (const auto& corruption : corruptions) {
    const auto channel = Open();
    ASSERT_TRUE(channel.ok()) << channel.status();
    Overwrite(corruption.file, corruption.offset, corruption.bytes);

    const absl::Status status = Open().status();

    EXPECT_EQ(status.code(), corruption.code) << corruption.file << " at " << corruption.offset << ": " << status;
    EXPECT_THAT(std::string(status.message()), StartsWith("channel 'robot/imu': "));
  }
}

TEST_F(OpenedChannel, RefusesTruncatedFiles) {
  for (const char* file : {"meta", "ring", "readers"}) {
    for (const std::uintmax_t size : {0, 100}) {
      const auto channel = Open();
      ASSERT_TRUE(channel.ok()) << channel.status();
      test::WriteFile(Path("copy"), test::ReadFile(Path(file)).substr(0, size));
      std::filesystem::rename(Path("copy"), Path(file));

      EXPECT_EQ(Open().status().code(), StatusCode::kDataLoss) << file << " of " << size;
    }
  }
}

TEST_F(OpenedChannel, RefusesMissingFiles) {
  for (const char* file : {"ring", "readers"}) {
    const auto channel = Open();
    ASSERT_TRUE(channel.ok()) << channel.status();
    std::filesystem::remove(Path(file));

    const absl::Status status = Open().status();

    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string("'") + file + "' is missing"));
  }
}

TEST_F(OpenedChannel, RefusesASymbolicLinkForAFile) {
  const auto channel = Open();
  std::filesystem::rename(Path("ring"), root_ / "elsewhere");
  std::filesystem::create_symlink(root_ / "elsewhere", Path("ring"));

  EXPECT_EQ(Open().status().code(), StatusCode::kFailedPrecondition);
  std::filesystem::remove(root_ / "elsewhere");
}

TEST_F(OpenedChannel, KeepsRunningWhenItsDirectoryIsRemoved) {
  const auto before = Open();
  ASSERT_TRUE(before.ok());
  std::filesystem::remove_all(root_ / "default");

  before->site().ring.head().store(5);
  const auto after = Open();

  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(before->site().ring.head().load(), 5u);
  EXPECT_EQ(after->site().ring.head().load(), 0u);
}

TEST_F(OpenedChannel, SaysThatTheFileSystemIsFullAndHowFull) {
  const std::string said = root_ / "said";
  const int status = test::ExitStatusOf([&] {
    std::filesystem::create_directory(root_ / "small");
    if (!test::MountSmallTmpfs(root_ / "small", "16k")) return 77;
    options_.root = root_ / "small";
    ChannelSpec spec = Spec();
    spec.qos.capacity = 32768;
    const absl::Status opened = Open(Role::kWriter, spec).status();
    test::WriteFile(said, std::string(opened.message()));
    if (!std::filesystem::is_empty(root_ / "small")) return 2;
    return opened.code() == StatusCode::kResourceExhausted ? 0 : 1;
  });

  if (status == 77) GTEST_SKIP() << "a mount namespace of our own needs root";
  EXPECT_EQ(status, 0);
  EXPECT_THAT(test::ReadFile(said), HasSubstr("small is full: need 260.8 KiB"));
}

TEST_F(OpenedChannel, PassesOnWhatIsNotAboutSpace) {
  const Place place{root_.path(), "d", "c", "c", false};
  const auto directory = platform::OpenDirectory(root_.path());

  EXPECT_TRUE(ExplainSpace(absl::OkStatus(), directory->get(), place, 1).ok());
  EXPECT_EQ(ExplainSpace(absl::NotFoundError("x"), directory->get(), place, ~std::uint64_t{0}).code(), StatusCode::kNotFound);
  EXPECT_EQ(ExplainSpace(absl::ResourceExhaustedError("descriptors"), directory->get(), place, 1).message(), "descriptors");
}

TEST_F(OpenedChannel, SpeaksOfSpaceInReadableSizes) {
  const Place place{root_.path(), "d", "c", "c", true};
  const auto directory = platform::OpenDirectory(root_.path());

  const absl::Status status =
      ExplainSpace(absl::ResourceExhaustedError("x"), directory->get(), place, std::uint64_t{1} << 60);

  EXPECT_THAT(std::string(status.message()), StartsWith("/dev/shm is full: need 1099511627776.0 MiB"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--shm-size"));
}

}  // namespace
}  // namespace shmcomm::channel
