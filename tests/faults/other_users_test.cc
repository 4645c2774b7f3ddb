// SPDX-License-Identifier: Apache-2.0
// Who may open what: other users, links, and files that somebody planted. Needs the right to become another user.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "support/forked_child.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

constexpr uid_t kStranger = 65534;

class OtherUsers : public test::EndpointTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  }
  /// The code of an open by another user, as that user sees it.
  absl::StatusCode OpenByStranger() const {
    return static_cast<absl::StatusCode>(test::ExitStatusOf([this] {
      if (setgid(kStranger) != 0 || setuid(kStranger) != 0) return 99;
      return static_cast<int>(Subscriber::Open(test::NumbersSpec(), SubscriberHere()).status().code());
    }));
  }
  absl::StatusCode Open() const { return Subscriber::Open(test::NumbersSpec(), SubscriberHere()).status().code(); }
};

TEST_F(OtherUsers, DoNotGetIntoAChannel) {
  const Publisher publisher = OpenPublisher(test::NumbersSpec());

  EXPECT_EQ(OpenByStranger(), absl::StatusCode::kPermissionDenied);
}

TEST_F(OtherUsers, DoNotGetIntoAChannelWhoseRootIsOpenToAll) {
  chmod(root_.path().c_str(), 0777);
  const Publisher publisher = OpenPublisher(test::NumbersSpec());

  EXPECT_EQ(OpenByStranger(), absl::StatusCode::kPermissionDenied);
}

TEST_F(OtherUsers, SeeFilesThatAreTheOwnersAloneWhateverTheUmask) {
  const mode_t before = umask(0);
  const Publisher publisher = OpenPublisher(test::NumbersSpec());
  umask(before);

  for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms(0077), std::filesystem::perms::none) << entry.path();
  }
}

TEST_F(OtherUsers, CannotPlantAChannelForUs) {
  std::filesystem::create_directories(Directory());
  ASSERT_EQ(chown(Directory().c_str(), kStranger, kStranger), 0);
  // Root is the stranger here: what belongs to a third user is refused to everybody but that user.
  const absl::StatusCode code = static_cast<absl::StatusCode>(test::ExitStatusOf([this] {
    chmod(root_.path().c_str(), 0777);
    chmod((root_ / "default").c_str(), 0777);
    if (setuid(kStranger - 1) != 0) return 99;
    return static_cast<int>(Subscriber::Open(test::NumbersSpec(), SubscriberHere()).status().code());
  }));

  EXPECT_EQ(code, absl::StatusCode::kPermissionDenied);
}

TEST_F(OtherUsers, CannotLeadUsElsewhereByALink) {
  const std::string elsewhere = root_ / "elsewhere";
  std::filesystem::create_directory(elsewhere);
  std::filesystem::create_directory(root_ / "default");
  std::filesystem::create_directory_symlink(elsewhere, Directory());

  EXPECT_EQ(Open(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere));
}

TEST_F(OtherUsers, CannotPutALinkInTheFilesPlace) {
  const Publisher publisher = OpenPublisher(test::NumbersSpec());
  const std::string target = root_ / "target";
  test::WriteFile(target, "not to be touched");
  std::filesystem::remove(Directory() + "/readers");
  std::filesystem::create_symlink(target, Directory() + "/readers");

  EXPECT_NE(Open(), absl::StatusCode::kOk);
  EXPECT_EQ(test::ReadFile(target), "not to be touched");
}

}  // namespace
}  // namespace shmcomm::faults
