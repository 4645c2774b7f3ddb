// SPDX-License-Identifier: Apache-2.0
// Thousands of endpoints of all patterns die by SIGKILL at random moments, beside others that live on: afterwards the files
// are those of the living, and as large as they were. SHMCOMM_KILLED_ENDPOINTS sets how many die (600), SHMCOMM_SEED
// repeats a run's choices.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <memory>
#include <set>
#include <string>

#include "crash/killing.h"
#include "support/all_patterns.h"

namespace shmcomm::crash {
namespace {

struct Shared : KillingShared {
  std::atomic<std::uint64_t> opened;   // endpoints of victims
};

/// One of each kind, in three channels.
struct Ends {
  Publisher publisher;
  Subscriber subscriber;
  Pusher pusher;
  Puller puller;
  Requester requester;
  Replier replier;
};

class KillLeftovers : public KillingTest<Shared> {
 protected:
  template <class End, class Options>
  End Open(const ChannelSpec& spec) {
    auto end = End::Open(spec, Here<Options>());
    if (!end.ok()) {
      std::fprintf(stderr, "%s\n", end.status().ToString().c_str());
      _exit(1);
    }
    ++shared_->opened;
    return *std::move(end);
  }
  Ends OpenAll() {
    return {Open<Publisher, PublisherOptions>(test::NumbersSpec()), Open<Subscriber, SubscriberOptions>(test::NumbersSpec()),
            Open<Pusher, PusherOptions>(test::JobsSpec()),          Open<Puller, PullerOptions>(test::JobsSpec()),
            Open<Requester, RequesterOptions>(test::SumsSpec()),    Open<Replier, ReplierOptions>(test::SumsSpec())};
  }
  /// Something on its way in every channel, and some of it held. Errors are the others' deaths and no room.
  static void Exchange(Ends& ends) {
    static_cast<void>(test::Send(ends.publisher, 1));
    static_cast<void>(test::PushNumber(ends.pusher, 1, absl::ZeroDuration()));
    const auto call = test::SendNumber(ends.requester, 1, absl::Milliseconds(1));
    const auto sample = ends.subscriber.TryTake();
    auto job = ends.puller.TryTake();
    auto request = ends.replier.TryTake();
    if (job.ok() && job->has_value()) static_cast<void>((*job)->Ack());
    if (request.ok() && request->has_value()) static_cast<void>(test::ReplyNumber(**request, 1));
    if (call.ok()) ends.requester.Forget(*call);
  }
  void LiveUntilStopped() {
    Ends ends = OpenAll();
    static_cast<void>(ends.subscriber.fd());
    static_cast<void>(ends.requester.fd());
    while (!shared_->stop) Exchange(ends);
  }
  /// Whoever comes next cleans up; the second time also after what the first one's messages have pushed out.
  void ComeAndGo() {
    for (int i = 0; i < 2; ++i) {
      Ends newcomer = OpenAll();
      for (int message = 0; message < 40; ++message) Exchange(newcomer);
    }
  }
  struct Files {
    std::set<std::string> names;
    std::uint64_t bytes = 0;
  };
  Files FilesNow() const {
    Files files;
    for (const std::string& name : FilesLeft()) {
      struct stat status {};
      if (stat(name.c_str(), &status) != 0) continue;
      files.names.insert(name);
      files.bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    return files;
  }
};

TEST_F(KillLeftovers, AreThoseOfTheLiving) {
  const std::uint64_t endpoints = FromEnvironment("SHMCOMM_KILLED_ENDPOINTS", 600);
  auto living = std::make_unique<Ends>(OpenAll());
  // Every slot of theirs has been used, and every message in the rings is theirs.
  const auto settle = [&] {
    ComeAndGo();
    for (int message = 0; message < 100; ++message) Exchange(*living);
    OpenAll();   // finds what is in no ring now
  };
  ASSERT_NO_FATAL_FAILURE(settle());
  const Files before = FilesNow();
  shared_->opened = 0;

  for (int i = 0; i < 3; ++i) Start(true, [this](std::uint32_t) { LiveUntilStopped(); });
  while (shared_->opened < endpoints && shared_->wrongs == 0) KillAndReplace(20);
  const std::uint64_t killed = shared_->opened;
  StopAll();

  ASSERT_NO_FATAL_FAILURE(settle());
  const Files after = FilesNow();
  EXPECT_EQ(after.names, before.names);
  EXPECT_EQ(after.bytes, before.bytes);
  living.reset();
  EXPECT_EQ(FilesLeft(), std::vector<std::string>{});
  std::printf("kill_leftovers endpoints %llu files %zu of %zu bytes %llu of %llu\n", static_cast<unsigned long long>(killed),
              after.names.size(), before.names.size(), static_cast<unsigned long long>(after.bytes),
              static_cast<unsigned long long>(before.bytes));
}

}  // namespace
}  // namespace shmcomm::crash
