// SPDX-License-Identifier: Apache-2.0
#include "platform/lock_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

#include "support/forked_child.h"
#include "support/temporary_root.h"

namespace shmcomm::platform {
namespace {

class Locks : public testing::Test {
 protected:
  Locks() : directory_(*OpenDirectory(root_.path())) {
    test::WriteFile(root_ / "lock", "");
    test::WriteFile(root_ / "other", "");
  }
  Descriptor Fresh(const std::string& name = "lock") {
    return *OpenFileAt(directory_.get(), name, Access::kReadWrite);
  }
  bool IsLocked() { return *IsByteLocked(Fresh().get(), 5); }

  test::TemporaryRoot root_;
  Descriptor directory_;
};

TEST_F(Locks, FallWithTheirDescriptor) {
  {
    const LockDescriptor lock(Fresh());
    ASSERT_TRUE(*TryLockByte(lock.get(), 5));
    EXPECT_TRUE(IsLocked());
  }

  EXPECT_FALSE(IsLocked());
}

TEST_F(Locks, MoveWithTheirDescriptor) {
  LockDescriptor lock(Fresh());
  ASSERT_TRUE(*TryLockByte(lock.get(), 5));

  LockDescriptor moved(std::move(lock));

  EXPECT_TRUE(moved.IsStillOurs());
  EXPECT_TRUE(IsLocked());
  moved.Close();
  EXPECT_FALSE(moved.valid());
  EXPECT_FALSE(IsLocked());
}

TEST_F(Locks, FallWhenAnotherDescriptorTakesTheirPlace) {
  LockDescriptor lock(Fresh());
  ASSERT_TRUE(*TryLockByte(lock.get(), 5));
  LockDescriptor other(Fresh("other"));

  lock = std::move(other);

  EXPECT_FALSE(IsLocked());
  EXPECT_TRUE(lock.IsStillOurs());
}

TEST_F(Locks, DoNotLiveOnInAForkedChild) {
  LockDescriptor lock(Fresh());
  ASSERT_TRUE(*TryLockByte(lock.get(), 5));
  test::StayingChild child([&](const auto& stay) {
    if (!lock.IsThisProcess() && !lock.IsStillOurs() && fcntl(lock.get(), F_GETFD) == -1) stay();
  });
  ASSERT_TRUE(child.is_there());

  lock.Close();

  EXPECT_FALSE(IsLocked());
}

TEST_F(Locks, OfTheParentSurviveTheChildsClosing) {
  LockDescriptor lock(Fresh());
  ASSERT_TRUE(*TryLockByte(lock.get(), 5));

  test::ExitStatusOf([&] {
    lock.Close();
    return 0;
  });

  EXPECT_TRUE(IsLocked());
  EXPECT_TRUE(lock.IsStillOurs());
}

TEST_F(Locks, AreNotBelievedAfterSomebodyClosedTheirNumber) {
  const LockDescriptor lock(Fresh());

  close(lock.get());

  EXPECT_TRUE(lock.IsThisProcess());
  EXPECT_FALSE(lock.IsStillOurs());
}

TEST_F(Locks, LeaveTheFileAloneThatGotTheirNumber) {
  const Descriptor stranger = Fresh("other");
  int number;
  {
    const LockDescriptor lock(Fresh());
    number = lock.get();
    ASSERT_EQ(dup2(stranger.get(), number), number);
  }

  EXPECT_NE(fcntl(number, F_GETFD), -1);
  close(number);
}

TEST_F(Locks, LeaveAStrangersNumberAloneInTheChildToo) {
  const Descriptor stranger = Fresh("other");
  LockDescriptor lock(Fresh());

  const int status = test::ExitStatusOf([&] {
    const int number = lock.get();
    if (dup2(stranger.get(), number) != number) return 1;
    lock.Close();
    return fcntl(number, F_GETFD) != -1 ? 0 : 2;
  });

  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace shmcomm::platform
