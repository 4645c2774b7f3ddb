// SPDX-License-Identifier: Apache-2.0
// A C++ participant of the chaos soak; participant.py does the same, with the same log.
//   soak_participant publish|read CHANNEL SOURCE GENERATION LOG WAY
//   soak_participant push|pull|anchor jobs …, call|serve|anchor calls …, anchor shared|reliable|quiet …   (anchors are C++ alone)
// WAY is how readers and pullers wait: take, set, crowd or descriptor (waiting.h).
// An anchor is attached from beginning to end, so that the channel stays, and what others leave in it can be seen before the
// last one sweeps it; that of jobs does what is left in the end.
// It goes on until SIGTERM. SIGUSR1: it executes itself anew. SIGUSR2: it forks a child that tries the endpoint.
#include "participant.h"

#include <utility>

#include "waiting.h"

namespace shmcomm::soak_test {
namespace {

void Pause(Participant& self, std::uint64_t most_us) { absl::SleepFor(absl::Microseconds(self.random() % most_us)); }

/// Whether a message went out; the number of one that did not is given again.
bool WentOut(Participant& self, const absl::Status& sent, std::uint64_t begun_ns) {
  if (absl::IsResourceExhausted(sent)) --self.count;
  if (!sent.ok() && !IsRingFull(sent)) Complain(self, sent, begun_ns);
  return sent.ok();
}

template <class Publisher>
void Publish(Participant& self) {
  shmcomm::PublisherOptions options;
  options.publish_timeout = absl::Milliseconds(200);
  Live(
      self, [&] { return Publisher::Open(options); },
      [&](Publisher& publisher) {
        const std::uint64_t begun_ns = MonotonicNs();
        ++self.count;
        WentOut(self, publisher.Publish([&](auto& builder) { return Build(builder, self, self.count); }), begun_ns);
        Pause(self, 600);
      },
      [&](Publisher& publisher) { return publisher.Publish([&](auto& builder) { return Build(builder, self, 0); }); });
}

template <class Subscriber>
void Read(Participant& self, const std::string& way) {
  Live(
      self, [&] { return Waiting<Subscriber>::Open(way); },
      [&](Waiting<Subscriber>& subscriber) {
        const std::uint64_t begun_ns = MonotonicNs();
        auto beat = subscriber.Take(absl::Milliseconds(20));
        if (beat.ok()) {
          Write(self, LineOf(kTaken, beat->sequence(), beat->lost(), **beat));
        } else if (!absl::IsDeadlineExceeded(beat.status())) {
          Complain(self, beat.status(), begun_ns);
        }
      },
      [](Waiting<Subscriber>& subscriber) { return subscriber.TryTake().status(); });
}

void Push(Participant& self) {
  Live(
      self, [] { return soak::JobsPusher::Open(); },
      [&](soak::JobsPusher& pusher) {
        const std::uint64_t begun_ns = MonotonicNs();
        ++self.count;
        const absl::Status sent =
            pusher.Push([&](auto& builder) { return Build(builder, self, self.count); }, absl::Milliseconds(200));
        if (WentOut(self, sent, begun_ns)) WriteOwn(self, kPushed);
        Pause(self, 2000);
      },
      [&](soak::JobsPusher& pusher) { return pusher.Push([&](auto& builder) { return Build(builder, self, 0); }); });
}

/// Mostly nothing; sometimes long enough to be struck in it.
void Work(Participant& self) {
  if (self.random() % 16 == 0) absl::SleepFor(absl::Milliseconds(5));
}

/// False when there was none within `timeout`.
template <class Puller>
bool DoOneJob(Participant& self, Puller& puller, absl::Duration timeout) {
  const std::uint64_t begun_ns = MonotonicNs();
  auto job = puller.Take(timeout);
  if (!job.ok()) {
    if (!absl::IsDeadlineExceeded(job.status())) Complain(self, job.status(), begun_ns);
    return false;
  }
  const Line done = LineOf(kDone, job->sequence(), job->attempt(), **job);
  Write(self, LineOf(kTaken, job->sequence(), job->attempt(), **job));
  Work(self);
  if (const absl::Status acknowledged = job->Ack(); !acknowledged.ok()) {
    Complain(self, acknowledged, begun_ns);
  } else {
    Write(self, done);
  }
  return true;
}

void Pull(Participant& self, const std::string& way) {
  using Puller = Waiting<soak::JobsPuller>;
  Live(
      self, [&] { return Puller::Open(way); }, [&](Puller& puller) { DoOneJob(self, puller, absl::Milliseconds(20)); },
      [](Puller& puller) { return puller.TryTake().status(); });
}

void CallOnce(Participant& self, soak::CallsRequester& requester) {
  const std::uint64_t begun_ns = MonotonicNs();
  ++self.count;
  WriteOwn(self, kCalling);
  auto call = requester.Send([&](auto& builder) { return Build(builder, self, self.count); }, absl::Seconds(2));
  auto reply = call.ok() ? requester.Receive(*call) : absl::StatusOr<soak::CallsRequester::ReplySample>(call.status());
  if (reply.ok()) return Write(self, LineOf(kAnswered, 0, 0, **reply));
  const bool maybe = call.ok() && shmcomm::MaybeExecuted(reply.status());
  WriteOwn(self, kUnanswered, static_cast<std::uint64_t>(reply.status().code()), maybe);
  if (absl::IsResourceExhausted(reply.status()) && !IsRingFull(reply.status())) Complain(self, reply.status(), begun_ns);
}

void Call(Participant& self) {
  shmcomm::RequesterOptions options;
  options.wait_for_replier = true;
  Live(
      self, [&] { return soak::CallsRequester::Open(options); },
      [&](soak::CallsRequester& requester) {
        CallOnce(self, requester);
        Pause(self, 2000);
      },
      [&](soak::CallsRequester& requester) {
        return requester.Send([&](auto& builder) { return Build(builder, self, 0); }).status();
      });
}

void Serve(Participant& self) {
  const auto answer = [&](soak::CallsReplier& replier) {
    const std::uint64_t begun_ns = MonotonicNs();
    auto request = replier.Take(absl::Milliseconds(20));
    if (!request.ok()) {
      if (!absl::IsDeadlineExceeded(request.status())) Complain(self, request.status(), begun_ns);
      return;
    }
    const soak::Beat& beat = **request;
    Write(self, LineOf(kTaken, 0, 0, beat));
    Work(self);
    const absl::Status answered = request->Reply([&](auto& builder) {
      const std::vector<std::uint64_t> words(beat.content()->begin(), beat.content()->end());
      return soak::CreateBeat(builder, beat.source(), beat.generation(), beat.count(), builder.CreateVector(words),
                              beat.checksum());
    });
    // Otherwise whoever asked died or gave up.
    if (absl::IsResourceExhausted(answered)) Complain(self, answered, begun_ns);
  };
  Live(
      self, [] { return soak::CallsReplier::Open(); }, answer,
      [](soak::CallsReplier& replier) { return replier.TryTake().status(); });
}

/// Attached and idle until it is told to end.
template <class End>
auto OpenUntilOver(Participant& self) {
  std::uint64_t begun_ns = MonotonicNs();
  auto end = End::Open();
  while (!end.ok() && is_over == 0) {
    Complain(self, end.status(), std::exchange(begun_ns, MonotonicNs()));
    end = End::Open();
  }
  WriteOwn(self, kOpened);
  while (is_over == 0) absl::SleepFor(absl::Milliseconds(10));
  return end;
}

/// Longer than a dead puller's jobs take to come back.
void DoTheLastJobs(Participant& self) {
  auto puller = OpenUntilOver<soak::JobsPuller>(self);
  while (puller.ok() && DoOneJob(self, *puller, absl::Seconds(2))) {
  }
}

template <class Publisher, class Subscriber>
void PublishOrRead(Participant& self, const std::string& role, const std::string& way) {
  if (role == "publish") Publish<Publisher>(self);
  if (role == "read") Read<Subscriber>(self, way);
  if (role == "anchor") static_cast<void>(OpenUntilOver<Publisher>(self));   // it publishes nothing, and holds nobody up
}

void Begin(Participant& self, const std::string& role, const std::string& channel, const std::string& way) {
  if (channel == "shared") PublishOrRead<soak::SharedPublisher, soak::SharedSubscriber>(self, role, way);
  if (channel == "sole") PublishOrRead<soak::SolePublisher, soak::SoleSubscriber>(self, role, way);
  if (channel == "reliable") PublishOrRead<soak::ReliablePublisher, soak::ReliableSubscriber>(self, role, way);
  if (channel == "quiet") static_cast<void>(OpenUntilOver<soak::QuietSubscriber>(self));
  if (role == "push") Push(self);
  if (role == "pull") Pull(self, way);
  if (role == "call") Call(self);
  if (role == "serve") Serve(self);
  if (role == "anchor" && channel == "jobs") DoTheLastJobs(self);
  if (role == "anchor" && channel == "calls") static_cast<void>(OpenUntilOver<soak::CallsRequester>(self));
}

}  // namespace
}  // namespace shmcomm::soak_test

int main(int argc, char** argv) {
  using namespace shmcomm::soak_test;
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s publish|read|push|pull|call|serve|anchor CHANNEL SOURCE GENERATION LOG WAY\n", argv[0]);
    return 2;
  }
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2}) std::signal(signal, &Note);
  SetSignals(SIG_UNBLOCK);
  Participant self{static_cast<std::uint32_t>(std::atoi(argv[3])), std::strtoull(argv[4], nullptr, 10),
                   open(argv[5], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), argv, std::mt19937_64(getpid())};
  // As many as were executed anew before us: a process's generation grows with each.
  const char* lives = std::getenv("SOAK_LIVES");
  const std::uint64_t life = lives == nullptr ? 0 : std::strtoull(lives, nullptr, 10);
  setenv("SOAK_LIVES", std::to_string(life + 1).c_str(), 1);
  self.generation = self.generation * 1000 + life;
  Begin(self, argv[1], argv[2], argv[6]);
  return 0;
}
