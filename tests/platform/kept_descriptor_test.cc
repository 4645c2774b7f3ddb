// SPDX-License-Identifier: Apache-2.0
#include "platform/kept_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "support/temporary_root.h"

namespace shmcomm::platform {
namespace {

bool IsOpen(int number) { return fcntl(number, F_GETFD) != -1; }

class KeptDescriptors : public testing::Test {
 protected:
  KeptDescriptors() : directory_(*OpenDirectory(root_.path())) {
    test::WriteFile(root_ / "ours", "");
    test::WriteFile(root_ / "strangers", "");
  }
  Descriptor Open(const std::string& name = "ours") const { return *OpenFileAt(directory_.get(), name, Access::kReadWrite); }
  /// From now on the number leads to another file.
  void GiveToAStranger(int number) const { ASSERT_EQ(dup2(Open("strangers").get(), number), number); }

  test::TemporaryRoot root_;
  Descriptor directory_;
};

TEST_F(KeptDescriptors, CloseTheirFile) {
  KeptDescriptor kept(Open());
  const int number = kept.get();
  ASSERT_TRUE(kept.IsStillOurs());

  kept.Close();

  EXPECT_FALSE(IsOpen(number));
  EXPECT_FALSE(kept.valid());
  EXPECT_FALSE(kept.IsStillOurs());
}

TEST_F(KeptDescriptors, CloseTheirFileWhenAnotherTakesTheirPlace) {
  KeptDescriptor kept(Open());
  const int number = kept.get();
  KeptDescriptor other(Open("strangers"));

  kept = std::move(other);

  EXPECT_FALSE(IsOpen(number));
  EXPECT_TRUE(kept.IsStillOurs());
  EXPECT_FALSE(other.valid());
}

TEST_F(KeptDescriptors, LeaveTheFileOpenThatGotTheirNumber) {
  KeptDescriptor kept(Open());
  const int number = kept.get();
  GiveToAStranger(number);
  ASSERT_FALSE(kept.IsStillOurs());

  kept = KeptDescriptor();

  EXPECT_TRUE(IsOpen(number));
  close(number);
}

TEST_F(KeptDescriptors, LeaveTheSameFileOpenWhenAnotherKeeperHasGotTheirNumber) {
  KeptDescriptor lost(Open());
  const int number = lost.get();
  close(number);
  Descriptor again = Open();
  ASSERT_EQ(again.get(), number);
  const KeptDescriptor kept(std::move(again));
  EXPECT_FALSE(lost.IsStillOurs());

  lost.Close();

  EXPECT_TRUE(kept.IsStillOurs());
  EXPECT_TRUE(IsOpen(number));
}

TEST_F(KeptDescriptors, HaveNumbersAsLargeAsTheSystemAllows) {
  constexpr int kLarge = 5000;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur <= kLarge) GTEST_SKIP() << "the system allows " << limit.rlim_cur << " descriptors";
  KeptDescriptor kept(Descriptor(dup2(Open().get(), kLarge)));
  ASSERT_EQ(kept.get(), kLarge);

  EXPECT_TRUE(kept.IsStillOurs());
  KeptDescriptor newer(Descriptor(dup2(Open().get(), kLarge)));
  EXPECT_FALSE(kept.IsStillOurs());
  kept.Close();
  EXPECT_TRUE(newer.IsStillOurs());
}

TEST_F(KeptDescriptors, AreNotOursOnceClosedByTheProgram) {
  const KeptDescriptor kept(Open());

  close(kept.get());

  EXPECT_FALSE(kept.IsStillOurs());
}

TEST_F(KeptDescriptors, NeitherReadNorWriteTheFileThatGotTheirNumber) {
  test::WriteFile(root_ / "strangers", "text");
  const KeptDescriptor kept(Open());
  GiveToAStranger(kept.get());

  Drain(kept);
  WriteByte(kept);
  WriteEvent(kept);

  EXPECT_EQ(lseek(kept.get(), 0, SEEK_CUR), 0);
  EXPECT_EQ(Identify(kept.get())->bytes, 4u);
  close(kept.get());
}

}  // namespace
}  // namespace shmcomm::platform
