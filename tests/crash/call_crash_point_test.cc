// SPDX-License-Identifier: Apache-2.0
// SIGKILL at every crash point of a replier's, a requester's and a cleaner's life. After each death every call has ended,
// with its reply or with an error that says whether it may have been executed; newcomers find a place, and the last one
// out leaves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crash/dying_child.h"
#include "support/forked_child.h"
#include "support/reqrep_channels.h"

namespace shmcomm {
namespace {

using test::NumberIn;
using test::ReplyNumber;
using test::SendNumber;
using test::SumsSpec;

class CallCrashPoints : public test::ReqRepTest {
 protected:
  Requester OpenWaitingRequester() const {
    RequesterOptions options = RequesterHere();
    options.wait_for_replier = true;
    auto requester = Requester::Open(SumsSpec(), options);
    EXPECT_TRUE(requester.ok()) << requester.status();
    return *std::move(requester);
  }
  /// Takes what is there, answers every second request with an error, and goes to sleep in the end.
  bool LiveAsReplier() const {
    auto replier = Replier::Open(SumsSpec(), ReplierHere());
    if (!replier.ok()) return false;
    for (;;) {
      auto request = replier->TryTake();
      if (!request.ok()) return false;
      if (!request->has_value()) break;
      const std::uint64_t value = NumberIn((*request)->data());
      const absl::Status answered =
          value % 2 == 0 ? ReplyNumber(**request, value + 1) : (*request)->Fail(absl::OutOfRangeError("odd"));
      if (!answered.ok()) return false;
    }
    return absl::IsDeadlineExceeded(replier->Take(absl::Milliseconds(1)).status());
  }
  /// Sends, forgets, gives up.
  bool LiveAsRequester() const {
    auto requester = Requester::Open(SumsSpec(), RequesterHere());
    if (!requester.ok()) return false;
    std::vector<CallId> calls;
    for (std::uint64_t i = 0; i < 3; ++i) {
      auto call = SendNumber(*requester, i, i == 1 ? absl::Milliseconds(1) : kLong);
      if (!call.ok()) return false;
      calls.push_back(*call);
    }
    requester->Forget(calls[0]);
    return absl::IsDeadlineExceeded(requester->Receive(calls[1]).status());
  }
  bool LiveAsBoth() const {
    auto replier = Replier::Open(SumsSpec(), ReplierHere());
    auto requester = Requester::Open(SumsSpec(), RequesterHere());
    if (!replier.ok() || !requester.ok()) return false;
    for (std::uint64_t i = 0; i < 3; ++i) {
      const auto call = SendNumber(*requester, i, kLong);
      auto request = replier->Take(kLong);
      if (!call.ok() || !request.ok() || !ReplyNumber(*request, i).ok()) return false;
      if (!requester->Receive(*call).ok()) return false;
    }
    return true;
  }
  /// A new requester is answered by `replier`, or by a new one.
  void ExpectCallsWork(std::optional<Replier>& replier) const {
    if (!replier.has_value()) replier = OpenReplier(SumsSpec());
    Requester requester = OpenRequester(SumsSpec());
    const auto call = SendNumber(requester, 8, kLong);
    ASSERT_TRUE(call.ok()) << call.status();
    for (auto request = replier->TryTake(); request.ok() && request->has_value(); request = replier->TryTake()) {
      ReplyNumber(**request, 9).IgnoreError();   // those of the dead, too
    }
    ASSERT_EQ(ValueOf(requester.Receive(*call)), 9u);
  }
  std::vector<std::string> FilesLeft() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) files.push_back(entry.path());
    return files;
  }

  crash::DyingChild child_;
};

TEST_F(CallCrashPoints, AReplierDyingAtAnyLeavesNoCallOpen) {
  std::uint64_t n = 1;
  for (bool has_died = true; has_died; ++n) {
    Requester requester = OpenWaitingRequester();
    std::vector<CallId> calls;
    for (std::uint64_t i = 0; i < 4; ++i) calls.push_back(*SendNumber(requester, i, absl::InfiniteDuration()));
    has_died = child_.Dies(n, [this] { return LiveAsReplier(); });
    SCOPED_TRACE("died at " + child_.last() + ", point " + std::to_string(n));
    Replier successor = OpenReplier(SumsSpec());
    for (auto request = successor.TryTake(); request.ok() && request->has_value(); request = successor.TryTake()) {
      ASSERT_TRUE(ReplyNumber(**request, NumberIn((*request)->data()) + 1).ok());   // what the dead had not begun
    }

    for (std::uint64_t i = 0; i < calls.size(); ++i) {
      const auto reply = requester.Receive(calls[i]);
      const bool has_failed = absl::IsUnavailable(reply.status()) && MaybeExecuted(reply.status());
      const bool is_refused = IsFromReplier(reply.status()) && i % 2 == 1;
      ASSERT_TRUE(reply.ok() || has_failed || is_refused) << reply.status();
      if (reply.ok()) {
        ASSERT_EQ(ValueOf(reply), i + 1);
      }
    }
    ASSERT_LE(requester.stats().died, 1u) << "a replier was at one request at a time";
  }
  EXPECT_GT(n, 20u);
  EXPECT_TRUE(FilesLeft().empty());
}

TEST_F(CallCrashPoints, ARequesterDyingAtAnyLeavesNothing) {
  std::optional<Replier> replier = OpenReplier(SumsSpec());
  std::uint64_t n = 1;
  for (; child_.Dies(n, [this] { return LiveAsRequester(); }); ++n) {
    SCOPED_TRACE("died at " + child_.last() + ", point " + std::to_string(n));
    ASSERT_NO_FATAL_FAILURE(ExpectCallsWork(replier));
  }
  EXPECT_GT(n, 10u);
  ASSERT_NO_FATAL_FAILURE(ExpectCallsWork(replier));
  EXPECT_THAT(Files(), ::testing::UnorderedElementsAre("meta", "ring", "readers", "lock"));
  replier.reset();
  EXPECT_TRUE(FilesLeft().empty());
}

TEST_F(CallCrashPoints, BothDyingAtAnyLeaveNothingToTheNext) {
  std::uint64_t n = 1;
  for (; child_.Dies(n, [this] { return LiveAsBoth(); }); ++n) {
    SCOPED_TRACE("died at " + child_.last() + ", point " + std::to_string(n));
    std::optional<Replier> replier;
    ASSERT_NO_FATAL_FAILURE(ExpectCallsWork(replier));
    replier.reset();
    ASSERT_TRUE(FilesLeft().empty());
  }
  EXPECT_GT(n, 30u);
}

TEST_F(CallCrashPoints, ACleanerDyingAtAnyIsFollowedByAnother) {
  std::optional<Replier> witness = OpenReplier(SumsSpec());
  std::uint64_t n = 1;
  for (bool has_died = true; has_died; ++n) {
    test::StayingChild dead([this](const auto& stay) {
      auto requester = Requester::Open(SumsSpec(), RequesterHere());
      if (requester.ok() && SendNumber(*requester, 1, absl::InfiniteDuration()).ok()) stay();
    });
    ASSERT_TRUE(dead.is_there());
    dead.Kill();
    has_died = child_.Dies(n, [this] { return Replier::Open(SumsSpec(), ReplierHere()).ok(); });
    SCOPED_TRACE("died at " + child_.last() + ", point " + std::to_string(n));

    ASSERT_NO_FATAL_FAILURE(ExpectCallsWork(witness));
    ASSERT_THAT(Files(), ::testing::UnorderedElementsAre("meta", "ring", "readers", "lock"));
  }
  EXPECT_GT(n, 5u);
}

}  // namespace
}  // namespace shmcomm
