// SPDX-License-Identifier: Apache-2.0
// A C++ participant of the chaos soak; what both do, participant.py does the same, with the same log.
//   soak_participant publish|read CHANNEL SOURCE GENERATION LOG
//   soak_participant push|pull|anchor jobs …, call|serve|anchor calls …   (C++ alone)
// An anchor is attached from beginning to end, so that the channel stays; that of jobs does what is left in the end.
// It goes on until SIGTERM. SIGUSR1: it executes itself anew. SIGUSR2: it forks a child that tries the endpoint.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "soak.shm.h"

namespace {

volatile std::sig_atomic_t is_over = 0;
volatile std::sig_atomic_t must_exec = 0;
volatile std::sig_atomic_t must_fork = 0;

/// Nobody is struck before it can note the blow: the signals are blocked from exec to here.
void SetSignals(int how) {
  sigset_t all;
  sigemptyset(&all);
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&all, signal);
  sigprocmask(how, &all, nullptr);
}

void Note(int signal) {
  (signal == SIGUSR1 ? must_exec : signal == SIGUSR2 ? must_fork : is_over) = 1;
}

struct Participant {
  std::uint32_t source;
  std::uint64_t generation;
  int log;
  char** arguments;
  std::mt19937_64 random;
};

/// One line of the log, six numbers: kind, sequence, lost, source, generation, count.
using Line = std::array<std::uint64_t, 6>;
enum Kind : std::uint64_t {
  kOpened = 0, kTaken = 1, kTorn = 2, kError = 3,
  kPushed = 4,   // a job is given out; kTaken has its attempt in the place of lost
  kDone = 5,     // and acknowledged
  kCalling = 6, kAnswered = 7, kUnanswered = 8,   // a call, and its end; lost is 1 where it may have been executed
};

void Write(const Participant& self, const Line& line) {
  if (write(self.log, line.data(), sizeof(line)) != sizeof(line)) std::abort();
}

std::uint64_t SumOf(std::uint32_t source, std::uint64_t generation, std::uint64_t count,
                    const flatbuffers::Vector<std::uint64_t>& content) {
  std::uint64_t sum = source + generation * 1009 + count * 9176;
  for (const std::uint64_t word : content) sum = sum * 31 + word;
  return sum;
}

bool IsWhole(const soak::Beat& beat) {
  return beat.checksum() == SumOf(beat.source(), beat.generation(), beat.count(), *beat.content());
}

Line LineOf(Kind kind, std::uint64_t sequence, std::uint64_t attempt, const soak::Beat& beat) {
  return {IsWhole(beat) ? kind : kTorn, sequence, attempt, beat.source(), beat.generation(), beat.count()};
}

flatbuffers::Offset<soak::Beat> Build(flatbuffers::FlatBufferBuilder& builder, const Participant& self, std::uint64_t count) {
  std::vector<std::uint64_t> words(self.generation % 7 + count % 100);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = count * 1000 + i;
  std::uint64_t sum = self.source + self.generation * 1009 + count * 9176;
  for (const std::uint64_t word : words) sum = sum * 31 + word;
  return soak::CreateBeat(builder, self.source, self.generation, count, builder.CreateVector(words), sum);
}

/// A child of ours is nobody: its endpoint refuses, and our death is seen though it lives on for a while.
template <class Use>
void Fork(Use&& use) {
  must_fork = 0;
  if (fork() == 0) {
    const bool refused = use().code() == absl::StatusCode::kFailedPrecondition;
    absl::SleepFor(absl::Milliseconds(50));
    _exit(refused ? 0 : 1);
  }
}

void Obey(const Participant& self) {
  int status = 0;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    if (status != 0) Write(self, {kError, 100, 0, self.source, self.generation, 0});
  }
  if (must_exec == 0) return;
  SetSignals(SIG_BLOCK);
  if (is_over == 0) execv("/proc/self/exe", self.arguments);
  SetSignals(SIG_UNBLOCK);  // told to end as well: a program that begins anew would not know
}

void Complain(const Participant& self, const absl::Status& status) {
  std::fprintf(stderr, "source %u: %s\n", self.source, status.ToString().c_str());
  Write(self, {kError, static_cast<std::uint64_t>(status.code()), 0, self.source, self.generation, 0});
}

template <class Publisher>
void Publish(Participant& self) {
  std::uint64_t count = 0;
  while (is_over == 0) {
    shmcomm::PublisherOptions options;
    options.publish_timeout = absl::Milliseconds(200);
    auto publisher = Publisher::Open(options);
    if (!publisher.ok()) {
      Complain(self, publisher.status());
      continue;
    }
    for (std::uint64_t left = 50 + self.random() % 2000; left > 0 && is_over == 0; --left) {
      ++count;
      const absl::Status sent = publisher->Publish([&](auto& builder) { return Build(builder, self, count); });
      // A reliable ring stays full while a subscriber of it is stopped: the message is dropped, and its number given again.
      if (absl::IsResourceExhausted(sent)) --count;
      if (!sent.ok() && !absl::IsResourceExhausted(sent)) Complain(self, sent);
      if (must_fork != 0) Fork([&] { return publisher->Publish([&](auto& builder) { return Build(builder, self, 0); }); });
      Obey(self);
      absl::SleepFor(absl::Microseconds(self.random() % 600));
    }
  }
}

template <class Subscriber>
void Read(Participant& self) {
  while (is_over == 0) {
    auto subscriber = Subscriber::Open();
    if (!subscriber.ok()) {
      Complain(self, subscriber.status());
      continue;
    }
    Write(self, {kOpened, 0, 0, self.source, self.generation, 0});
    const absl::Time until = absl::Now() + absl::Milliseconds(100 + static_cast<std::int64_t>(self.random() % 2000));
    while (absl::Now() < until && is_over == 0) {
      auto beat = subscriber->Take(absl::Milliseconds(20));
      if (beat.ok()) {
        Write(self, LineOf(kTaken, beat->sequence(), beat->lost(), **beat));
      } else if (!absl::IsDeadlineExceeded(beat.status())) {
        Complain(self, beat.status());
      }
      if (must_fork != 0) Fork([&] { return subscriber->TryTake().status(); });
      Obey(self);
    }
  }
}

void Push(Participant& self) {
  std::uint64_t count = 0;
  while (is_over == 0) {
    auto pusher = soak::JobsPusher::Open();
    if (!pusher.ok()) {
      Complain(self, pusher.status());
      continue;
    }
    for (std::uint64_t left = 50 + self.random() % 2000; left > 0 && is_over == 0; --left) {
      ++count;
      const absl::Status sent = pusher->Push([&](auto& builder) { return Build(builder, self, count); }, absl::Milliseconds(200));
      // The ring stays full while a puller of its oldest job is stopped: the job is dropped, and its number given again.
      if (absl::IsResourceExhausted(sent)) --count;
      if (sent.ok()) Write(self, {kPushed, 0, 0, self.source, self.generation, count});
      if (!sent.ok() && !absl::IsResourceExhausted(sent)) Complain(self, sent);
      if (must_fork != 0) Fork([&] { return pusher->Push([&](auto& builder) { return Build(builder, self, 0); }); });
      Obey(self);
      absl::SleepFor(absl::Microseconds(self.random() % 2000));
    }
  }
}

/// Mostly nothing; sometimes long enough to be struck in it.
void Work(Participant& self) {
  if (self.random() % 16 == 0) absl::SleepFor(absl::Milliseconds(5));
}

/// False when there was none within `timeout`.
bool DoOneJob(Participant& self, soak::JobsPuller& puller, absl::Duration timeout) {
  auto job = puller.Take(timeout);
  if (!job.ok()) {
    if (!absl::IsDeadlineExceeded(job.status())) Complain(self, job.status());
    return false;
  }
  const Line done = LineOf(kDone, job->sequence(), job->attempt(), **job);
  Write(self, LineOf(kTaken, job->sequence(), job->attempt(), **job));
  Work(self);
  if (const absl::Status acknowledged = job->Ack(); !acknowledged.ok()) {
    Complain(self, acknowledged);
  } else {
    Write(self, done);
  }
  return true;
}

void Pull(Participant& self) {
  while (is_over == 0) {
    auto puller = soak::JobsPuller::Open();
    if (!puller.ok()) {
      Complain(self, puller.status());
      continue;
    }
    Write(self, {kOpened, 0, 0, self.source, self.generation, 0});
    const absl::Time until = absl::Now() + absl::Milliseconds(100 + static_cast<std::int64_t>(self.random() % 2000));
    while (absl::Now() < until && is_over == 0) {
      DoOneJob(self, *puller, absl::Milliseconds(20));
      if (must_fork != 0) Fork([&] { return puller->TryTake().status(); });
      Obey(self);
    }
  }
}

void Call(Participant& self) {
  std::uint64_t count = 0;
  shmcomm::RequesterOptions options;
  options.wait_for_replier = true;
  while (is_over == 0) {
    auto requester = soak::CallsRequester::Open(options);
    if (!requester.ok()) {
      Complain(self, requester.status());
      continue;
    }
    for (std::uint64_t left = 50 + self.random() % 1000; left > 0 && is_over == 0; --left) {
      ++count;
      Write(self, {kCalling, 0, 0, self.source, self.generation, count});
      auto call = requester->Send([&](auto& builder) { return Build(builder, self, count); }, absl::Seconds(2));
      auto reply = call.ok() ? requester->Receive(*call) : absl::StatusOr<soak::CallsRequester::ReplySample>(call.status());
      if (reply.ok()) {
        Write(self, LineOf(kAnswered, 0, 0, **reply));
      } else {
        const bool maybe = call.ok() && shmcomm::MaybeExecuted(reply.status());
        Write(self, {kUnanswered, static_cast<std::uint64_t>(reply.status().code()), maybe, self.source, self.generation, count});
      }
      if (must_fork != 0) Fork([&] { return requester->Send([&](auto& builder) { return Build(builder, self, 0); }).status(); });
      Obey(self);
      absl::SleepFor(absl::Microseconds(self.random() % 2000));
    }
  }
}

void Serve(Participant& self) {
  while (is_over == 0) {
    auto replier = soak::CallsReplier::Open();
    if (!replier.ok()) {
      Complain(self, replier.status());
      continue;
    }
    const absl::Time until = absl::Now() + absl::Milliseconds(100 + static_cast<std::int64_t>(self.random() % 2000));
    while (absl::Now() < until && is_over == 0) {
      auto request = replier->Take(absl::Milliseconds(20));
      if (request.ok()) {
        const soak::Beat& beat = **request;
        Write(self, LineOf(kTaken, 0, 0, beat));
        Work(self);
        // Whoever asked may have died or given up.
        request->Reply([&](auto& builder) {
          const std::vector<std::uint64_t> words(beat.content()->begin(), beat.content()->end());
          return soak::CreateBeat(builder, beat.source(), beat.generation(), beat.count(), builder.CreateVector(words),
                                  beat.checksum());
        }).IgnoreError();
      } else if (!absl::IsDeadlineExceeded(request.status())) {
        Complain(self, request.status());
      }
      if (must_fork != 0) Fork([&] { return replier->TryTake().status(); });
      Obey(self);
    }
  }
}

/// Attached and idle until it is told to end.
template <class End>
auto OpenUntilOver(Participant& self) {
  auto end = End::Open();
  if (!end.ok()) Complain(self, end.status());
  Write(self, {kOpened, 0, 0, self.source, self.generation, 0});
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
void Live(Participant& self, const std::string& role) {
  role == "publish" ? Publish<Publisher>(self) : Read<Subscriber>(self);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s publish|read|push|pull|call|serve|anchor CHANNEL SOURCE GENERATION LOG\n", argv[0]);
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
  const std::string role = argv[1];
  const std::string channel = argv[2];
  if (channel == "shared") Live<soak::SharedPublisher, soak::SharedSubscriber>(self, role);
  if (channel == "sole") Live<soak::SolePublisher, soak::SoleSubscriber>(self, role);
  if (channel == "reliable") Live<soak::ReliablePublisher, soak::ReliableSubscriber>(self, role);
  if (role == "push") Push(self);
  if (role == "pull") Pull(self);
  if (role == "call") Call(self);
  if (role == "serve") Serve(self);
  if (role == "anchor" && channel == "jobs") DoTheLastJobs(self);
  if (role == "anchor" && channel == "calls") static_cast<void>(OpenUntilOver<soak::CallsRequester>(self));
  return 0;
}
