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
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crash/every_instruction/pubsub_operations.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "support/reqrep_channels.h"
#include "support/resources.h"
#include "support/temporary_root.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

/// The endpoints of one child; an attempt uses them.
struct Ends {
  std::string root;
  std::optional<Publisher> publisher;
  std::optional<Subscriber> subscriber;
  std::optional<Puller> puller;
  std::optional<Pusher> pusher;
  std::optional<Job> job;
  std::optional<Requester> requester;
  std::optional<Replier> replier;

  void CloseAll() {
    requester.reset();
    replier.reset();
    publisher.reset();
    subscriber.reset();
    job.reset();
    puller.reset();
    pusher.reset();
  }
};

struct Attempt {
  const char* name;
  std::function<absl::Status(Ends&)> before;
  std::function<absl::Status(Ends&)> attempt;
  bool keeps_some = false;   // what a refused attempt has mapped or made serves the next, and goes with the endpoint
};

// Bytes, in slots that commit their pages when they are first used.
ChannelSpec Bytes() {
  ChannelSpec spec = test::BytesSpec(64 << 10);
  spec.qos.max_subscribers = 3;
  return spec;
}

absl::Status OpenPublisher(Ends& ends) {
  auto opened = Publisher::Open(Bytes(), PublisherAt(ends.root));
  if (opened.ok()) ends.publisher.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenSubscriber(Ends& ends) {
  auto opened = Subscriber::Open(Bytes(), SubscriberAt(ends.root));
  if (opened.ok()) ends.subscriber.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenBoth(Ends& ends) {
  absl::Status status = OpenPublisher(ends);
  status.Update(OpenSubscriber(ends));
  return status;
}

absl::Status Publish(Ends& ends) {
  const std::vector<std::uint8_t> bytes(10'000, 7);
  return ends.publisher->PublishCopy(bytes.data(), bytes.size(), Codec::kBytes);
}

absl::Status OpenBothAndPublish(Ends& ends) {
  absl::Status status = OpenBoth(ends);
  if (status.ok()) status = Publish(ends);
  if (status.ok()) status = Publish(ends);
  return status;
}

/// A refused take leaves the message where it was, or skips it for ever where its file may not be read.
absl::Status Take(Ends& ends) { return ends.subscriber->Take(absl::ZeroDuration()).status(); }

absl::Status WaitForNothing(Ends& ends) { return ends.subscriber->Wait(absl::Milliseconds(1)).status(); }

absl::Status MakeDescriptor(Ends& ends) { return ends.subscriber->fd().status(); }

ChannelSpec Jobs() {
  ChannelSpec spec = Bytes();
  spec.name = "test/jobs";
  spec.pattern = Pattern::kPushPull;
  return spec;
}

absl::Status OpenPusher(Ends& ends) {
  PusherOptions options;
  options.root = ends.root;
  auto opened = Pusher::Open(Jobs(), options);
  if (opened.ok()) ends.pusher.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenPuller(Ends& ends) {
  PullerOptions options;
  options.root = ends.root;
  options.spin = absl::ZeroDuration();
  auto opened = Puller::Open(Jobs(), options);
  if (opened.ok()) ends.puller.emplace(*std::move(opened));
  return opened.status();
}

absl::Status OpenPusherAndPuller(Ends& ends) {
  absl::Status status = OpenPusher(ends);
  status.Update(OpenPuller(ends));
  return status;
}

absl::Status Push(Ends& ends) {
  const std::vector<std::uint8_t> bytes(10'000, 7);
  return ends.pusher->PushCopy(bytes.data(), bytes.size(), Codec::kBytes, absl::ZeroDuration());
}

/// Two jobs: where the first is given up, because its file may not be read, there is another.
absl::Status OpenAndPush(Ends& ends) {
  absl::Status status = OpenPusherAndPuller(ends);
  if (status.ok()) status = Push(ends);
  if (status.ok()) status = Push(ends);
  return status;
}

absl::Status TakeJob(Ends& ends) {
  auto job = ends.puller->Take(absl::ZeroDuration());
  if (job.ok()) ends.job = *std::move(job);
  return job.status();
}

absl::Status OpenPushAndTake(Ends& ends) {
  absl::Status status = OpenAndPush(ends);
  if (status.ok()) status = TakeJob(ends);
  return status;
}

absl::Status Ack(Ends& ends) { return ends.job->Ack(); }

absl::Status WaitForNoJob(Ends& ends) { return ends.puller->Wait(absl::Milliseconds(1)).status(); }

absl::Status MakePullerDescriptor(Ends& ends) { return ends.puller->fd().status(); }

absl::Status ClosePusher(Ends& ends) {
  ends.pusher->Close();
  return absl::OkStatus();
}

absl::Status ClosePuller(Ends& ends) {
  ends.puller->Close();
  return absl::OkStatus();
}

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

absl::Status OpenRequesterAndReplier(Ends& ends) {
  absl::Status status = OpenRequester(ends);
  status.Update(OpenReplier(ends));
  return status;
}

/// Answers whatever is there. The first refusal is told.
absl::Status AnswerAll(Replier& replier) {
  absl::Status status;
  for (;;) {
    auto request = replier.TryTake();
    if (!request.ok()) return request.status();
    if (!request->has_value()) return status;
    status.Update(test::ReplyNumber(**request, 8));
  }
}

/// A whole call. A reply that could not be given is told to the caller as well.
absl::Status Call(Ends& ends) {
  const auto call = test::SendNumber(*ends.requester, 7, absl::Seconds(60));
  if (!call.ok()) return call.status();
  const absl::Status answered = AnswerAll(*ends.replier);
  if (!answered.ok()) {
    ends.requester->Forget(*call);
    return answered;
  }
  return ends.requester->Receive(*call).status();
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

absl::Status Nothing(Ends&) { return absl::OkStatus(); }

absl::Status ClosePublisher(Ends& ends) {
  ends.publisher->Close();
  return absl::OkStatus();
}

absl::Status CloseSubscriber(Ends& ends) {
  ends.subscriber->Close();
  return absl::OkStatus();
}

const std::vector<Attempt> kAttempts = {
    {"open_publisher", Nothing, OpenPublisher},     {"open_subscriber", Nothing, OpenSubscriber},
    {"join_as_publisher", OpenSubscriber, OpenPublisher}, {"join_as_subscriber", OpenPublisher, OpenSubscriber},
    {"publish", OpenBoth, Publish},                 {"take", OpenBothAndPublish, Take},
    {"wait", OpenBoth, WaitForNothing},             {"close_publisher", OpenBothAndPublish, ClosePublisher},
    {"close_subscriber", OpenBothAndPublish, CloseSubscriber}, {"make_descriptor", OpenBoth, MakeDescriptor, true},
    {"open_pusher", Nothing, OpenPusher},           {"open_puller", Nothing, OpenPuller},
    {"join_as_pusher", OpenPuller, OpenPusher},     {"join_as_puller", OpenPusher, OpenPuller},
    {"push", OpenPusherAndPuller, Push},            {"take_job", OpenAndPush, TakeJob},
    {"ack", OpenPushAndTake, Ack},                  {"wait_for_job", OpenPusherAndPuller, WaitForNoJob},
    {"make_puller_descriptor", OpenPuller, MakePullerDescriptor, true}, {"close_pusher", OpenAndPush, ClosePusher},
    {"close_puller", OpenAndPush, ClosePuller},
    {"open_requester", Nothing, OpenRequester},     {"open_replier", Nothing, OpenReplier},
    {"join_as_requester", OpenReplier, OpenRequester}, {"join_as_replier", OpenRequester, OpenReplier},
    {"first_call", OpenRequesterAndReplier, Call, true}, {"call", OpenAndCall, Call},
    {"close_requester", OpenAndCall, CloseRequester}, {"close_replier", OpenAndCall, CloseReplier},
};

/// For GoogleTest.
void PrintTo(const Attempt& attempt, std::ostream* out) { *out << attempt.name; }

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
    return true;
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
  /// What is closed is closed, whatever the call says: a failure that is played here would be a leak of our own. And
  /// no system refuses to tell about an open descriptor.
  static bool CanFail(const TracedChild::SystemCall& call, int error) {
    if (error == EINTR) return IsInterruptible(call.number);
    const bool is_fstat = call.number == SYS_fstat ||
                          (call.number == SYS_newfstatat && (call.fourth_argument & AT_EMPTY_PATH) != 0);
    return !is_fstat && call.number != SYS_close && call.number != SYS_munmap;
  }
  static bool IsInterruptible(long call) {
    return call == SYS_openat || call == SYS_fallocate || call == SYS_write || call == SYS_flock || call == SYS_futex;
  }

  /// Whatever a refused removal left, the next one removes.
  void ExpectNothingIsLeft() {
    Ends ends;
    ends.root = root_.path();
    ASSERT_TRUE(OpenPublisher(ends).ok());
    ends.publisher.reset();
    ASSERT_TRUE(root_.IsEmpty());
  }

  test::TemporaryRoot root_;
  long last_ = 0;
  test::Watchdog watchdog_{GetParam().name};
};

std::string NameOf(const ::testing::TestParamInfo<Attempt>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Of, FailingSystemCall, ::testing::ValuesIn(kAttempts), NameOf);

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
