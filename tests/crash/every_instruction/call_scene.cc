// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/call_scene.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "crash/every_instruction/channel_files.h"
#include "registry/reply_directory.h"
#include "support/forked_child.h"
#include "support/reqrep_channels.h"

namespace shmcomm::crash {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);

template <class End, class Options>
bool OpenEnd(std::optional<End>& end, const CallEnds& ends) {
  Options options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  ChannelSpec spec = test::SumsSpec();
  spec.message.fingerprint = ends.schema;
  auto opened = End::Open(spec, options);
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (opened.ok()) end.emplace(*std::move(opened));
  return opened.ok();
}

bool OpenRequester(CallEnds& ends) { return OpenEnd<Requester, RequesterOptions>(ends.requester, ends); }
bool OpenReplier(CallEnds& ends) { return OpenEnd<Replier, ReplierOptions>(ends.replier, ends); }
bool OpenBoth(CallEnds& ends) { return OpenRequester(ends) && OpenReplier(ends); }

bool Send(CallEnds& ends) {
  const test::Numbers numbers{7, {7, 7, 7, 7, 7, 7, 7}};
  const auto call = ends.requester->SendCopy(&numbers, sizeof(numbers), Codec::kStruct, kLong);
  if (call.ok()) ends.call = *call;
  return call.ok();
}

bool TakeRequest(CallEnds& ends) {
  auto request = ends.replier->TryTake();
  if (request.ok() && request->has_value()) ends.request.emplace(**std::move(request));
  return ends.request.has_value();
}

bool Answer(CallEnds& ends) { return test::ReplyNumber(*ends.request, 8).ok(); }

bool AnswerThroughLoan(CallEnds& ends) {
  auto loan = ends.request->ReplyLoan();
  if (!loan.ok()) return false;
  const auto place = loan->Raw(sizeof(std::uint64_t));
  return place.ok() && ends.request->ReplyRaw(*std::move(loan), Codec::kStruct).ok();
}

bool AnswerByError(CallEnds& ends) { return ends.request->Fail(absl::NotFoundError("no such number")).ok(); }

bool OpenAndSend(CallEnds& ends) { return OpenRequester(ends) && Send(ends); }

bool OpenSendAndTake(CallEnds& ends) { return OpenAndSend(ends) && OpenReplier(ends) && TakeRequest(ends); }

bool Receive(CallEnds& ends) { return ends.requester->Receive(ends.call).ok(); }

/// Nobody has begun it: it is taken back.
bool SendAndForget(CallEnds& ends) {
  if (!Send(ends)) return false;
  ends.requester->Forget(ends.call);
  return true;
}

bool MakeRequesterDescriptor(CallEnds& ends) { return ends.requester->fd().ok(); }
bool MakeReplierDescriptor(CallEnds& ends) { return ends.replier->fd().ok(); }
bool OpenWatchedRequester(CallEnds& ends) { return OpenRequester(ends) && MakeRequesterDescriptor(ends); }
bool OpenWatchedReplier(CallEnds& ends) { return OpenReplier(ends) && MakeReplierDescriptor(ends); }

bool OpenWatchedAndSend(CallEnds& ends) { return OpenWatchedRequester(ends) && Send(ends); }

/// That there is no other call makes the descriptor unreadable and arms it.
bool ReceiveThenArm(CallEnds& ends) { return Receive(ends) && ends.requester->WaitForAnyReply(absl::ZeroDuration()).ok(); }

bool AnswerAllThenArm(CallEnds& ends) {
  while (TakeRequest(ends)) {
    if (!Answer(ends)) return false;
    ends.request.reset();
  }
  return true;
}

/// A requester without a call and a replier: two bells of two directories.
bool OpenInSet(CallEnds& ends) {
  return OpenBoth(ends) && ends.set.Add(*ends.requester).ok() && ends.set.Add(*ends.replier).ok();
}

bool WaitInSet(CallEnds& ends) { return AnswerAllThenArm(ends) && ends.set.Wait(absl::Nanoseconds(1)).ok(); }

/// A requester that was answered, by a replier that has left.
bool OpenCallAndOutliveReplier(CallEnds& ends) {
  if (!OpenBoth(ends) || !Send(ends) || !TakeRequest(ends) || !Answer(ends) || !Receive(ends)) return false;
  ends.request.reset();
  ends.replier.reset();
  return true;
}

bool Close(CallEnds& ends) {
  ends.requester.reset();
  ends.replier.reset();
  return true;
}

/// With a request taken and another that nobody has begun.
bool LetSomebodyDie(CallEnds& ends) {
  test::StayingChild dead([&](const test::StayingChild::Stay& stay) {
    if (OpenSendAndTake(ends) && Send(ends)) stay();
  });
  return dead.is_there();
}

bool Nothing(CallEnds&) { return true; }

const std::vector<CallOperation> kOperations = {
    {"send", false, OpenRequester, Send},
    {"send_and_forget", false, OpenRequester, SendAndForget},
    {"receive", false, OpenAndSend, Receive},
    {"take_request", false, OpenReplier, TakeRequest},
    {"reply", false, OpenSendAndTake, Answer},
    {"reply_through_loan", false, OpenSendAndTake, AnswerThroughLoan},
    {"reply_by_error", false, OpenSendAndTake, AnswerByError},
    {"make_requester_descriptor", false, OpenRequester, MakeRequesterDescriptor},
    {"make_replier_descriptor", false, OpenReplier, MakeReplierDescriptor},
    {"receive_then_arm_descriptor", false, OpenWatchedAndSend, ReceiveThenArm},
    {"answer_all_then_arm_descriptor", false, OpenWatchedReplier, AnswerAllThenArm},
    {"wait_for_calls_in_set", false, OpenInSet, WaitInSet},
    {"open_requester", true, Nothing, OpenRequester},
    {"open_replier", true, Nothing, OpenReplier},
    {"close_requester", true, OpenAndSend, Close},
    {"close_replier", true, OpenReplier, Close},
    {"close_watched_requester", true, OpenWatchedAndSend, Close},
    {"close_watched_replier", true, OpenWatchedReplier, Close},
    {"clean_calls", true, LetSomebodyDie, OpenReplier},
    {"create_by_requester", true, Nothing, OpenRequester, true},
    {"create_by_replier", true, Nothing, OpenReplier, true},
    {"remove_by_requester", true, OpenCallAndOutliveReplier, Close, true},
    {"remove_by_replier", true, OpenReplier, Close, true},
};

/// The locks of those that live in a copy of the channel: in it, and in the living requester's reply directory.
struct LocksOfOthers {
  LocksOfOthers(const std::string& directory, const Living& others) : in_channel(directory, others) {
    const std::uint32_t requester = *others.publishers.begin();
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      const auto replies = registry::ParseReplyDirectoryName(entry.path().filename());
      if (replies.has_value() && replies->publisher == requester) in_replies.emplace(entry.path(), Living{{0}, {}});
    }
  }
  HeldLocks in_channel;
  std::optional<HeldLocks> in_replies;
};

}  // namespace

// The others' requester is watched through a descriptor, which whoever answers it must ring.
CallScene::CallScene(const CallOperation& operation) : operation_(operation) {
  others_.root = root_.path();
  if (operation.is_alone) return;
  EXPECT_TRUE(OpenWatchedRequester(others_) && OpenReplier(others_));
}

TracedChild CallScene::MakeVictim() {
  TracedChild victim([this]() -> Step {
    auto* const ends = new CallEnds;   // never destroyed: what it has at its end, it dies with
    ends->root = root_.path();
    if (!operation_.before(*ends)) return {};
    return [this, ends] { return operation_.step(*ends); };
  });
  EXPECT_TRUE(victim.is_stopped());
  if (operation_.is_alone) return victim;
  AnswerAll(*others_.replier);        // what the victim sent is answered
  EXPECT_TRUE(Send(others_));         // and there is something for it to take
  return victim;
}

void CallScene::AnswerAll(Replier& replier) {
  for (;;) {
    auto request = replier.TryTake();
    ASSERT_TRUE(request.ok()) << request.status();
    if (!request->has_value()) return;
    const absl::Status answered = test::ReplyNumber(**request, test::NumberIn((*request)->data()) + 1);
    ASSERT_TRUE(answered.ok() || absl::IsUnavailable(answered) || absl::IsDeadlineExceeded(answered)) << answered;
  }
}

void CallScene::ExpectCallsAreAnswered(CallEnds& ends, int calls) {
  for (; calls > 0; --calls) {
    ASSERT_TRUE(Send(ends));
    ASSERT_NO_FATAL_FAILURE(AnswerAll(*ends.replier));
    const auto reply = ends.requester->Receive(ends.call);
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(test::NumberIn(reply->data()), 8u);
  }
}

void CallScene::ExpectALoneNewcomerFindsNothing() {
  {
    CallEnds newcomers;
    newcomers.root = root_.path();
    ++newcomers.schema;   // of another schema: nothing of the old may count
    ASSERT_TRUE(OpenBoth(newcomers));
    ASSERT_FALSE(TakeRequest(newcomers));
    ASSERT_NO_FATAL_FAILURE(ExpectCallsAreAnswered(newcomers, 1));
  }
  ASSERT_TRUE(FilesBelow(root_.path()).empty());
}

void CallScene::ExpectEverybodyGoesOn() {
  if (operation_.is_alone) return ExpectALoneNewcomerFindsNothing();
  ASSERT_NO_FATAL_FAILURE(AnswerAll(*others_.replier));
  {
    const auto first = others_.requester->Receive(others_.call);   // the victim may have died at it
    ASSERT_TRUE(first.ok() || absl::IsUnavailable(first.status())) << first.status();
  }
  ASSERT_NO_FATAL_FAILURE(ExpectCallsAreAnswered(others_, 20));
  CallEnds newcomers;
  newcomers.root = root_.path();
  ASSERT_TRUE(OpenBoth(newcomers));
  ASSERT_NO_FATAL_FAILURE(ExpectCallsAreAnswered(newcomers, 1));
  ASSERT_TRUE(Close(newcomers));
  ASSERT_EQ(WhatIsWrong(directory(), WhoLives(directory())), "");
}

void CallScene::ExpectOthersGoOnBeside() {
  if (operation_.is_alone) return;
  ASSERT_NO_FATAL_FAILURE(AnswerAll(*others_.replier));
  const CallId first = others_.call;   // the victim may have it, and still answer it
  // As far as the ring reaches: the one that stands still may have the oldest request.
  ASSERT_NO_FATAL_FAILURE(ExpectCallsAreAnswered(others_, 8));
  exchanged_beside_ += 8;
  others_.call = first;
  if (operation_.is_lifecycle) return;
  CallEnds newcomers;
  newcomers.root = root_.path();
  ASSERT_TRUE(OpenBoth(newcomers));
  ASSERT_NO_FATAL_FAILURE(ExpectCallsAreAnswered(newcomers, 1));
}

void CallScene::ExpectCopyRecovers() {
  const test::TemporaryRoot root;
  const std::string copy = root / "default/test%2Fsums";
  std::filesystem::create_directory(root / "default", root_.path());
  CopyFiles(directory(), copy);
  const Living there = WhoLives(directory());
  const Living others{{*there.lines.begin()}, {*there.publishers.begin()}};
  const LocksOfOthers locks(copy, others);
  CallEnds newcomers;
  newcomers.root = root.path();

  ASSERT_TRUE(OpenBoth(newcomers));
  ASSERT_NO_FATAL_FAILURE(ExpectCallsAreAnswered(newcomers, 2));

  ASSERT_TRUE(Close(newcomers));
  ASSERT_EQ(WhatIsWrong(copy, others), "");
}

void CallScene::ExpectNothingIsLeft() {
  if (operation_.is_alone) return ExpectALoneNewcomerFindsNothing();   // after a victim that died with what it had
  ASSERT_TRUE(Close(others_));
  EXPECT_EQ(FilesBelow(root_.path()), std::vector<std::string>{});
}

std::vector<Case> CallCases() {
  std::vector<Case> cases;
  for (const CallOperation& operation : kOperations) {
    cases.push_back({operation.name, operation.is_lifecycle, operation.is_alone, [&operation] { return std::make_unique<CallScene>(operation); }});
  }
  return cases;
}

}  // namespace shmcomm::crash
