// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "crash/every_instruction/attempts.h"
#include "support/reqrep_channels.h"

namespace shmcomm::crash {
namespace {

absl::Status OpenRequesterAndReplier(Ends& ends) {
  absl::Status status = OpenRequester(ends);
  status.Update(OpenReplier(ends));
  return status;
}

using Answer = std::function<absl::Status(Request&)>;

absl::Status Copy(Request& request) { return test::ReplyNumber(request, 8); }

absl::Status Write(Request& request) {
  auto loan = request.ReplyLoan();
  if (!loan.ok()) return loan.status();
  const auto place = loan->Raw(sizeof(std::uint64_t));
  return place.ok() ? request.ReplyRaw(*std::move(loan), Codec::kStruct) : place.status();
}

absl::Status Fail(Request& request) { return request.Fail(absl::NotFoundError("no such number")); }

/// Answers whatever is there. The first refusal is told.
absl::Status AnswerAll(Replier& replier, const Answer& answer) {
  absl::Status status;
  for (;;) {
    auto request = replier.TryTake();
    if (!request.ok()) return request.status();
    if (!request->has_value()) return status;
    status.Update(answer(**request));
  }
}

/// A whole call. A reply that could not be given is told to the caller as well.
absl::Status CallAnsweredBy(const Answer& answer, Ends& ends) {
  const auto call = test::SendNumber(*ends.requester, 7, absl::Seconds(60));
  if (!call.ok()) return call.status();
  const absl::Status answered = AnswerAll(*ends.replier, answer);
  if (!answered.ok()) {
    ends.requester->Forget(*call);
    return answered;
  }
  return ends.requester->Receive(*call).status();
}

absl::Status Call(Ends& ends) { return CallAnsweredBy(Copy, ends); }

absl::Status CallAnsweredThroughALoan(Ends& ends) { return CallAnsweredBy(Write, ends); }

absl::Status CallAnsweredByAnError(Ends& ends) {
  const absl::Status status = CallAnsweredBy(Fail, ends);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status OpenAndCall(Ends& ends) {
  const absl::Status opened = OpenRequesterAndReplier(ends);
  return opened.ok() ? Call(ends) : opened;
}

absl::Status CloseRequester(Ends& ends) {
  ends.requester->Close();
  return absl::OkStatus();
}

absl::Status CloseReplier(Ends& ends) {
  ends.replier->Close();
  return absl::OkStatus();
}

absl::Status MakeRequesterDescriptor(Ends& ends) { return ends.requester->fd().status(); }

absl::Status MakeReplierDescriptor(Ends& ends) { return ends.replier->fd().status(); }

/// With a request taken and another that nobody has begun.
absl::Status LiveAndHold(Ends& ends) {
  absl::Status status = OpenAndCall(ends);
  for (int i = 0; i < 2 && status.ok(); ++i) status = test::SendNumber(*ends.requester, 7, absl::InfiniteDuration()).status();
  if (status.ok()) ends.request = *ends.replier->TryTake();
  return status;
}

}  // namespace

absl::Status OpenRequester(Ends& ends) {
  RequesterOptions options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  auto opened = Requester::Open(test::SumsSpec(), options);
  if (opened.ok()) ends.requester.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenReplier(Ends& ends) {
  ReplierOptions options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  auto opened = Replier::Open(test::SumsSpec(), options);
  if (opened.ok()) ends.replier.emplace(*std::move(opened));
  return opened.status();
}

std::vector<Attempt> CallAttempts() {
  return {
      {"open_requester", Nothing, OpenRequester},
      {"open_replier", Nothing, OpenReplier},
      {"join_as_requester", OpenReplier, OpenRequester},
      {"join_as_replier", OpenRequester, OpenReplier},
      {"first_call", OpenRequesterAndReplier, Call, true},
      {"first_call_answered_through_a_loan", OpenRequesterAndReplier, CallAnsweredThroughALoan, true},
      {"first_call_answered_by_an_error", OpenRequesterAndReplier, CallAnsweredByAnError, true},
      {"call", OpenAndCall, Call},
      {"make_requester_descriptor", OpenRequester, MakeRequesterDescriptor, true},
      {"make_replier_descriptor", OpenReplier, MakeReplierDescriptor, true},
      {"clean_calls", InTurn({OpenRequester, AfterTheDeathOf(LiveAndHold)}), OpenReplier},
      {"close_requester", OpenAndCall, CloseRequester},
      {"close_replier", OpenAndCall, CloseReplier},
      {"remove_by_requester", InTurn({OpenAndCall, CloseReplier}), CloseRequester},
      {"remove_by_replier", InTurn({OpenAndCall, CloseRequester}), CloseReplier},
  };
}

}  // namespace shmcomm::crash
