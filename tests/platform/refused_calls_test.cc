// SPDX-License-Identifier: Apache-2.0
// What a system call that fails becomes: an error of the right code that names its object, or nothing done.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "platform/os.h"
#include "support/forked_child.h"
#include "support/refused_calls.h"
#include "support/temporary_root.h"

namespace shmcomm::platform {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

constexpr int kCannot = 77;  // exit status of a child that may not do what its test needs

struct Error {
  int number;
  StatusCode code;
};

/// The code of what `call` says in a process in which the system call `refused` fails; an exit status cannot hold more.
StatusCode CodeWhereRefused(std::uint32_t refused, int error, const std::function<absl::Status()>& call) {
  return static_cast<StatusCode>(test::ExitStatusOf([&] {
    if (!test::RefuseCall(refused, error)) return kCannot;
    const absl::Status status = call();
    return absl::StrContains(status.message(), std::strerror(error)) ? static_cast<int>(status.code()) : -1;
  }));
}

bool CanRefuse() {
  return test::ExitStatusOf([] { return test::RefuseCall(SYS_sync) ? 0 : kCannot; }) == 0;
}

class Refused : public testing::Test {
 protected:
  void SetUp() override {
    if (!CanRefuse()) GTEST_SKIP() << "system calls cannot be filtered here";
  }
  int InChild(const std::function<bool()>& body) {
    return test::ExitStatusOf([&] { return body() ? 0 : 1; });
  }

  test::TemporaryRoot root_;
  Descriptor directory_{*OpenDirectory(root_.path())};
};

TEST_F(Refused, CallsOnFilesSayWhatRanOutOrIsForbidden) {
  const std::vector<Error> errors = {
      {EACCES, StatusCode::kPermissionDenied},     {EPERM, StatusCode::kPermissionDenied},
      {EROFS, StatusCode::kPermissionDenied},      {ENOENT, StatusCode::kNotFound},
      {EEXIST, StatusCode::kAlreadyExists},        {ENOSPC, StatusCode::kResourceExhausted},
      {EDQUOT, StatusCode::kResourceExhausted},    {ENOMEM, StatusCode::kResourceExhausted},
      {EMFILE, StatusCode::kResourceExhausted},    {ENFILE, StatusCode::kResourceExhausted},
      {EFBIG, StatusCode::kResourceExhausted},     {ENOLCK, StatusCode::kResourceExhausted},
      {EAGAIN, StatusCode::kResourceExhausted},    {ELOOP, StatusCode::kFailedPrecondition},
      {ENOTDIR, StatusCode::kFailedPrecondition},  {EISDIR, StatusCode::kFailedPrecondition},
      {ENAMETOOLONG, StatusCode::kFailedPrecondition}, {EOPNOTSUPP, StatusCode::kFailedPrecondition},
      {EIO, StatusCode::kInternal},
  };
  for (const Error& error : errors) {
    EXPECT_EQ(CodeWhereRefused(SYS_linkat, error.number, [&] { return LinkFile(0, directory_.get(), "name"); }), error.code)
        << std::strerror(error.number);
  }
}

TEST_F(Refused, CallsOnDescriptorsSayWhatRanOutOrIsForbidden) {
  const std::vector<Error> errors = {
      {EEXIST, StatusCode::kAlreadyExists},     {ENOENT, StatusCode::kNotFound},
      {EACCES, StatusCode::kPermissionDenied},  {EPERM, StatusCode::kPermissionDenied},
      {EMFILE, StatusCode::kResourceExhausted}, {ENFILE, StatusCode::kResourceExhausted},
      {ENOMEM, StatusCode::kResourceExhausted}, {ENOSPC, StatusCode::kResourceExhausted},
      {EIO, StatusCode::kInternal},
  };
  for (const Error& error : errors) {
    EXPECT_EQ(CodeWhereRefused(SYS_mknodat, error.number, [&] { return MakeFifoAt(directory_.get(), "fifo"); }), error.code)
        << std::strerror(error.number);
  }
}

TEST_F(Refused, DescriptorsAreErrors) {
  EXPECT_EQ(CodeWhereRefused(SYS_eventfd2, EMFILE, [] { return MakeEvent().status(); }), StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeWhereRefused(SYS_timerfd_create, EMFILE, [] { return MakeTimer().status(); }), StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeWhereRefused(SYS_epoll_create1, EMFILE, [] { return MakePoll().status(); }), StatusCode::kResourceExhausted);
}

TEST_F(Refused, LooksAtAnOpenFileAreErrors) {
  ASSERT_TRUE(MakeFifoAt(directory_.get(), "fifo").ok());

  EXPECT_EQ(InChild([&] {
              if (!test::RefuseFstat(EIO)) return false;
              return OpenDirectory(root_.path()).status().code() == StatusCode::kInternal &&
                     OpenFifoAt(directory_.get(), "fifo").status().code() == StatusCode::kInternal &&
                     ListDirectory(directory_.get()).status().code() == StatusCode::kInternal &&
                     Identify(directory_.get()).status().code() == StatusCode::kInternal;
            }),
            0);
}

TEST_F(Refused, ModesOfNewFilesAreErrors) {
  EXPECT_EQ(CodeWhereRefused(SYS_fchmod, EPERM, [&] { return CreateUnnamedFile(directory_.get(), 1).status(); }),
            StatusCode::kPermissionDenied);
}

TEST_F(Refused, SizesOfNewFilesAreErrors) {
  EXPECT_EQ(CodeWhereRefused(SYS_ftruncate, EFBIG, [&] { return CreateUnnamedFile(directory_.get(), 1).status(); }),
            StatusCode::kResourceExhausted);
}

TEST_F(Refused, RemovalsAreErrorsUnlessThereWasNothingToRemoveOrMoreThanThat) {
  const auto remove = [&] { return RemoveDirectoryAt(directory_.get(), "folder"); };
  EXPECT_EQ(CodeWhereRefused(SYS_unlinkat, EROFS, remove), StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeWhereRefused(SYS_unlinkat, EROFS, [&] { return UnlinkAt(directory_.get(), "file"); }),
            StatusCode::kPermissionDenied);

  for (const int error : {ENOENT, ENOTEMPTY, EEXIST}) {
    EXPECT_EQ(InChild([&] { return test::RefuseCall(SYS_unlinkat, error) && remove().ok(); }), 0) << std::strerror(error);
  }
}

TEST_F(Refused, LocksAreErrorsUnlessAnotherHasThem) {
  const auto lock = [&] { return TryLockByte(directory_.get(), 1); };
  EXPECT_EQ(CodeWhereRefused(SYS_fcntl, ENOLCK, [&] { return lock().status(); }), StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeWhereRefused(SYS_flock, ENOLCK, [&] { return TryLockDirectory(directory_.get(), Sharing::kShared).status(); }),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeWhereRefused(SYS_fcntl, ENOLCK, [&] { return IsByteLocked(directory_.get(), 1).status(); }),
            StatusCode::kResourceExhausted);

  for (const int error : {EAGAIN, EACCES}) {
    EXPECT_EQ(InChild([&] { return test::RefuseCall(SYS_fcntl, error) && lock().ok() && !*lock(); }), 0);
  }
}

TEST_F(Refused, SleepOnManyWordsIsToldWhereTheSystemHasNoneOrForbidsIt) {
#if defined(SYS_futex_waitv)
  base::Atomic<std::uint32_t> word{0};
  const FutexTerm term{&word, 0};
  for (const int error : {ENOSYS, EPERM}) {
    EXPECT_EQ(InChild([&] { return test::RefuseCall(SYS_futex_waitv, error) && !FutexWaitMany(&term, 1, 1'000'000); }), 0);
  }
  EXPECT_EQ(InChild([&] { return test::RefuseCall(SYS_futex_waitv, EINTR) && FutexWaitMany(&term, 1, 1'000'000); }), 0);
#endif
}

using Watchables = Refused;

TEST_F(Watchables, SleepOnManyWordsNoLongerThanAskedFor) {
  base::Atomic<std::uint32_t> word{0};
  const FutexTerm term{&word, 0};

  EXPECT_TRUE(FutexWaitMany(&term, 1, 0));
  EXPECT_TRUE(FutexWaitMany(&term, 1, -1));
}

TEST_F(Watchables, FifosAreRefusedThatAreNoneOrAreSomebodyElses) {
  ASSERT_TRUE(MakeFifoAt(directory_.get(), "fifo").ok());
  Descriptor file = *CreateUnnamedFile(directory_.get(), 1);
  ASSERT_TRUE(LinkFile(file.get(), directory_.get(), "file").ok());

  EXPECT_EQ(OpenFifoAt(directory_.get(), "none").status().code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(OpenFifoAt(directory_.get(), "file").status().message()), HasSubstr("is not a named pipe"));
  EXPECT_TRUE(OpenFifoAt(directory_.get(), "fifo").ok());
  if (geteuid() != 0) GTEST_SKIP() << "only the superuser gives files away";
  ASSERT_EQ(fchownat(directory_.get(), "fifo", 12345, static_cast<gid_t>(-1), 0), 0);
  EXPECT_EQ(OpenFifoAt(directory_.get(), "fifo").status().code(), StatusCode::kPermissionDenied);
}

TEST_F(Watchables, FifosOfTheSuperuserAreTrusted) {
  if (geteuid() != 0) GTEST_SKIP() << "only the superuser has other users' rights to give";
  ASSERT_TRUE(MakeFifoAt(directory_.get(), "fifo").ok());
  ASSERT_EQ(fchmodat(directory_.get(), "fifo", 0666, 0), 0);
  ASSERT_EQ(fchmodat(directory_.get(), ".", 0755, 0), 0);

  EXPECT_EQ(InChild([&] { return seteuid(12345) == 0 && OpenFifoAt(directory_.get(), "fifo").ok(); }), 0);
}

TEST_F(Watchables, AreDrainedOfAllThatAPipeHolds) {
  ASSERT_TRUE(MakeFifoAt(directory_.get(), "fifo").ok());
  const Descriptor fifo = *OpenFifoAt(directory_.get(), "fifo");
  for (const int bytes : {1, 64, fcntl(fifo.get(), F_GETPIPE_SZ)}) {
    SCOPED_TRACE(bytes);
    const std::string content(static_cast<std::size_t>(bytes), 'x');
    ASSERT_EQ(write(fifo.get(), content.data(), content.size()), bytes);

    Drain(fifo.get());

    char byte;
    EXPECT_EQ(read(fifo.get(), &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
  }
}

TEST_F(Watchables, AreWatchedOnceAndNotOnceTheyAreClosed) {
  const Descriptor poll = *MakePoll();
  Descriptor event = *MakeEvent();
  std::uint64_t tag = 0;

  ASSERT_TRUE(PollAdd(poll.get(), event.get(), 7).ok());
  EXPECT_EQ(PollAdd(poll.get(), event.get(), 7).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(PollAdd(poll.get(), -1, 8).code(), StatusCode::kInternal);

  EXPECT_EQ(PollWait(poll.get(), &tag, 1, 0), 0u);
  WriteEvent(event.get());
  EXPECT_EQ(PollWait(poll.get(), &tag, 1, 1'000'000'000), 1u);
  EXPECT_EQ(tag, 7u);
  event.Reset();
  EXPECT_EQ(PollWait(poll.get(), &tag, 1, 0), 0u);
  EXPECT_EQ(PollWait(-1, &tag, 1, 0), 0u);
}

}  // namespace
}  // namespace shmcomm::platform
