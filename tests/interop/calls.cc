// SPDX-License-Identifier: Apache-2.0
// One end of an interop test of calls: `interop_calls request|reply everything|plain|choice|tiny|blob`. Says "ready" once it
// has joined, then reads commands and answers each with a line. Ends with its input. Calls and requests count from 0.
//   requester: "start CASE", "result CALL" (the text of its reply, or its error)
//   replier:   "take" (the text of a request), "answer REQUEST CASE", "fail REQUEST TEXT"
#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cases.h"
#include "text.h"

namespace interop {
namespace {

constexpr unsigned kHungAfterSeconds = 120;

int Fail(const absl::Status& status) {
  std::cerr << status << "\n";
  return 1;
}

std::string ErrorText(const absl::Status& error) {
  const std::string code = absl::StatusCodeToString(error.code());
  if (shmcomm::IsFromReplier(error)) return "replied " + code + ": " + std::string(error.message());
  return code + (shmcomm::MaybeExecuted(error) ? ", maybe executed" : ", not executed");
}

template <class Requester>
class Asking {
 public:
  explicit Asking(Requester& requester) : requester_(requester) {}

  absl::StatusOr<std::string> Answer(const std::string& command, std::istream& arguments) {
    std::uint64_t number = 0;
    arguments >> number;
    if (command == "start") return Start(number);
    const auto reply = requester_.Receive(calls_.at(number));
    return reply.ok() ? Text(**reply) : ErrorText(reply.status());
  }

 private:
  absl::StatusOr<std::string> Start(std::uint64_t number) {
    const absl::StatusOr<shmcomm::CallId> call = requester_.Send(CaseOf<typename Requester::Request>(number));
    if (!call.ok()) return ErrorText(call.status());
    calls_.push_back(*call);
    return "started";
  }

  Requester& requester_;
  std::vector<shmcomm::CallId> calls_;
};

template <class Replier>
class Answering {
 public:
  explicit Answering(Replier& replier) : replier_(replier) {}

  absl::StatusOr<std::string> Answer(const std::string& command, std::istream& arguments) {
    if (command == "take") return Take();
    std::size_t which = 0;
    arguments >> which >> std::ws;
    const absl::Status answered = command == "fail" ? Refuse(requests_.at(which), arguments) : Reply(requests_.at(which), arguments);
    if (!answered.ok()) return answered;
    return "ok";
  }

 private:
  using Request = typename Replier::RequestSample;

  absl::StatusOr<std::string> Take() {
    absl::StatusOr<Request> request = replier_.Take(absl::InfiniteDuration());
    if (!request.ok()) return request.status();
    requests_.push_back(*std::move(request));
    return Text(*requests_.back());
  }
  static absl::Status Reply(Request& request, std::istream& arguments) {
    std::uint64_t number = 0;
    arguments >> number;
    return request.Reply(CaseOf<typename Replier::Reply>(number));
  }
  static absl::Status Refuse(Request& request, std::istream& arguments) {
    std::string text;
    std::getline(arguments, text);
    return request.Fail(absl::NotFoundError(text));
  }

  Replier& replier_;
  std::vector<Request> requests_;
};

/// Opens an end and answers commands with what `Answers` makes of them.
template <template <class> class Answers, class End>
int Serve() {
  absl::StatusOr<End> end = End::Open();
  if (!end.ok()) return Fail(end.status());
  Answers<End> answers(*end);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream arguments(line);
    std::string command;
    arguments >> command;
    const absl::StatusOr<std::string> said = answers.Answer(command, arguments);
    if (!said.ok()) return Fail(said.status());
    std::cout << *said << std::endl;
  }
  return 0;
}

template <class Requester, class Replier>
int Run(const std::string& role) {
  return role == "request" ? Serve<Asking, Requester>() : Serve<Answering, Replier>();
}

int Main(const std::string& role, const std::string& message) {
  if (message == "everything") return Run<EverythingCallsRequester, EverythingCallsReplier>(role);
  if (message == "plain") return Run<PlainCallsRequester, PlainCallsReplier>(role);
  if (message == "choice") return Run<ChoiceCallsRequester, ChoiceCallsReplier>(role);
  if (message == "tiny") return Run<TinyCallsRequester, TinyCallsReplier>(role);
  return Run<BlobCallsRequester, BlobCallsReplier>(role);
}

}  // namespace
}  // namespace interop

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: interop_calls request|reply everything|plain|choice|tiny|blob\n";
    return 2;
  }
  alarm(interop::kHungAfterSeconds);  // a peer that hangs must not outlive its test
  return interop::Main(argv[1], argv[2]);
}
