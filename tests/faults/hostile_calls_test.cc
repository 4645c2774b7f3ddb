// SPDX-License-Identifier: Apache-2.0
// As hostile_writer_test.cc, for calls: sent, taken, answered, received, given up; the reply directories are scribbled over, too.
#include <optional>
#include <utility>
#include <vector>

#include "faults/hostile_writer.h"

namespace shmcomm::faults {
namespace {

struct Channel {
  const char* name;
  OnFull on_full;
  bool is_idempotent;
};
void PrintTo(const Channel& channel, std::ostream* out) { *out << channel.name; }

class HostileWriterAtCalls : public UnderFire, public ::testing::WithParamInterface<Channel> {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::BytesSpec(8192);
    spec.pattern = Pattern::kReqRep;
    spec.qos.max_reply_size = 4096;
    spec.qos.max_publishers = 4;
    spec.qos.max_subscribers = 4;
    spec.qos.on_full = GetParam().on_full;
    spec.qos.idempotent = GetParam().is_idempotent;
    return spec;
  }
  void OpenAll() override {
    for (Caller& caller : callers_) Open(caller.requester, Spec(), caller.options);
    for (Answerer& answerer : answerers_) Open(answerer.replier, Spec(), answerer.options);
  }
  void CloseAll() override {
    for (Answerer& answerer : answerers_) {
      if (Below(2) == 0) answerer.replier.reset();   // its requests may outlive it
      answerer.requests.clear();
      answerer.replier.reset();
      answerer.loans.clear();
    }
    for (Caller& caller : callers_) {
      if (Below(2) == 0) Close(caller);
      caller.replies.clear();
      Close(caller);
    }
  }
  void ReopenOne() override {
    const std::uint64_t which = Below(2);
    if (Below(2) == 0) return Reopen(answerers_[which].replier, Spec(), answerers_[which].options);
    callers_[which].calls.clear();
    Reopen(callers_[which].requester, Spec(), callers_[which].options);
  }
  void Round() override {
    if (callers_[1].requester.has_value() && Below(64) == 0) Went(callers_[1].requester->fd().status());
    if (answerers_[1].replier.has_value() && Below(64) == 0) Went(answerers_[1].replier->fd().status());
    for (Caller& caller : callers_) {
      if (caller.requester.has_value()) Call(caller);
    }
    for (Answerer& answerer : answerers_) Answer(answerer);
    for (Caller& caller : callers_) {
      if (caller.requester.has_value()) Receive(caller);
    }
  }

 private:
  struct Caller {
    RequesterOptions options;
    std::optional<Requester> requester;
    std::vector<CallId> calls;
    std::vector<Sample> replies;
  };
  struct Answerer {
    ReplierOptions options;
    std::optional<Replier> replier;
    std::vector<Request> requests;
    std::vector<Loan> loans;   // which came to nothing
  };

  Caller MakeCaller(Verify verify) const {
    Caller caller;
    caller.options = RequesterHere();
    caller.options.verify = verify;
    return caller;
  }
  Answerer MakeAnswerer(Verify verify) const {
    Answerer answerer;
    answerer.options = ReplierHere();
    answerer.options.verify = verify;
    return answerer;
  }

  static void Close(Caller& caller) {
    caller.requester.reset();
    caller.calls.clear();
  }
  void Call(Caller& caller) {
    if (Below(16) == 0) Went(caller.requester->WaitForRoom(AWhile()).status());
    for (int i = 0; i < 3; ++i) {
      const auto call = Send(*caller.requester);
      if (Went(call.status())) caller.calls.push_back(*call);
    }
  }
  absl::StatusOr<CallId> Send(Requester& requester) {
    const std::uint64_t bytes = Below(content_.size());
    const absl::Duration timeout = absl::Milliseconds(1 + Below(8));
    if (Below(4) != 0) return requester.SendCopy(content_.data(), bytes, Codec::kBytes, timeout);
    auto loan = requester.Loan();
    if (!loan.ok()) return loan.status();
    if (auto raw = loan->Raw(bytes); !raw.ok()) return raw.status();
    return requester.SendRaw(*std::move(loan), Codec::kBytes, timeout);
  }

  void Answer(Answerer& answerer) {
    for (int i = 0; answerer.replier.has_value() && i < 3; ++i) {
      auto request = Below(4) == 0 ? Waited(*answerer.replier) : answerer.replier->TryTake();
      if (!Went(request.status())) continue;
      if (!request->has_value()) break;
      Read(**request, answerer.replier->verify());
      answerer.requests.push_back(**std::move(request));
    }
    while (answerer.requests.size() > Below(4)) AnswerOne(answerer);
    while (answerer.loans.size() > Below(4)) answerer.loans.pop_back();
  }
  absl::StatusOr<std::optional<Request>> Waited(Replier& replier) {
    auto request = replier.Take(AWhile());
    if (!request.ok()) return request.status();
    return std::optional<Request>(*std::move(request));
  }
  void AnswerOne(Answerer& answerer) {
    std::swap(answerer.requests[Below(answerer.requests.size())], answerer.requests.back());
    Request request = std::move(answerer.requests.back());
    answerer.requests.pop_back();
    const std::uint64_t bytes = Below(4096);
    switch (Below(5)) {
      case 0: Went(request.Fail(absl::OutOfRangeError("no such number"))); return;
      case 1: return;   // which answers that it was dropped
      case 2: Went(request.ReplyCopy(content_.data(), bytes, Codec::kBytes)); return;
      default: AnswerByLoan(answerer, request, bytes); return;
    }
  }
  void AnswerByLoan(Answerer& answerer, Request& request, std::uint64_t bytes) {
    auto loan = request.ReplyLoan();
    if (!Went(loan.status())) return;
    const bool is_there = Went(loan->Raw(bytes).status());
    if (is_there && Below(4) != 0) {
      Went(request.ReplyRaw(*std::move(loan), Codec::kBytes));
    } else {
      answerer.loans.push_back(*std::move(loan));   // and the request is dropped
    }
  }

  void Receive(Caller& caller) {
    if (Below(8) == 0) Went(caller.requester->WaitForAnyReply(AWhile()).status());
    while (caller.calls.size() > Below(4)) ReceiveOne(caller);
    while (caller.replies.size() > Below(4)) caller.replies.pop_back();
  }
  void ReceiveOne(Caller& caller) {
    std::swap(caller.calls[Below(caller.calls.size())], caller.calls.back());
    const CallId call = caller.calls.back();
    Requester& requester = *caller.requester;
    if (Below(8) == 0) Went(requester.WaitForReply(call, AWhile()).status());
    if (Below(8) == 0) requester.Forget(call);
    auto reply = Below(2) == 0 ? requester.TryReceive(call) : Waited(requester, call);
    if (reply.ok() && !reply->has_value()) requester.Forget(call);
    caller.calls.pop_back();
    // What a replier answered is what the memory says.
    if (!reply.ok() && IsFromReplier(reply.status())) return;
    if (!Went(reply.status()) || !reply->has_value()) return;
    requester.IsLastReplyFromThisUser();
    Read(**reply, requester.verify());
    caller.replies.push_back(**std::move(reply));
  }
  absl::StatusOr<std::optional<Sample>> Waited(Requester& requester, CallId call) {
    auto reply = requester.Receive(call);
    if (!reply.ok()) return reply.status();
    return std::optional<Sample>(*std::move(reply));
  }

  const std::vector<std::uint8_t> content_ = std::vector<std::uint8_t>(8192, 5);
  Caller callers_[2] = {MakeCaller(Verify::kTrusted), MakeCaller(Verify::kUntrusted)};
  Answerer answerers_[2] = {MakeAnswerer(Verify::kTrusted), MakeAnswerer(Verify::kUntrusted)};
};
INSTANTIATE_TEST_SUITE_P(On, HostileWriterAtCalls,
                         ::testing::Values(Channel{"calls", OnFull::kBlock, false}, Channel{"calls_idempotent", OnFull::kFail, true}),
                         [](const auto& info) { return info.param.name; });

TEST_P(HostileWriterAtCalls, MakesErrorsAndNothingElse) { Fire(GetParam().name); }

}  // namespace
}  // namespace shmcomm::faults
