// SPDX-License-Identifier: Apache-2.0
// What ends a wait of a call from outside: Cancel, from threads and signal handlers, and Close; and what closing leaves.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

#include "shmcomm/typed.h"
#include "support/forked_child.h"
#include "support/waiting_calls.h"

namespace shmcomm::test {
namespace {

class EndingAWait : public WaitingForCalls {};
class ClosedReplier : public WaitingForCalls {};

TEST_F(EndingAWait, ByCancelGivesTheCallUp) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, absl::InfiniteDuration());
  auto request = replier.Take(kLong);

  std::thread other([&] { requester.Cancel(); });
  const absl::Status status = requester.Receive(*call).status();
  other.join();

  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_TRUE(MaybeExecuted(status));
  EXPECT_TRUE(absl::IsInvalidArgument(requester.TryReceive(*call).status())) << "it is over";
  EXPECT_TRUE(absl::IsDeadlineExceeded(ReplyNumber(*request, 1))) << "the replier is told that nobody waits";
}

TEST_F(EndingAWait, ByCancelLetsRepliesThatCameBeReceived) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto first = SendNumber(requester, 1, kLong);
  const auto second = SendNumber(requester, 2, kLong);
  AnswerNext(replier);
  requester.Cancel();

  EXPECT_EQ(ValueOf(requester.Receive(*first)), 2u);
  EXPECT_TRUE(absl::IsCancelled(requester.WaitForReply(*second, kLong).status()));
  EXPECT_TRUE(absl::IsCancelled(requester.WaitForAnyReply(kLong).status()));
  EXPECT_TRUE(absl::IsCancelled(requester.WaitForReplier(kLong).status()));
  AnswerNext(replier);
  EXPECT_TRUE((*requester.TryReceive(*second)).has_value());
}

TEST_F(EndingAWait, ByClosingFromAnotherThread) {
  for (int wait = 0; wait < 4; ++wait) {
    Replier replier = OpenReplier(SumsSpec());
    Requester requester = OpenRequester(SumsSpec());
    const auto call = SendNumber(requester, 1, absl::InfiniteDuration());
    std::thread closer([&] { wait == 3 ? replier.Close() : requester.Close(); });

    absl::Status status;
    if (wait == 0) status = requester.Receive(*call).status();
    if (wait == 1) status = requester.WaitForReply(*call, absl::InfiniteDuration()).status();
    if (wait == 2) status = requester.WaitForAnyReply(absl::InfiniteDuration()).status();
    while (wait == 3 && status.ok()) status = replier.Take(absl::InfiniteDuration()).status();

    closer.join();
    EXPECT_TRUE(IsEnded(status)) << wait << status;
    EXPECT_FALSE(wait == 3 ? replier.is_open() : requester.is_open());
    EXPECT_EQ(requester.channel().empty(), wait != 3);
  }
}

TEST_F(EndingAWait, ForRoomOfASend) {
  ChannelSpec spec = SumsSpec();
  spec.qos.max_in_flight = 64;
  Replier replier = OpenReplier(spec);
  Requester requester = OpenRequester(spec);
  std::thread canceller([&] { requester.Cancel(); });

  absl::StatusOr<CallId> call = CallId{};
  while (call.ok()) call = SendNumber(requester, 1, absl::InfiniteDuration());

  canceller.join();
  EXPECT_TRUE(absl::IsCancelled(call.status())) << call.status();
}

TEST_F(EndingAWait, ForRequestsWorksFromAnotherThreadAndFromASignalHandler) {
  static std::atomic<Replier*> serving{nullptr};
  Replier replier = OpenReplier(SumsSpec());
  Replier other = OpenReplier(SumsSpec());
  serving = &replier;
  const auto previous = std::signal(SIGINT, [](int) { serving.load()->Cancel(); });

  std::raise(SIGINT);
  EXPECT_TRUE(absl::IsCancelled(replier.Take(absl::InfiniteDuration()).status()));
  std::thread canceller([&] { other.Cancel(); });
  EXPECT_TRUE(absl::IsCancelled(other.Take(absl::InfiniteDuration()).status()));
  EXPECT_TRUE(absl::IsCancelled(other.Wait(absl::InfiniteDuration()).status()));
  canceller.join();

  std::signal(SIGINT, previous);
}

TEST_F(EndingAWait, InAForkedChildIsRefused) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);

  const int refused = ExitStatusOf([&] {
    return absl::IsFailedPrecondition(requester.WaitForReply(*call, kLong).status()) &&
                   absl::IsFailedPrecondition(requester.WaitForAnyReply(kLong).status()) &&
                   absl::IsFailedPrecondition(requester.fd().status()) && absl::IsFailedPrecondition(replier.fd().status()) &&
                   absl::IsFailedPrecondition(replier.Wait(kLong).status())
               ? 0
               : 1;
  });

  EXPECT_EQ(refused, 0);
}

TEST_F(ClosedReplier, LetsItsOpenRequestsBeAnswered) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  {
    auto request = replier.Take(kLong);
    replier.Close();

    EXPECT_EQ(NumberIn(request->data()), 1u);
    EXPECT_TRUE(ReplyNumber(*request, 2).ok());
  }
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 2u);
  EXPECT_TRUE(absl::IsUnavailable(SendNumber(requester, 1, kLong).status())) << "with its last request it has left";
}

TEST_F(ClosedReplier, LeavesItsChannelWhenItsLastRequestIsDropped) {
  {
    Replier replier = OpenReplier(SumsSpec());
    std::optional<Requester> requester = OpenRequester(SumsSpec());
    const auto call = SendNumber(*requester, 1, kLong);
    auto request = replier.Take(kLong);
    auto loan = request->ReplyLoan();
    ASSERT_TRUE(loan->Raw(8).ok());
    replier.Close();
    requester.reset();

    EXPECT_FALSE(request->ReplyRaw(*std::move(loan), Codec::kBytes).ok()) << "its requester is gone";
    EXPECT_FALSE(Files().empty() && call.ok() && !request->is_answered());
  }
  EXPECT_TRUE(Files().empty());
}

TEST_F(ClosedReplier, EndsServingAtOnceThoughAHandlerRuns) {
  struct EchoChannel {
    using Request = Numbers;
    using Reply = Image;
    static const ChannelSpec& Spec() {
      static const ChannelSpec spec = [] {
        ChannelSpec s = SumsSpec();
        s.qos.max_reply_size = 1u << 16;
        s.reply = CameraChannel::Spec().message;
        return s;
      }();
      return spec;
    }
  };
  auto replier = TypedReplier<EchoChannel>::Open(ReplierHere());
  Requester requester = OpenRequester(EchoChannel::Spec());
  const auto call = SendNumber(requester, 1, kLong);

  const absl::Status served = replier->Serve([&](const Numbers&, auto&) -> absl::StatusOr<flatbuffers::Offset<Image>> {
    std::thread other([&] { replier->Close(); });
    other.join();
    return absl::OutOfRangeError("closed meanwhile");
  });

  EXPECT_TRUE(served.ok()) << served;
  EXPECT_EQ(requester.Receive(*call).status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace shmcomm::test
