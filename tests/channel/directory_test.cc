// SPDX-License-Identifier: Apache-2.0
#include "channel/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "support/forked_child.h"
#include "support/hand_laid.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm::channel {
namespace {

using absl::StatusCode;
using test::StayingChild;

/// A channel that consists of a meta file holding `text`.
absl::Status CreateWith(int directory, const std::string& text) {
  absl::StatusOr<platform::Descriptor> file = platform::CreateUnnamedFile(directory, 0);
  if (!file.ok()) return file.status();
  if (absl::Status s = platform::WriteAll(file->get(), text.data(), text.size()); !s.ok()) return s;
  return platform::LinkFile(file->get(), directory, kMetaFile);
}

class Attached : public testing::Test {
 protected:
  Place PlaceOf(const std::string& channel) const { return Place{root_.path(), "domain", channel, channel, false}; }
  absl::StatusOr<Directory> AttachTo(const std::string& channel, const std::string& text = "text") const {
    return Attach(PlaceOf(channel), [&](int fd) { return CreateWith(fd, text); });
  }
  std::string Path(const std::string& channel, const std::string& file = "meta") const {
    return root_ / ("domain/" + channel + "/" + file);
  }

  test::TemporaryRoot root_;
};

TEST_F(Attached, FirstCreatesTheChannel) {
  const auto directory = AttachTo("c");

  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(test::ReadFile(Path("c")), "text");
}

TEST_F(Attached, SecondJoinsIt) {
  const auto first = AttachTo("c", "first");
  const auto second = AttachTo("c", "second");

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(test::ReadFile(Path("c")), "first");
}

TEST_F(Attached, LastOneOutRemovesItAndTheEmptyDomain) {
  {
    const auto first = AttachTo("c");
    {
      const auto second = AttachTo("c");
      ASSERT_TRUE(first.ok() && second.ok());
    }
    EXPECT_TRUE(test::Exists(Path("c")));
  }

  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(Attached, LastOneOutLeavesOtherChannelsOfTheDomain) {
  const auto other = AttachTo("other");
  AttachTo("c").IgnoreError();

  EXPECT_TRUE(test::Exists(Path("other")));
  EXPECT_FALSE(test::Exists(Path("c")));
}

TEST_F(Attached, RemovesWhateverLiesInTheChannel) {
  {
    const auto directory = AttachTo("c");
    test::WriteFile(Path("c", "pub.1.1"), "slots");
  }

  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(Attached, ReplacesWhatTheDeadLeft) {
  StayingChild child([&](const auto& stay) {
    const auto directory = AttachTo("c", "old");
    test::WriteFile(Path("c", "pub.1.1"), "slots");
    if (directory.ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  child.Kill();
  ASSERT_TRUE(test::Exists(Path("c")));

  const auto directory = AttachTo("c", "new");

  ASSERT_TRUE(directory.ok());
  EXPECT_EQ(test::ReadFile(Path("c")), "new");
  EXPECT_FALSE(test::Exists(Path("c", "pub.1.1")));
}

TEST_F(Attached, JoinsWhatOneLivingProcessStillHas) {
  StayingChild dead([&](const auto& stay) {
    const auto directory = AttachTo("c", "old");
    stay();
  });
  StayingChild living([&](const auto& stay) {
    const auto directory = AttachTo("c", "newer");
    stay();
  });
  ASSERT_TRUE(dead.is_there() && living.is_there());
  dead.Kill();

  const auto directory = AttachTo("c", "newest");

  ASSERT_TRUE(directory.ok());
  EXPECT_EQ(test::ReadFile(Path("c")), "old");
}

TEST_F(Attached, SweepsOtherChannelsOfTheDeadButNotOfTheLiving) {
  StayingChild dead([&](const auto& stay) {
    const auto directory = AttachTo("dead");
    stay();
  });
  StayingChild living([&](const auto& stay) {
    const auto directory = AttachTo("living");
    stay();
  });
  ASSERT_TRUE(dead.is_there() && living.is_there());
  dead.Kill();

  const auto directory = AttachTo("c");

  EXPECT_FALSE(test::Exists(Path("dead")));
  EXPECT_TRUE(test::Exists(Path("living")));
}

TEST_F(Attached, SweepsWithoutMindingWhatIsNoChannel) {
  const auto first = AttachTo("first");
  test::WriteFile(root_ / "domain/stray", "");

  const auto directory = AttachTo("c");

  EXPECT_TRUE(directory.ok());
  EXPECT_TRUE(test::Exists(root_ / "domain/stray"));
  std::filesystem::remove(root_ / "domain/stray");
}

TEST_F(Attached, LeavesNothingWhenCreatingFails) {
  const absl::Status status =
      Attach(PlaceOf("c"), [&](int fd) {
        CreateWith(fd, "half").IgnoreError();
        return absl::ResourceExhaustedError("full");
      }).status();

  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(Attached, TriesAgainWhenItsEmptyDirectoryWasSweptAway) {
  int tries = 0;

  const auto directory = Attach(PlaceOf("c"), [&](int fd) {
    if (++tries == 1) return absl::NotFoundError("swept");
    return CreateWith(fd, "second try");
  });

  ASSERT_TRUE(directory.ok());
  EXPECT_EQ(test::ReadFile(Path("c")), "second try");
}

TEST_F(Attached, SurvivesTheRemovalOfItsDirectoryByHand) {
  std::optional<absl::StatusOr<Directory>> first(AttachTo("c", "first"));
  std::filesystem::remove_all(root_ / "domain");

  const auto second = AttachTo("c", "second");
  first.reset();

  ASSERT_TRUE(second.ok());
  EXPECT_EQ(test::ReadFile(Path("c")), "second");
}

TEST_F(Attached, GoesQuietlyWhenEverythingIsGone) {
  {
    const auto directory = AttachTo("c");
    std::filesystem::remove_all(root_ / "domain");
  }
  {
    const auto directory = AttachTo("c");
    std::filesystem::remove_all(root_.path());
  }

  EXPECT_FALSE(test::Exists(root_.path()));
}

TEST_F(Attached, IsInertInAForkedChild) {
  auto directory = std::make_unique<absl::StatusOr<Directory>>(AttachTo("c"));

  test::ExitStatusOf([&] {
    directory.reset();
    return 0;
  });

  EXPECT_TRUE(test::Exists(Path("c")));
}

TEST_F(Attached, RefusesASymbolicLinkInItsPlace) {
  std::filesystem::create_directories(root_ / "domain");
  std::filesystem::create_directory(root_ / "elsewhere");
  std::filesystem::create_directory_symlink(root_ / "elsewhere", root_ / "domain/c");

  EXPECT_EQ(AttachTo("c").status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(Attached, SaysThatSomebodyIsStoppedInTheMiddle) {
  const test::Watchdog watchdog("Attach");
  std::filesystem::create_directories(root_ / "domain/c");
  const platform::Descriptor held = *platform::OpenDirectory(root_ / "domain/c");
  ASSERT_TRUE(*platform::TryLockDirectory(held.get(), platform::Sharing::kExclusive));

  const absl::Status status = AttachTo("c").status();

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
}

TEST_F(Attached, SaysThatMetaIsMissingWhereOthersAreAttached) {
  const test::Watchdog watchdog("Attach");
  const auto other = AttachTo("c");
  std::filesystem::remove(Path("c"));

  const absl::Status status = AttachTo("c").status();

  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_TRUE(absl::StrContains(status.message(), "'meta' is missing")) << status;
}

constexpr int kMostProcesses = 256;

/// A number out of the environment: how much of it a run does.
int Chosen(const char* variable, int usual) {
  const char* text = std::getenv(variable);
  return text == nullptr ? usual : std::atoi(text);
}
int Processes() { return std::min(Chosen("SHMCOMM_MEETING_PROCESSES", 16), kMostProcesses); }
int Rounds() { return Chosen("SHMCOMM_MEETING_ROUNDS", 300); }
/// For ever, for so many of them.
std::chrono::seconds Patience() { return std::chrono::seconds(280 + std::int64_t{Processes()} * Rounds() / 10); }

/// What many processes share while they open and close one channel at once.
struct Meeting {
  pthread_barrier_t barrier;
  int seen[kMostProcesses];   // whose meta each one found
  int failures[kMostProcesses];

  explicit Meeting(unsigned processes) {
    pthread_barrierattr_t shared;
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&barrier, &shared, processes);
  }
  void Wait() { pthread_barrier_wait(&barrier); }
};

/// Runs `body(process)` in Processes() children.
void InManyProcesses(const std::function<void(int)>& body) {
  std::vector<pid_t> children;
  for (int i = 0; i < Processes(); ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      body(i);
      _exit(0);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

TEST_F(Attached, TogetherAllAgreeAndNothingIsLeft) {
  const test::SharedPages pages(sizeof(Meeting));
  Meeting& meeting = *new (pages.data()) Meeting(static_cast<unsigned>(Processes()));
  const test::Watchdog watchdog("TogetherAllAgree", Patience());
  const int rounds = Rounds();

  InManyProcesses([&](int me) {
    for (int round = 0; round < rounds; ++round) {
      meeting.Wait();
      {
        const auto directory = AttachTo("c", std::to_string(me));
        meeting.seen[me] = directory.ok() ? std::atoi(test::ReadFile(Path("c")).c_str()) : -1;
        meeting.Wait();
        if (meeting.seen[me] < 0 || meeting.seen[me] != meeting.seen[0]) ++meeting.failures[me];
      }
      meeting.Wait();
      if (!root_.IsEmpty()) ++meeting.failures[me];
    }
  });

  for (int i = 0; i < Processes(); ++i) EXPECT_EQ(meeting.failures[i], 0) << "process " << i;
  std::printf("simultaneous_create openings %d\n", Processes() * rounds);
}

TEST_F(Attached, InAnyOrderNobodyIsRefusedAndNothingIsLeft) {
  const test::SharedPages pages(sizeof(Meeting));
  Meeting& meeting = *new (pages.data()) Meeting(static_cast<unsigned>(Processes()));
  const test::Watchdog watchdog("InAnyOrder", Patience());
  const int rounds = Rounds();

  InManyProcesses([&](int me) {
    meeting.Wait();
    for (int round = 0; round < rounds; ++round) {
      const auto directory = AttachTo(round % 3 == 0 ? "other" : "c", std::to_string(me));
      if (!directory.ok() || !platform::IdentifyAt(directory->fd(), kMetaFile).ok()) ++meeting.failures[me];
    }
  });

  for (int i = 0; i < Processes(); ++i) EXPECT_EQ(meeting.failures[i], 0) << "process " << i;
  EXPECT_TRUE(root_.IsEmpty());
}

}  // namespace
}  // namespace shmcomm::channel
