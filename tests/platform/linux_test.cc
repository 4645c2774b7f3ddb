// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "platform/os.h"
#include "support/forked_child.h"
#include "support/hand_laid.h"
#include "support/refused_calls.h"
#include "support/small_tmpfs.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm::platform {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kCannot = 77;  // exit status of a child that may not do what its test needs

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

class OnDisk : public testing::Test {
 protected:
  OnDisk() : directory_(*OpenDirectory(root_.path())) {}
  Descriptor NewFile(const std::string& name, std::uint64_t bytes = 4096) {
    absl::StatusOr<Descriptor> file = CreateUnnamedFile(directory_.get(), bytes);
    EXPECT_TRUE(file.ok() && LinkFile(file->get(), directory_.get(), name).ok());
    return *std::move(file);
  }
  Descriptor Fresh(const std::string& name) { return *OpenFileAt(directory_.get(), name, Access::kReadWrite); }

  test::TemporaryRoot root_;
  Descriptor directory_;
};

using Descriptors = OnDisk;

TEST_F(Descriptors, CloseTheirFile) {
  const int number = directory_.get();

  directory_.Reset();

  EXPECT_FALSE(directory_.valid());
  EXPECT_FALSE(IsOpen(number));
}

TEST_F(Descriptors, CloseWhatTheyHeldWhenGivenAnother) {
  Descriptor first = NewFile("first");
  const int number = first.get();
  Descriptor second = NewFile("second");
  const int kept = second.get();

  first = std::move(second);

  EXPECT_FALSE(IsOpen(number));
  EXPECT_EQ(first.get(), kept);
  EXPECT_TRUE(IsOpen(kept));
}

TEST_F(Descriptors, SurviveBeingGivenThemselves) {
  Descriptor& alias = directory_;

  directory_ = std::move(alias);

  EXPECT_TRUE(IsOpen(directory_.get()));
}

using Directories = OnDisk;

TEST_F(Directories, AreMadeForTheirOwnerAloneWhateverTheUmask) {
  const mode_t before = umask(0);
  ASSERT_TRUE(OpenOrMakeDirectoryAt(directory_.get(), "open").ok());
  umask(0777);
  const bool made = OpenOrMakeDirectoryAt(directory_.get(), "closed").ok();
  umask(before);

  EXPECT_TRUE(made);
  EXPECT_EQ(ModeOf(root_ / "open"), 0700u);
  EXPECT_EQ(ModeOf(root_ / "closed"), 0700u);
}

TEST_F(Directories, AreOpenedWhereTheyExist) {
  EXPECT_TRUE(OpenOrMakeDirectory(root_ / "here").ok());
  EXPECT_TRUE(OpenOrMakeDirectory(root_ / "here").ok());
}

TEST_F(Directories, AreNotMadeBelowWhatIsMissing) {
  EXPECT_EQ(OpenOrMakeDirectory(root_ / "no/where").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(OpenDirectory(root_ / "nowhere").status().code(), StatusCode::kNotFound);
}

TEST_F(Directories, AreNotFollowedThroughASymbolicLink) {
  std::filesystem::create_directory(root_ / "real");
  std::filesystem::create_directory_symlink(root_ / "real", root_ / "link");

  EXPECT_EQ(OpenOrMakeDirectoryAt(directory_.get(), "link").status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(Directories, OfSomebodyElseAreRefused) {
  std::filesystem::create_directory(root_ / "foreign");
  if (chown((root_ / "foreign").c_str(), 12345, 12345) != 0) GTEST_SKIP() << "only root can give a directory away";

  const absl::Status status = OpenDirectoryAt(directory_.get(), "foreign").status();

  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("belongs to user 12345"));
}

TEST_F(Directories, AreListedInOrderAndEveryTime) {
  for (const char* name : {"b", "a", ".c"}) test::WriteFile(root_ / name, "");

  EXPECT_THAT(*ListDirectory(directory_.get()), ElementsAre(".c", "a", "b"));
  EXPECT_THAT(*ListDirectory(directory_.get()), ElementsAre(".c", "a", "b"));
}

TEST_F(Directories, CannotBeListedThroughAFile) {
  const Descriptor file = NewFile("file");

  EXPECT_FALSE(ListDirectory(file.get()).ok());
}

TEST_F(Directories, StayWhenTheyAreNotEmptyAndMayBeGoneAlready) {
  std::filesystem::create_directories(root_ / "full/inner");

  EXPECT_TRUE(RemoveDirectoryAt(directory_.get(), "full").ok());
  EXPECT_TRUE(test::Exists(root_ / "full"));
  EXPECT_TRUE(RemoveDirectory(root_ / "full/inner").ok());
  EXPECT_TRUE(RemoveDirectory(root_ / "full/inner").ok());
  EXPECT_FALSE(test::Exists(root_ / "full/inner"));
}

TEST_F(Directories, AreNotRemovedWhereTheyAreFiles) {
  NewFile("file");

  EXPECT_EQ(RemoveDirectoryAt(directory_.get(), "file").code(), StatusCode::kFailedPrecondition);
}

using Files = OnDisk;

TEST_F(Files, AreMadeWithoutANameOfTheRightSizeAndOfNoMemory) {
  const mode_t before = umask(0777);
  const auto file = CreateUnnamedFile(directory_.get(), 1 << 20);
  umask(before);

  ASSERT_TRUE(file.ok());
  struct stat info {};
  fstat(file->get(), &info);
  EXPECT_EQ(info.st_size, 1 << 20);
  EXPECT_EQ(info.st_blocks, 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(Files, GetNoNameInADirectoryThatIsGone) {
  const Descriptor gone = *OpenOrMakeDirectoryAt(directory_.get(), "gone");
  const Descriptor file = *CreateUnnamedFile(directory_.get(), 1);
  ASSERT_TRUE(RemoveDirectoryAt(directory_.get(), "gone").ok());

  EXPECT_EQ(LinkFile(file.get(), gone.get(), "name").code(), StatusCode::kNotFound);
}

TEST_F(Files, AreNotMadeWhereThereIsNoDirectory) { EXPECT_FALSE(CreateUnnamedFile(-1, 1).ok()); }

TEST_F(Files, GetANameOnlyOnce) {
  NewFile("name");
  const Descriptor second = *CreateUnnamedFile(directory_.get(), 1);

  EXPECT_EQ(LinkFile(second.get(), directory_.get(), "name").code(), StatusCode::kAlreadyExists);
}

TEST_F(Files, GetANameFromExactlyOneOfManyThreads) {
  const test::Watchdog watchdog("LinkFile");
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const Descriptor file = *CreateUnnamedFile(directory_.get(), 1);
        if (LinkFile(file.get(), directory_.get(), std::to_string(round)).ok()) winners.fetch_add(1);
      });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_EQ(winners.load(), 1);
  }
}

TEST_F(Files, AreNotFollowedThroughASymbolicLink) {
  NewFile("real");
  std::filesystem::create_symlink(root_ / "real", root_ / "link");

  EXPECT_EQ(OpenFileAt(directory_.get(), "link", Access::kRead).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(Files, OfSomebodyElseAreRefused) {
  NewFile("foreign");
  if (chown((root_ / "foreign").c_str(), 12345, 12345) != 0) GTEST_SKIP() << "only root can give a file away";

  EXPECT_EQ(OpenFileAt(directory_.get(), "foreign", Access::kRead).status().code(), StatusCode::kPermissionDenied);
}

TEST_F(Files, ThatAreNoneAreRefusedWithoutWaiting) {
  const test::Watchdog watchdog("OpenFileAt");
  std::filesystem::create_directory(root_ / "directory");
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);

  EXPECT_EQ(OpenFileAt(directory_.get(), "directory", Access::kRead).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenFileAt(directory_.get(), "directory", Access::kReadWrite).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenFileAt(directory_.get(), "fifo", Access::kRead).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenFileAt(directory_.get(), "absent", Access::kRead).status().code(), StatusCode::kNotFound);
}

TEST_F(Files, MayBeGoneWhenTheyAreUnlinked) {
  NewFile("file");

  EXPECT_TRUE(UnlinkAt(directory_.get(), "file").ok());
  EXPECT_TRUE(UnlinkAt(directory_.get(), "file").ok());
  EXPECT_FALSE(UnlinkAt(-1, "file").ok());
}

TEST_F(Files, HoldAllThatIsWritten) {
  const std::string content(300'000, 'z');
  const Descriptor file = NewFile("file", 0);

  ASSERT_TRUE(WriteAll(file.get(), content.data(), content.size()).ok());

  EXPECT_EQ(test::ReadFile(root_ / "file"), content);
}

TEST_F(Files, SayWhyTheyCannotBeWritten) { EXPECT_EQ(WriteAll(-1, "x", 1).code(), StatusCode::kInternal); }

TEST_F(Files, AreIdentifiedByNameAndByDescriptorAlike) {
  const Descriptor file = NewFile("file", 100);

  const auto open = Identify(file.get());
  const auto named = IdentifyAt(directory_.get(), "file");

  ASSERT_TRUE(open.ok() && named.ok());
  EXPECT_EQ(open->inode, named->inode);
  EXPECT_EQ(open->device, named->device);
  EXPECT_EQ(open->bytes, 100u);
  EXPECT_EQ(open->links, 1u);
  EXPECT_EQ(open->owner, UserId());
}

TEST_F(Files, HaveNoIdentityWhereThereIsNone) {
  EXPECT_EQ(IdentifyAt(directory_.get(), "absent").status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(Identify(-1).ok());
}

TEST_F(Files, CommitPagesOnlyWhereAsked) {
  const Descriptor file = NewFile("file", 1 << 20);

  ASSERT_TRUE(CommitPages(file.get(), 8192, 4096).ok());

  struct stat info {};
  fstat(file.get(), &info);
  EXPECT_EQ(info.st_blocks * 512, 4096);
}

TEST_F(Files, SayThatTheFileSystemIsFullInsteadOfFaultingLater) {
  const int status = test::ExitStatusOf([&] {
    if (!test::MountSmallTmpfs(root_.path(), "64k")) return kCannot;
    const Descriptor directory = *OpenDirectory(root_.path());
    const auto file = CreateUnnamedFile(directory.get(), 1 << 20);
    if (!file.ok()) return 1;
    if (CommitPages(file->get(), 0, 1 << 20).code() != StatusCode::kResourceExhausted) return 2;
    if (!CommitPages(file->get(), 0, 4096).ok()) return 3;
    return FreeSpace(file->get()).total_bytes == 65536 && FreeSpace(file->get()).free_bytes == 61440 ? 0 : 4;
  });

  if (status == kCannot) GTEST_SKIP() << "a mount namespace of our own needs root";
  EXPECT_EQ(status, 0);
}

TEST_F(Files, TurnAFileSizeLimitIntoAnErrorNotASignal) {
  const int status = test::ExitStatusOf([&] {
    const rlimit limit{4096, 4096};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return kCannot;
    if (CreateUnnamedFile(directory_.get(), 8192).status().code() != StatusCode::kResourceExhausted) return 1;
    const auto file = CreateUnnamedFile(directory_.get(), 4096);
    if (!file.ok()) return 2;
    if (CommitPages(file->get(), 0, 8192).code() != StatusCode::kResourceExhausted) return 3;
    const std::string content(8192, 'x');
    return WriteAll(file->get(), content.data(), content.size()).code() == StatusCode::kResourceExhausted ? 0 : 4;
  });

  EXPECT_EQ(status, 0);
}

TEST_F(Files, KeepASignalOfTheCallersBlockedAsItWas) {
  sigset_t only, now;
  sigemptyset(&only);
  sigaddset(&only, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &only, nullptr);

  ASSERT_TRUE(CreateUnnamedFile(directory_.get(), 1).ok());

  pthread_sigmask(SIG_UNBLOCK, &only, &now);
  EXPECT_EQ(sigismember(&now, SIGXFSZ), 1);
  ASSERT_TRUE(CreateUnnamedFile(directory_.get(), 1).ok());
  pthread_sigmask(SIG_UNBLOCK, &only, &now);
  EXPECT_EQ(sigismember(&now, SIGXFSZ), 0);
}

TEST(FreeSpace, IsNothingWhereThereIsNoFile) { EXPECT_EQ(FreeSpace(-1).total_bytes, 0u); }

using Maps = OnDisk;

TEST_F(Maps, ShareTheFile) {
  const Descriptor file = NewFile("file");
  const auto write = Map(file.get(), 4096, Access::kReadWrite);
  const auto read = Map(file.get(), 4096, Access::kRead);
  ASSERT_TRUE(write.ok() && read.ok());

  static_cast<char*>(*write)[17] = 'm';

  EXPECT_EQ(static_cast<const char*>(*read)[17], 'm');
  Unmap(*write, 4096);
  Unmap(*read, 4096);
}

TEST_F(Maps, ArePresentOncePopulated) {
  constexpr std::size_t kBytes = 1 << 18;
  const Descriptor file = NewFile("file", kBytes);
  const auto address = Map(file.get(), kBytes, Access::kReadWrite);
  ASSERT_TRUE(address.ok());

  Populate(*address, kBytes, Access::kReadWrite);

  std::vector<unsigned char> present(kBytes / PageBytes());
  ASSERT_EQ(mincore(*address, kBytes, present.data()), 0);
  EXPECT_THAT(present, testing::Each(testing::Truly([](unsigned char p) { return (p & 1) != 0; })));
  Unmap(*address, kBytes);
}

TEST_F(Maps, SayWhyTheyCannotBeMade) { EXPECT_EQ(Map(-1, 4096, Access::kRead).status().code(), StatusCode::kInternal); }

using ByteLocks = OnDisk;

TEST_F(ByteLocks, ConflictBetweenFreshDescriptionsOfOneProcess) {
  NewFile("lock", 0);
  const Descriptor mine = Fresh("lock"), yours = Fresh("lock");

  EXPECT_TRUE(*TryLockByte(mine.get(), 1023));
  EXPECT_FALSE(*TryLockByte(yours.get(), 1023));
  EXPECT_TRUE(*TryLockByte(yours.get(), 1022));
}

TEST_F(ByteLocks, SucceedAgainstThemselvesWhichIsWhyProbesOpenAfresh) {
  NewFile("lock", 0);
  const Descriptor mine = Fresh("lock");
  ASSERT_TRUE(*TryLockByte(mine.get(), 3));

  EXPECT_TRUE(*TryLockByte(mine.get(), 3));
  EXPECT_FALSE(*IsByteLocked(mine.get(), 3));
}

TEST_F(ByteLocks, AreSeenByAProbeThatTakesNothing) {
  NewFile("lock", 0);
  const Descriptor mine = Fresh("lock"), yours = Fresh("lock");
  ASSERT_TRUE(*TryLockByte(mine.get(), 3));

  EXPECT_TRUE(*IsByteLocked(yours.get(), 3));
  EXPECT_FALSE(*IsByteLocked(yours.get(), 4));
  EXPECT_TRUE(*TryLockByte(mine.get(), 4));
}

TEST_F(ByteLocks, AreFreeAfterUnlockAndAfterClose) {
  NewFile("lock", 0);
  Descriptor mine = Fresh("lock");
  const Descriptor yours = Fresh("lock");
  ASSERT_TRUE(*TryLockByte(mine.get(), 1) && *TryLockByte(mine.get(), 2));

  UnlockByte(mine.get(), 1);
  EXPECT_TRUE(*TryLockByte(yours.get(), 1));
  EXPECT_FALSE(*TryLockByte(yours.get(), 2));
  mine.Reset();
  EXPECT_TRUE(*TryLockByte(yours.get(), 2));
}

TEST_F(ByteLocks, AreFreedByTheDeathOfTheirProcess) {
  NewFile("lock", 0);
  test::StayingChild child([&](const auto& stay) {
    const Descriptor lock = Fresh("lock");
    if (*TryLockByte(lock.get(), 7)) stay();
  });
  ASSERT_TRUE(child.is_there());
  const Descriptor mine = Fresh("lock");
  const bool while_alive = *TryLockByte(mine.get(), 7);

  child.Kill();

  EXPECT_FALSE(while_alive);
  EXPECT_TRUE(*TryLockByte(mine.get(), 7));
}

TEST_F(ByteLocks, SayWhyTheyCannotBeTaken) {
  EXPECT_EQ(TryLockByte(-1, 0).status().code(), StatusCode::kInternal);
  EXPECT_EQ(IsByteLocked(-1, 0).status().code(), StatusCode::kInternal);
}

using DirectoryLocks = OnDisk;

TEST_F(DirectoryLocks, AreSharedByManyOrExclusiveToOne) {
  Descriptor one = *OpenDirectory(root_.path());
  const Descriptor two = *OpenDirectory(root_.path());

  EXPECT_TRUE(*TryLockDirectory(one.get(), Sharing::kShared));
  EXPECT_TRUE(*TryLockDirectory(two.get(), Sharing::kShared));
  EXPECT_FALSE(*TryLockDirectory(two.get(), Sharing::kExclusive));
  one = *OpenDirectory(root_.path());
  EXPECT_TRUE(*TryLockDirectory(two.get(), Sharing::kExclusive));
  EXPECT_FALSE(*TryLockDirectory(one.get(), Sharing::kShared));
}

TEST(DirectoryLock, SaysWhyItCannotBeTaken) { EXPECT_FALSE(TryLockDirectory(-1, Sharing::kShared).ok()); }

class Futexes : public testing::Test {
 protected:
  base::Atomic<std::uint32_t>& word() { return laid_.readers().wake->bell; }
  test::HandLaid laid_;
  test::Watchdog watchdog_{"Futexes"};
};

TEST_F(Futexes, DoNotSleepWhenTheWordHasChanged) {
  EXPECT_EQ(FutexWait(word(), 1, 60'000'000'000), WaitResult::kWoken);
}

TEST_F(Futexes, TimeOut) {
  EXPECT_EQ(FutexWait(word(), 0, 1), WaitResult::kTimedOut);
  EXPECT_EQ(FutexWait(word(), 0, 0), WaitResult::kTimedOut);
  EXPECT_EQ(FutexWait(word(), 0, -1), WaitResult::kTimedOut);
}

TEST_F(Futexes, WakeAllSleepers) {
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) {
    sleepers.emplace_back([&] {
      while (word().load() == 0) FutexWait(word(), 0, 60'000'000'000);
    });
  }

  word().store(1);
  FutexWakeAll(word());

  for (std::thread& sleeper : sleepers) sleeper.join();
}

TEST_F(Futexes, WakeASleeperOfAnotherProcess) {
  base::Atomic<std::uint32_t>& woken = laid_.line(0).bell;
  test::StayingChild child([&](const auto& stay) {
    if (fork() != 0) stay();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (word().load() == 0) FutexWait(word(), 0, 60'000'000'000);
    woken.store(1);
    FutexWakeOne(woken);
    _exit(0);
  });
  ASSERT_TRUE(child.is_there());

  word().store(1);
  FutexWakeOne(word());
  while (woken.load() == 0) FutexWait(woken, 0, 60'000'000'000);

  EXPECT_EQ(woken.load(), 1u);
}

TEST_F(Futexes, SleepOnReadOnlyMemory) {
  const test::TemporaryRoot root;
  const Descriptor directory = *OpenDirectory(root.path());
  const Descriptor file = *CreateUnnamedFile(directory.get(), 4096);
  const auto write = Map(file.get(), 4096, Access::kReadWrite);
  const auto read = Map(file.get(), 4096, Access::kRead);
  ASSERT_TRUE(write.ok() && read.ok());
  auto& writable = *static_cast<base::Atomic<std::uint32_t>*>(*write);
  const auto& readable = *static_cast<const base::Atomic<std::uint32_t>*>(*read);

  std::thread sleeper([&] {
    while (readable.load() == 0) FutexWait(readable, 0, 60'000'000'000);
  });
  writable.store(1);
  FutexWakeAll(writable);
  sleeper.join();

  EXPECT_EQ(FutexWait(readable, 1, 1), WaitResult::kTimedOut);  // it really is a futex, not a fault
  Unmap(*write, 4096);
  Unmap(*read, 4096);
}

TEST(Barrier, SaysSoWhereTheSystemRefuses) {
  const int status = test::ExitStatusOf([] {
    if (!test::RefuseMembarrier()) return kCannot;
    return RegisterForBarrier() || BarrierAll() ? 1 : 0;
  });

  if (status == kCannot) GTEST_SKIP() << "system calls cannot be filtered here";
  EXPECT_EQ(status, 0);
}

TEST(Process, KnowsItselfAndItsUser) {
  EXPECT_EQ(ProcessId(), static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(UserId(), geteuid());
  EXPECT_EQ(ProgramName(), program_invocation_short_name);
  Yield();
}

TEST(Process, IsCalledAsItWishes) {
  SetProgramName("viewer.py");
  EXPECT_EQ(ProgramName(), "viewer.py");

  SetProgramName("");

  EXPECT_EQ(ProgramName(), program_invocation_short_name);
}

TEST(Environment, IsEmptyWhereUnset) {
  setenv("SHMCOMM_TEST_VARIABLE", "value", 1);
  EXPECT_EQ(Environment("SHMCOMM_TEST_VARIABLE"), "value");

  unsetenv("SHMCOMM_TEST_VARIABLE");
  EXPECT_EQ(Environment("SHMCOMM_TEST_VARIABLE"), "");
}

using Forks = OnDisk;

TEST_F(Forks, AreCountedOnceSomebodyAskedForThem) {
  const Descriptor file = NewFile("file");
  const std::uint64_t entry = CloseInForkedChild(file.get());
  const std::uint32_t here = ForkGeneration();

  const int status = test::ExitStatusOf([&] { return ForkGeneration() == here + 1 ? 0 : 1; });

  EXPECT_EQ(status, 0);
  EXPECT_EQ(ForkGeneration(), here);
  ForgetForkedChild(entry);
}

TEST_F(Forks, CloseInTheChildOnlyWhatWasAskedFor) {
  const Descriptor closed = NewFile("closed"), forgotten = NewFile("forgotten");
  const std::uint64_t entry = CloseInForkedChild(closed.get());
  ForgetForkedChild(CloseInForkedChild(forgotten.get()));

  const int status = test::ExitStatusOf([&] { return !IsOpen(closed.get()) && IsOpen(forgotten.get()) ? 0 : 1; });

  EXPECT_EQ(status, 0);
  EXPECT_TRUE(IsOpen(closed.get()));
  ForgetForkedChild(entry);
}

TEST_F(Forks, LeaveAFileOpenInTheChildThatHasGotTheNumberSince) {
  const Descriptor closed = NewFile("closed"), strangers = NewFile("strangers");
  const std::uint64_t entry = CloseInForkedChild(closed.get());
  ASSERT_EQ(dup2(strangers.get(), closed.get()), closed.get());

  const int status = test::ExitStatusOf([&] { return IsOpen(closed.get()) ? 0 : 1; });

  EXPECT_EQ(status, 0);
  ForgetForkedChild(entry);
}

TEST_F(Forks, ForgetOnlyWhatWasAskedForUnderTheSameNumber) {
  const Descriptor file = NewFile("file");
  const std::uint64_t stale = CloseInForkedChild(file.get()), entry = CloseInForkedChild(file.get());

  ForgetForkedChild(stale);
  const int status = test::ExitStatusOf([&] { return IsOpen(file.get()) ? 1 : 0; });

  EXPECT_EQ(status, 0);
  ForgetForkedChild(entry);
}

}  // namespace
}  // namespace shmcomm::platform
