// SPDX-License-Identifier: Apache-2.0
// Something else lies where a channel expects a file of its own: a link to somebody's file, a pipe, a directory, a socket, a
// device. It is refused with a typed error, nothing waits for it, and it stays as it was. Who is attached goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>

#include "support/all_patterns.h"

namespace shmcomm::faults {
namespace {

constexpr char kContent[] = "not to be touched";

enum class Kind { kHardLink, kOthersHardLink, kSymbolicLink, kPipe, kDirectory, kSocket, kDevice };

const char* NameOf(Kind kind) {
  static constexpr const char* kNames[] = {"HardLink", "OthersHardLink", "SymbolicLink", "Pipe", "Directory", "Socket", "Device"};
  return kNames[static_cast<int>(kind)];
}

bool BindSocket(const std::string& path) {
  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const bool is_bound = bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(file);
  return is_bound;
}

class Planted : public test::AllPatternsTest {
 protected:
  /// False where this user may not.
  bool Plant(Kind kind, const std::string& path) {
    std::filesystem::remove(path);
    test::WriteFile(target_, kContent);
    switch (kind) {
      case Kind::kOthersHardLink:
        return geteuid() == 0 && chown(target_.c_str(), 65534, 65534) == 0 && link(target_.c_str(), path.c_str()) == 0;
      case Kind::kHardLink: return link(target_.c_str(), path.c_str()) == 0;
      case Kind::kSymbolicLink: return symlink(target_.c_str(), path.c_str()) == 0;
      case Kind::kPipe: return mkfifo(path.c_str(), 0600) == 0;
      case Kind::kDirectory: return std::filesystem::create_directory(path);
      case Kind::kSocket: return BindSocket(path);
      case Kind::kDevice: return mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;   // that of /dev/null
    }
    return false;
  }
  struct stat StatOf(const std::string& path) const {
    struct stat info {};
    EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  std::string Path(const std::string& file) const { return Directory() + "/" + file; }

  const std::string target_ = root_ / "target";
};

class PlantedFile : public Planted, public ::testing::WithParamInterface<std::tuple<Kind, const char*>> {
 protected:
  Kind kind() const { return std::get<0>(GetParam()); }
  std::string path() const { return Path(std::get<1>(GetParam())); }
};
INSTANTIATE_TEST_SUITE_P(
    As, PlantedFile,
    ::testing::Combine(::testing::Values(Kind::kHardLink, Kind::kOthersHardLink, Kind::kSymbolicLink, Kind::kPipe, Kind::kDirectory,
                                         Kind::kSocket, Kind::kDevice),
                       ::testing::Values("meta", "ring", "readers", "lock")),
    [](const auto& info) { return std::string(NameOf(std::get<0>(info.param))) + "InPlaceOf_" + std::get<1>(info.param); });

TEST_P(PlantedFile, IsRefusedAndLeftAlone) {
  Publisher publisher = OpenPublisher(test::NumbersSpec());
  Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
  if (!Plant(kind(), path())) GTEST_SKIP() << "this user may not make one";
  const struct stat before = StatOf(path());

  const absl::Status as_subscriber = Subscriber::Open(test::NumbersSpec(), SubscriberHere()).status();
  const absl::Status as_publisher = Publisher::Open(test::NumbersSpec(), PublisherHere()).status();

  const auto refused = kind() == Kind::kOthersHardLink ? absl::StatusCode::kPermissionDenied : absl::StatusCode::kFailedPrecondition;
  EXPECT_EQ(as_subscriber.code(), refused) << as_subscriber;
  EXPECT_EQ(as_publisher.code(), refused) << as_publisher;
  const struct stat after = StatOf(path());
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_EQ(test::ReadFile(target_), kContent);
  ASSERT_TRUE(test::Send(publisher, 7).ok());
  EXPECT_EQ(test::TakeValues(subscriber), test::Range(7, 8));
}

class PlantedMessages : public Planted, public ::testing::WithParamInterface<Kind> {};
INSTANTIATE_TEST_SUITE_P(As, PlantedMessages,
                         ::testing::Values(Kind::kHardLink, Kind::kOthersHardLink, Kind::kSymbolicLink, Kind::kPipe, Kind::kDirectory,
                                           Kind::kSocket, Kind::kDevice),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(PlantedMessages, AreNotTaken) {
  Publisher publisher = OpenPublisher(test::NumbersSpec());
  Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
  if (!Plant(GetParam(), Path("pub.1.1"))) GTEST_SKIP() << "this user may not make one";
  ASSERT_TRUE(test::Send(publisher, 7).ok());

  const auto taken = subscriber.TryTake();   // which is when the file is opened

  EXPECT_TRUE(!taken.ok() || !taken->has_value());
  EXPECT_NE(taken.status().code(), absl::StatusCode::kInternal) << taken.status();
  EXPECT_EQ(test::ReadFile(target_), kContent);
}

TEST_P(PlantedMessages, DoNotKeepAPublisherFromItsPlace) {
  const Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
  if (!Plant(GetParam(), Path("pub.1.1"))) GTEST_SKIP() << "this user may not make one";

  const absl::Status opened = Publisher::Open(test::NumbersSpec(), PublisherHere()).status();

  // The name is the channel's own; only what a directory holds could be somebody's.
  EXPECT_EQ(opened.code(), GetParam() == Kind::kDirectory ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kOk) << opened;
  EXPECT_EQ(test::ReadFile(target_), kContent);
}

/// A pipe in a sleeper's place gets bytes when a message comes: it must be the sleeper's own.
class PlantedWakeFile : public PlantedMessages {};
INSTANTIATE_TEST_SUITE_P(As, PlantedWakeFile,
                         ::testing::Values(Kind::kHardLink, Kind::kOthersHardLink, Kind::kSymbolicLink, Kind::kDirectory, Kind::kSocket,
                                           Kind::kDevice),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(PlantedWakeFile, IsNotWrittenTo) {
  Publisher publisher = OpenPublisher(test::NumbersSpec());
  Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
  ASSERT_TRUE(subscriber.fd().ok());
  ASSERT_TRUE(std::filesystem::exists(Path("wake.0")));
  if (!Plant(GetParam(), Path("wake.0"))) GTEST_SKIP() << "this user may not make one";

  EXPECT_TRUE(test::Send(publisher, 7).ok());

  EXPECT_EQ(test::ReadFile(target_), kContent);
  EXPECT_EQ(test::TakeValues(subscriber), test::Range(7, 8));
}

TEST_F(Planted, PipeOfAnotherNameGetsNoBytesThroughAWakeFile) {
  Publisher publisher = OpenPublisher(test::NumbersSpec());
  Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
  ASSERT_TRUE(subscriber.fd().ok());
  ASSERT_EQ(mkfifo(target_.c_str(), 0600), 0);
  const int pipe = open(target_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  std::filesystem::remove(Path("wake.0"));
  ASSERT_EQ(link(target_.c_str(), Path("wake.0").c_str()), 0);

  EXPECT_TRUE(test::Send(publisher, 7).ok());

  char byte;
  EXPECT_EQ(read(pipe, &byte, 1), -1);
  close(pipe);
}

class PlantedDirectory : public Planted, public ::testing::WithParamInterface<std::tuple<Kind, const char*>> {};
INSTANTIATE_TEST_SUITE_P(
    As, PlantedDirectory,
    ::testing::Combine(::testing::Values(Kind::kHardLink, Kind::kSymbolicLink, Kind::kPipe, Kind::kSocket, Kind::kDevice),
                       ::testing::Values("default", "default/test%2Fnumbers")),
    [](const auto& info) {
      return std::string(NameOf(std::get<0>(info.param))) + (std::strlen(std::get<1>(info.param)) < 8 ? "AsDomain" : "AsChannel");
    });

TEST_P(PlantedDirectory, IsRefusedAndLeftAlone) {
  const std::string path = root_ / std::get<1>(GetParam());
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  if (!Plant(std::get<0>(GetParam()), path)) GTEST_SKIP() << "this user may not make one";
  const struct stat before = StatOf(path);

  const absl::Status opened = Publisher::Open(test::NumbersSpec(), PublisherHere()).status();

  EXPECT_EQ(opened.code(), absl::StatusCode::kFailedPrecondition) << opened;
  EXPECT_EQ(StatOf(path).st_ino, before.st_ino);
  EXPECT_EQ(test::ReadFile(target_), kContent);
}

class PlantedReplies : public Planted, public ::testing::WithParamInterface<Kind> {};
INSTANTIATE_TEST_SUITE_P(As, PlantedReplies,
                         ::testing::Values(Kind::kHardLink, Kind::kOthersHardLink, Kind::kSymbolicLink, Kind::kPipe, Kind::kDirectory,
                                           Kind::kSocket, Kind::kDevice),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(PlantedReplies, FailTheCallAndAreLeftAlone) {
  Requester requester = OpenRequester(test::SumsSpec());
  Replier replier = OpenReplier(test::SumsSpec());
  if (!Plant(GetParam(), Directory("test%2Fsums") + "/reply.1.1/ring")) GTEST_SKIP() << "this user may not make one";
  const auto call = test::SendNumber(requester, 1, kLong);
  ASSERT_TRUE(call.ok()) << call.status();
  auto request = replier.Take(kLong);
  ASSERT_TRUE(request.ok()) << request.status();

  const absl::Status answered = test::ReplyNumber(*request, 5);

  EXPECT_TRUE(absl::IsFailedPrecondition(answered) || absl::IsPermissionDenied(answered)) << answered;
  EXPECT_TRUE(absl::IsUnavailable(requester.Receive(*call).status()));
  EXPECT_EQ(test::ReadFile(target_), kContent);
}

}  // namespace
}  // namespace shmcomm::faults
