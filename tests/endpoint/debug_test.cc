// SPDX-License-Identifier: Apache-2.0
// Debug mode: what a program says that says nothing of logs itself, and what goes to a sink.
#include <gmock/gmock.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "shmcomm/log.h"
#include "support/forked_child.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using test::NumbersSpec;
using test::Send;

/// A run of debug_main.cc with `environment`; the lines of its standard error.
std::vector<std::string> OutputOf(const std::string& environment, const std::string& root) {
  const std::string command = environment + " " ENDPOINT_DEBUG_PROGRAM " " + root + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  char piece[4096];
  while (const std::size_t size = fread(piece, 1, sizeof(piece), pipe)) text.append(piece, size);
  EXPECT_EQ(pclose(pipe), 0);
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

/// Those of a channel, from the level on.
std::vector<std::string> Of(const std::vector<std::string>& lines, const std::string& channel) {
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    const std::size_t at = line.find("] ");
    if (at != std::string::npos && absl::StrContains(line, " " + channel + ": ")) found.push_back(line.substr(at + 2));
  }
  return found;
}

std::vector<std::string> Matching(const std::vector<std::string>& lines, const std::string& part) {
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    if (absl::StrContains(line, part)) found.push_back(line);
  }
  return found;
}

/// What lines call the channel's first, second, third … message.
std::string NameOf(std::uint64_t index) { return std::to_string(test::FirstSequence() + index); }

class DebugMode : public test::EndpointTest {
 protected:
  ~DebugMode() override {
    SetLogSink(nullptr);
    SetDebugMode(false);
  }
};

TEST_F(DebugMode, OfTheEnvironmentTellsOfJobsFromOpeningToClosing) {
  const std::vector<std::string> lines = OutputOf("SHMCOMM_DEBUG=1", root_.path());

  EXPECT_THAT(Of(lines, "b"), ElementsAre("DEBUG b: pusher 1 opened", "DEBUG b: puller 0 opened", "DEBUG b: sent job 0, 3 B",
                                          "DEBUG b: received job 0, 3 B", "DEBUG b: puller 0 closed", "DEBUG b: pusher 1 closed"));
}

TEST_F(DebugMode, OfTheEnvironmentTellsOfRequestsAndReplies) {
  const std::vector<std::string> lines = OutputOf("SHMCOMM_DEBUG=1", root_.path());

  EXPECT_THAT(Of(lines, "c"),
              ElementsAre("DEBUG c: replier 0 opened", "DEBUG c: requester 1 opened", "DEBUG c: sent request 0, 2 B",
                          "DEBUG c: received request 0, 2 B", "DEBUG c: sent reply 0, 4 B", "DEBUG c: received reply 0, 4 B",
                          "DEBUG c: requester 1 closed", "DEBUG c: replier 0 closed"));
}

TEST_F(DebugMode, OfTheEnvironmentTellsOfEachMessageAndAtMostOnceASecondOfLossAndFullRings) {
  const std::vector<std::string> lines = Of(OutputOf("SHMCOMM_DEBUG=1", root_.path()), "a");

  EXPECT_EQ(Matching(lines, "DEBUG a: sent message ").size(), 113u);
  EXPECT_GE(Matching(lines, "DEBUG a: received message ").size(), 17u);
  EXPECT_THAT(Matching(lines, "WARNING"),
              ElementsAre(MatchesRegex("WARNING a: ring [0-9]+ % full, drops likely: 1[4-6] of 16 messages unread; receive faster, "
                                       "or give the channel a larger capacity"),
                          MatchesRegex("WARNING a: lost [0-9]+ messages, [0-9]+ in all, because they were not received in time")));
}

TEST_F(DebugMode, OfTheEnvironmentWritesTimeProcessAndLevel) {
  EXPECT_THAT(OutputOf("SHMCOMM_DEBUG=yes", root_.path()),
              Each(MatchesRegex("[0-9-]+ [0-9:]+\\.[0-9][0-9][0-9] shmcomm\\[[0-9]+\\] [A-Z]+ [abc]: .*")));
}

TEST_F(DebugMode, IsOffUnlessTheEnvironmentAsksForIt) {
  for (const char* environment : {"SHMCOMM_DEBUG=0", "SHMCOMM_DEBUG=", "env -u SHMCOMM_DEBUG"}) {
    EXPECT_THAT(OutputOf(environment, root_.path()), IsEmpty()) << environment;
  }
}

TEST_F(DebugMode, GoesToTheSinkOfTheProgramForEndpointsOpenedSince) {
  Publisher before = OpenPublisher(NumbersSpec());
  std::vector<std::string> told;
  SetLogSink([&](LogLevel level, absl::string_view text) {
    EXPECT_EQ(level, LogLevel::kDebug);
    told.emplace_back(text);
  });
  SetDebugMode(true);
  {
    Publisher publisher = OpenPublisher(NumbersSpec());
    ASSERT_TRUE(Send(publisher, 1).ok());
    ASSERT_TRUE(Send(before, 2).ok());
    SetDebugMode(false);
    Publisher after = OpenPublisher(NumbersSpec());
  }

  EXPECT_THAT(told, ElementsAre("test/numbers: publisher 2 opened", "test/numbers: sent message " + NameOf(0) + ", 64 B",
                                "test/numbers: publisher 2 closed"));
}

TEST_F(DebugMode, TellsTheNextSinkOfAnEndpointThatGoesWithTheLastOne) {
  std::vector<std::string> told;
  SetLogSink(nullptr);
  SetDebugMode(true);
  SetLogSink([held = std::make_shared<Publisher>(OpenPublisher(NumbersSpec()))](LogLevel, absl::string_view) {});

  SetLogSink([&](LogLevel, absl::string_view text) { told.emplace_back(text); });

  EXPECT_THAT(told, ElementsAre("test/numbers: publisher 1 closed"));
}

TEST_F(DebugMode, TellsOfEverySampleOfABatch) {
  std::vector<std::string> told;
  SetLogSink([&](LogLevel, absl::string_view text) { told.emplace_back(text); });
  Publisher publisher = OpenPublisher(NumbersSpec());
  SetDebugMode(true);
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  const auto batch = subscriber.TakeMany(3);

  ASSERT_TRUE(batch.ok());
  std::vector<std::string> expected = {"test/numbers: subscriber 0 opened"};
  for (int i = 0; i < 3; ++i) expected.push_back("test/numbers: received message " + NameOf(i) + ", 64 B");
  EXPECT_EQ(told, expected);
}

TEST_F(DebugMode, IsSilentInAForkedChildThatClosesWhatItsParentOpened) {
  std::vector<std::string> told;
  SetLogSink([&](LogLevel, absl::string_view text) { told.emplace_back(text); });
  SetDebugMode(true);
  std::optional<Publisher> publisher = OpenPublisher(NumbersSpec());

  const int told_by_child = test::ExitStatusOf([&] {
    told.clear();
    publisher.reset();
    return static_cast<int>(told.size());
  });

  EXPECT_EQ(told_by_child, 0);
}

}  // namespace
}  // namespace shmcomm
