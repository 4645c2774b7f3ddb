// SPDX-License-Identifier: Apache-2.0
// The n-th system call of an operation fails, for n = 1, 2, 3 … and each error that a system gives: the operation answers
// with a typed error or does without the call, nothing is leaked, and the same operation works when it is tried again.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "crash/every_instruction/attempts.h"
#include "crash/every_instruction/traced_child.h"
#include "support/resources.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm::crash {
namespace {

/// Errors that say what ran out, is forbidden, or was interrupted.
bool IsTyped(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return !status.message().empty();
    default:
      return status.ok();
  }
}

bool Complain(const char* what, const absl::Status& status) {
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  return false;
}

/// Over whatever a call that was not needed has left in the channel.
bool WorksFromTheStart(const Attempt& attempt, Ends& ends) {
  absl::Status status = attempt.before(ends);
  if (status.ok()) status = attempt.attempt(ends);
  ends.CloseAll();
  return status.ok() || Complain("does not work from the start", status);
}

/// The child's side: one attempt under its parent's hand, then what must hold whatever became of it.
Step AttemptIn(const Attempt& attempt, const std::string& root) {
  const test::Resources at_first = test::CountResources(root);
  const auto ends = std::make_shared<Ends>();
  ends->root = root;
  if (!attempt.before(*ends).ok()) return {};
  const test::Resources before = test::CountResources(root);
  return [&attempt, root, ends, at_first, before] {
    const absl::Status status = attempt.attempt(*ends);
    EndOfStep();
    if (!IsTyped(status)) return Complain("not a typed error", status);
    if (!status.ok()) {
      if (!attempt.keeps_some && !(test::CountResources(root) == before)) return Complain("leaked by a refused attempt", status);
      if (absl::Status again = attempt.attempt(*ends); !again.ok()) return Complain("does not work again", again);
    }
    ends->CloseAll();
    if (!(test::CountResources(root) == at_first)) return Complain("leaked", status);
    return !status.ok() || WorksFromTheStart(attempt, *ends);
  };
}

class FailingSystemCall : public ::testing::TestWithParam<Attempt> {
 protected:
  void SetUp() override {
    if (!TracedChild::IsPossible()) GTEST_SKIP() << "the system lets nobody trace its child";
  }
  /// The n-th system call that can fail gives `error`. False: there are fewer.
  bool Fails(int n, int error) {
    TracedChild child([&] { return AttemptIn(GetParam(), root_.path()); });
    EXPECT_TRUE(child.is_stopped());
    bool has_failed = false;
    while (!has_failed && child.RunToSystemCallEdge()) {  // an entry
      const TracedChild::SystemCall call = child.CurrentSystemCall();
      has_failed = CanFail(call, error) && n-- == 0;
      if (has_failed) {
        last_ = call.number;
        child.FailSystemCall(error);
      } else if (!child.RunToSystemCallEdge()) {
        break;
      }
    }
    EXPECT_EQ(child.Leave(), 0) << "system call " << last_;
    return has_failed;
  }
  /// What is closed is closed, whatever the call says: a failure that is played here would be a leak of our own. No system
  /// refuses to tell about an open descriptor. And brk gives addresses, never errors: the C library would take one for memory.
  static bool CanFail(const TracedChild::SystemCall& call, int error) {
    if (error == EINTR) return IsInterruptible(call.number);
    const bool is_fstat = call.number == SYS_fstat ||
                          (call.number == SYS_newfstatat && (call.fourth_argument & AT_EMPTY_PATH) != 0);
    return !is_fstat && call.number != SYS_close && call.number != SYS_munmap && call.number != SYS_brk;
  }
  static bool IsInterruptible(long call) {
#if defined(SYS_futex_waitv)
    if (call == SYS_futex_waitv) return true;
#endif
    return call == SYS_openat || call == SYS_fallocate || call == SYS_write || call == SYS_flock || call == SYS_futex ||
           call == SYS_epoll_wait || call == SYS_epoll_pwait;
  }

  /// Whatever a refused removal left, the next one removes.
  void ExpectNothingIsLeft() {
    Ends ends;
    ends.root = root_.path();
    for (const auto& open : {OpenPublisher, OpenPusher, OpenRequester}) ASSERT_TRUE(open(ends).ok());
    ends.CloseAll();
    ASSERT_TRUE(root_.IsEmpty());
  }

  test::TemporaryRoot root_;
  long last_ = 0;
  test::Watchdog watchdog_{GetParam().name};
};

std::string NameOf(const ::testing::TestParamInfo<Attempt>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Of, FailingSystemCall, ::testing::ValuesIn(Attempts()), NameOf);

TEST_P(FailingSystemCall, IsATypedErrorAndLeaksNothing) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer ends the program where a call of its own fails";
#endif
  int calls = 0;
  for (const int error : {ENOSPC, EMFILE, ENOMEM, EINTR, EACCES}) {
    SCOPED_TRACE(std::strerror(error));
    for (int n = 0; Fails(n, error); ++n, ++calls) {
      SCOPED_TRACE("call " + std::to_string(n) + ", number " + std::to_string(last_));
      ASSERT_FALSE(HasNonfatalFailure());
      ASSERT_NO_FATAL_FAILURE(ExpectNothingIsLeft());
    }
  }
  std::printf("failing_system_call %s %d\n", GetParam().name, calls);
}

}  // namespace
}  // namespace shmcomm::crash
