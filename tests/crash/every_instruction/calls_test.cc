// SPDX-License-Identifier: Apache-2.0
// SIGKILL at every instruction of sending, taking and answering a call, and of opening and closing their ends: a call of
// somebody else is answered, or fails because its replier died, and the next calls are answered as if nothing had been.
// SHMCOMM_KILL_POINTS as in every_instruction_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "crash/every_instruction/scene.h"
#include "support/reqrep_channels.h"

namespace shmcomm::crash {
namespace {

/// What a victim holds between its preparation and its step.
struct Ends {
  std::optional<Requester> requester;
  std::optional<Replier> replier;
  std::optional<Request> request;
  CallId call{};
};

struct CallOperation {
  const char* name;
  bool is_lifecycle;
  std::function<bool(Ends&, const std::string& root)> prepare;
  std::function<bool(Ends&, const std::string& root)> step;
};
void PrintTo(const CallOperation& operation, std::ostream* out) { *out << operation.name; }

constexpr absl::Duration kLong = absl::Seconds(60);

template <class End, class Options>
bool OpenEnd(std::optional<End>& end, const std::string& root) {
  Options options;
  options.root = root;
  options.spin = absl::ZeroDuration();
  auto opened = End::Open(test::SumsSpec(), options);
  if (opened.ok()) end.emplace(*std::move(opened));
  return opened.ok();
}

bool OpenRequester(Ends& ends, const std::string& root) { return OpenEnd<Requester, RequesterOptions>(ends.requester, root); }
bool OpenReplier(Ends& ends, const std::string& root) { return OpenEnd<Replier, ReplierOptions>(ends.replier, root); }

bool Send(Ends& ends, const std::string&) {
  const auto call = test::SendNumber(*ends.requester, 7, kLong);
  if (call.ok()) ends.call = *call;
  return call.ok();
}

bool TakeRequest(Ends& ends, const std::string&) {
  auto request = ends.replier->TryTake();
  if (request.ok() && request->has_value()) ends.request.emplace(**std::move(request));
  return ends.request.has_value();
}

bool Answer(Ends& ends, const std::string&) { return test::ReplyNumber(*ends.request, 8).ok(); }

bool OpenAndSend(Ends& ends, const std::string& root) { return OpenRequester(ends, root) && Send(ends, root); }

bool OpenSendAndTake(Ends& ends, const std::string& root) {
  return OpenAndSend(ends, root) && OpenReplier(ends, root) && TakeRequest(ends, root);
}

bool Receive(Ends& ends, const std::string&) { return ends.requester->Receive(ends.call).ok(); }

bool Close(Ends& ends, const std::string&) {
  ends.requester.reset();
  ends.replier.reset();
  return true;
}

bool Nothing(Ends&, const std::string&) { return true; }

const std::vector<CallOperation> kOperations = {
    {"send", false, OpenRequester, Send},
    {"receive", false, OpenAndSend, Receive},
    {"take_request", false, OpenReplier, TakeRequest},
    {"reply", false, OpenSendAndTake, Answer},
    {"open_requester", true, Nothing, OpenRequester},
    {"open_replier", true, Nothing, OpenReplier},
    {"close_requester", true, OpenAndSend, Close},
    {"close_replier", true, OpenReplier, Close},
};

class EveryInstructionOfCalls : public ::testing::TestWithParam<CallOperation> {
 protected:
  void SetUp() override {
    if (!TracedChild::IsPossible()) GTEST_SKIP() << "the system lets nobody trace its child";
#if defined(__SANITIZE_ADDRESS__)
    if (GetParam().is_lifecycle) GTEST_SKIP() << "instrumented code has ten times the instructions, and the same writes";
#endif
    ASSERT_TRUE(OpenReplier(others_, root_.path()) && OpenRequester(others_, root_.path()));
  }

  /// A new victim before its step; its own request is answered, and one of the others' waits to be taken.
  TracedChild MakeVictim() {
    TracedChild victim([this]() -> Step {
      const auto ends = std::make_shared<Ends>();
      if (!GetParam().prepare(*ends, root_.path())) return {};
      return [this, ends] {
        const bool went_well = GetParam().step(*ends, root_.path());
        EndOfStep();
        ends->request.reset();  // before its replier
        return went_well;
      };
    });
    EXPECT_TRUE(victim.is_stopped());
    ServeAll();
    EXPECT_TRUE(Send(others_, root_.path()));
    return victim;
  }

  /// The others' replier answers what there is; whoever asked may have died.
  void ServeAll() {
    for (;;) {
      auto request = others_.replier->TryTake();
      ASSERT_TRUE(request.ok()) << request.status();
      if (!request->has_value()) return;
      const absl::Status answered = test::ReplyNumber(**request, test::NumberIn((*request)->data()) + 1);
      ASSERT_TRUE(answered.ok() || absl::IsUnavailable(answered)) << answered;
    }
  }

  void ExpectCallsGoOn() {
    ASSERT_NO_FATAL_FAILURE(ServeAll());
    // If the victim had taken it: it died at it, or dropped it when it left.
    const auto first = others_.requester->Receive(others_.call);
    ASSERT_TRUE(first.ok() || absl::IsUnavailable(first.status()) || absl::IsAborted(first.status())) << first.status();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(Send(others_, root_.path()));
      ASSERT_NO_FATAL_FAILURE(ServeAll());
      const auto reply = others_.requester->Receive(others_.call);
      ASSERT_TRUE(reply.ok()) << reply.status();
      ASSERT_EQ(test::NumberIn(reply->data()), 8u);
    }
    Ends newcomers;
    ASSERT_TRUE(OpenRequester(newcomers, root_.path()) && OpenReplier(newcomers, root_.path()));
  }

  test::TemporaryRoot root_;
  Ends others_;
  test::Watchdog watchdog_{GetParam().name, std::chrono::seconds(1500)};
  OnOneProcessor pinned_;
};
INSTANTIATE_TEST_SUITE_P(Of, EveryInstructionOfCalls, ::testing::ValuesIn(kOperations),
                         [](const auto& info) { return info.param.name; });

TEST_P(EveryInstructionOfCalls, MayBeTheLastOne) {
  Walk walk;
  {
    TracedChild victim = MakeVictim();
    for (; victim.is_stopped() && !victim.IsAtEnd(); victim.StepInstruction()) walk.pcs.push_back(victim.pc());
    ASSERT_EQ(victim.Leave(), 0);
    ASSERT_NO_FATAL_FAILURE(ExpectCallsGoOn());
  }
  const std::size_t stride = KillPoints() == 0 ? 1 : std::max<std::size_t>(1, walk.pcs.size() / KillPoints());

  std::size_t kills = 0;
  for (std::size_t k = 0; k < walk.pcs.size(); k += stride, ++kills) {
    SCOPED_TRACE("killed before instruction " + std::to_string(k));
    {
      TracedChild victim = MakeVictim();
      victim.RunTo(walk.pcs[k], walk.OccurrenceOf(k));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectCallsGoOn());
  }

  std::printf("every_instruction %s kills %zu of %zu\n", GetParam().name, kills, walk.pcs.size());
  others_.requester.reset();
  others_.replier.reset();
  EXPECT_TRUE(root_.IsEmpty());
}

}  // namespace
}  // namespace shmcomm::crash
