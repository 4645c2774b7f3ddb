// SPDX-License-Identifier: Apache-2.0
// What a program does to itself: fork, exec, threads that end, signal handlers, all descriptors closed.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

#include "support/forked_child.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

ChannelSpec Spec() {
  ChannelSpec spec = test::NumbersSpec();
  spec.qos.max_subscribers = 1;
  return spec;
}

class Process : public test::EndpointTest {};

TEST_F(Process, ThatExecsIsDeadToTheOthers) {
  const Publisher stays = OpenPublisher(Spec());
  int came[2];
  ASSERT_EQ(pipe(came), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto subscriber = Subscriber::Open(Spec(), SubscriberHere());
    if (!subscriber.ok() || write(came[1], "x", 1) != 1) _exit(1);
    execl("/bin/sleep", "sleep", "1000", nullptr);
    _exit(2);
  }
  char byte;
  ASSERT_EQ(read(came[0], &byte, 1), 1);

  // The only place becomes free while the process lives on as another program.
  const Subscriber next = OpenSubscriber(Spec());
  EXPECT_TRUE(next.is_open());
  EXPECT_EQ(kill(child, 0), 0);

  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(came[0]);
  close(came[1]);
}

TEST_F(Process, ThatForksAndDiesIsDeadThoughItsChildLives) {
  int came[2];
  int go[2];
  ASSERT_EQ(pipe(came), 0);
  ASSERT_EQ(pipe(go), 0);
  const Publisher stays = OpenPublisher(Spec());
  const pid_t parent = fork();
  if (parent == 0) {
    auto subscriber = Subscriber::Open(Spec(), SubscriberHere());
    if (!subscriber.ok()) _exit(1);
    if (fork() == 0) {
      close(go[1]);
      char byte;
      static_cast<void>(!write(came[1], "x", 1));
      _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);  // lives until the test ends
    }
    for (;;) pause();
  }
  char byte;
  ASSERT_EQ(read(came[0], &byte, 1), 1);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);

  EXPECT_TRUE(OpenSubscriber(Spec()).is_open());

  for (const int descriptor : {came[0], came[1], go[0], go[1]}) close(descriptor);
}

TEST_F(Process, WhoseChildUsesItsEndpointsGetsAnErrorThere) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  ASSERT_TRUE(test::Send(publisher, 1).ok());

  EXPECT_EQ(test::ExitStatusOf([&] {
              const bool refused = absl::IsFailedPrecondition(test::Send(publisher, 2)) &&
                                   absl::IsFailedPrecondition(subscriber.TryTake().status());
              publisher.Close();
              subscriber.Close();
              return refused ? 0 : 1;
            }),
            0);

  EXPECT_EQ(test::TakeValues(subscriber), std::vector<std::uint64_t>{1});
  EXPECT_TRUE(test::Send(publisher, 3).ok());
}

TEST_F(Process, MayUseAnEndpointFromAThreadThatEnds) {
  std::optional<Publisher> publisher;
  std::optional<Subscriber> subscriber;
  std::thread([&] { publisher.emplace(OpenPublisher(Spec())); }).join();
  std::thread([&] { subscriber.emplace(OpenSubscriber(Spec())); }).join();

  for (std::uint64_t i = 0; i < 20; ++i) {
    std::thread([&] { ASSERT_TRUE(test::Send(*publisher, i).ok()); }).join();
    std::thread([&] { ASSERT_EQ(test::TakeValues(*subscriber), std::vector<std::uint64_t>{i}); }).join();
  }
}

std::optional<Publisher>* of_handler = nullptr;
std::atomic<std::uint64_t> handled{0};

void PublishInHandler(int) {
  if (test::Send(**of_handler, 5).ok()) ++handled;
}

TEST_F(Process, MayPublishOnAnotherEndpointInASignalHandler) {
  std::optional<Publisher> rare;
  rare.emplace(OpenPublisher(test::NumbersSpec()));
  Publisher busy = OpenPublisher(test::NumbersSpec());
  Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
  of_handler = &rare;
  handled = 0;
  struct sigaction action {};
  action.sa_handler = &PublishInHandler;
  struct sigaction old {};
  sigaction(SIGALRM, &action, &old);
  const itimerval often{{0, 100}, {0, 100}};
  setitimer(ITIMER_REAL, &often, nullptr);

  std::uint64_t next = test::FirstSequence();
  for (std::uint64_t i = 0; i < 20'000 || handled < 20; ++i) {
    ASSERT_TRUE(test::Send(busy, 6).ok());
    for (;;) {
      const auto sample = subscriber.TryTake();
      ASSERT_TRUE(sample.ok()) << sample.status();
      if (!sample->has_value()) break;
      ASSERT_EQ((*sample)->sequence(), next + (*sample)->lost());
      next = (*sample)->sequence() + 1;
    }
    ASSERT_TRUE(subscriber.Wait(absl::Nanoseconds(1)).ok());
  }

  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &old, nullptr);
}

TEST_F(Process, ThatClosesAllItsDescriptorsLearnsThatItsLocksAreGone) {
  EXPECT_EQ(test::ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(Spec());
              Subscriber subscriber = OpenSubscriber(Spec());
              for (int descriptor = 3; descriptor < 256; ++descriptor) close(descriptor);
              if (!absl::IsFailedPrecondition(subscriber.Wait(absl::Milliseconds(1)).status())) return 1;
              absl::Status sent;
              for (int i = 0; sent.ok() && i < 2048; ++i) sent = test::Send(publisher, 1);
              return absl::IsFailedPrecondition(sent) ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace shmcomm::faults
