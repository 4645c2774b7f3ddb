// SPDX-License-Identifier: Apache-2.0
// Which files of a channel the end of each kind has mapped, and which of them it may write: all others are read-only in the
// kernel, which refuses to make them writable. The other ends live in processes of their own, whose maps are not ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "support/all_patterns.h"
#include "support/forked_child.h"

// ThreadSanitizer knows addresses, not pages: there, all ends of a process share one writable mapping.
#if !defined(__SANITIZE_THREAD__)
namespace shmcomm::faults {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kWritten[] = "written";
constexpr char kReadOnly[] = "read-only";

class WriteProtection : public test::AllPatternsTest {
 protected:
  static ChannelSpec MessagesSpec() {
    ChannelSpec spec = test::NumbersSpec();
    spec.qos.history = 1;
    return spec;
  }

  /// What this process has mapped of the channel, by name, and what it may do with it.
  std::map<std::string, std::string> Maps(const std::string& component) const {
    const std::map<ino_t, std::string> names = Names(Directory(component));
    std::map<std::string, std::string> maps;
    std::ifstream lines("/proc/self/maps");
    for (std::string line; std::getline(lines, line);) {
      if (line.find(Directory(component)) == std::string::npos) continue;
      const auto name = names.find(InodeIn(line));
      const std::string file = name == names.end() ? line : name->second;
      EXPECT_TRUE(maps.emplace(file, Protection(line)).second) << file << " is mapped twice";
    }
    return maps;
  }

 private:
  /// The maps tell a file's first name, and one that was made without a name has none there.
  static std::map<ino_t, std::string> Names(const std::string& directory) {
    std::map<ino_t, std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      struct stat info {};
      if (stat(entry.path().c_str(), &info) == 0) names[info.st_ino] = entry.path().lexically_relative(directory);
    }
    return names;
  }
  /// Of one line of the maps: `from-to rw-s offset device inode path`.
  static ino_t InodeIn(const std::string& line) {
    std::uintmax_t inode = 0;
    return std::sscanf(line.c_str(), "%*s %*s %*s %*s %" SCNuMAX, &inode) == 1 ? inode : 0;
  }
  static std::string Protection(const std::string& line) {
    std::uintptr_t from = 0, to = 0;
    char kind[5] = {};
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, kind) != 3) return "not understood: " + line;
    if (std::string(kind) == "rw-s") return kWritten;
    if (std::string(kind) != "r--s") return kind;
    errno = 0;
    const bool was_made_writable = mprotect(reinterpret_cast<void*>(from), to - from, PROT_READ | PROT_WRITE) == 0;
    return was_made_writable ? "was made writable" : errno == EACCES ? kReadOnly : "refused for another reason";
  }
};

TEST_F(WriteProtection, OfASubscriberLeavesItItsLineAlone) {
  const test::StayingChild other([this](const auto& stay) {
    Publisher publisher = OpenPublisher(MessagesSpec());
    if (test::Send(publisher, 5).ok()) stay();
  });
  Subscriber subscriber = OpenSubscriber(MessagesSpec());
  ASSERT_EQ(test::TakeValues(subscriber), test::Range(5, 6));

  EXPECT_THAT(Maps("test%2Fnumbers"),
              UnorderedElementsAre(Pair("ring", kReadOnly), Pair("readers", kWritten), Pair("pub.1.1", kReadOnly)));
}

TEST_F(WriteProtection, OfAPublisherKeepsTheMessagesOfOthersFromIt) {
  const test::StayingChild other([this](const auto& stay) {
    Publisher publisher = OpenPublisher(MessagesSpec());
    if (test::Send(publisher, 5).ok()) stay();
  });
  Publisher publisher = OpenPublisher(MessagesSpec());
  ASSERT_TRUE(test::Send(publisher, 6).ok());

  EXPECT_THAT(Maps("test%2Fnumbers"),
              UnorderedElementsAre(Pair("ring", kWritten), Pair("readers", kWritten), Pair("pub.2.1", kWritten)));
}

TEST_F(WriteProtection, OfAPullerLeavesItItsLineAndTheClaims) {
  const test::StayingChild other([this](const auto& stay) {
    Pusher pusher = OpenPusher(test::JobsSpec());
    if (test::PushNumber(pusher, 5, kLong).ok()) stay();
  });
  Puller puller = OpenPuller(test::JobsSpec());
  const auto job = puller.Take(kLong);
  ASSERT_TRUE(job.ok()) << job.status();

  EXPECT_THAT(Maps("test%2Fjobs"),
              UnorderedElementsAre(Pair("ring", kReadOnly), Pair("readers", kWritten), Pair("pub.1.1", kReadOnly)));
}

TEST_F(WriteProtection, OfAPusherKeepsTheJobsOfOthersFromIt) {
  const test::StayingChild other([this](const auto& stay) {
    Pusher pusher = OpenPusher(test::JobsSpec());
    if (test::PushNumber(pusher, 5, kLong).ok()) stay();
  });
  Pusher pusher = OpenPusher(test::JobsSpec());
  ASSERT_TRUE(test::PushNumber(pusher, 6, kLong).ok());

  EXPECT_THAT(Maps("test%2Fjobs"),
              UnorderedElementsAre(Pair("ring", kWritten), Pair("readers", kWritten), Pair("pub.2.1", kWritten)));
}

TEST_F(WriteProtection, OfARequesterCoversTheReplies) {
  const test::StayingChild other([this](const auto& stay) {
    Replier replier = OpenReplier(test::SumsSpec());
    stay.Tell();
    AnswerNext(replier);
    for (;;) pause();
  });
  Requester requester = OpenRequester(test::SumsSpec());
  const auto call = test::SendNumber(requester, 5, kLong);
  ASSERT_TRUE(call.ok()) << call.status();
  ASSERT_EQ(ValueOf(requester.Receive(*call)), 6u);

  // It rings itself when it is cancelled, and so may write the ring of its replies.
  EXPECT_THAT(Maps("test%2Fsums"),
              UnorderedElementsAre(Pair("ring", kWritten), Pair("readers", kWritten), Pair("pub.1.1", kWritten),
                                   Pair("reply.1.1/ring", kWritten), Pair("reply.1.1/readers", kWritten),
                                   Pair("reply.1.1/pub.1.1", kReadOnly)));
}

TEST_F(WriteProtection, OfAReplierCoversRingAndRequests) {
  const test::StayingChild other([this](const auto& stay) {
    RequesterOptions options = RequesterHere();
    options.wait_for_replier = true;
    auto requester = Requester::Open(test::SumsSpec(), options);
    stay.Tell();
    if (requester.ok() && test::SendNumber(*requester, 5, kLong).ok()) {
      for (;;) pause();
    }
  });
  Replier replier = OpenReplier(test::SumsSpec());
  AnswerNext(replier);

  EXPECT_THAT(Maps("test%2Fsums"),
              UnorderedElementsAre(Pair("ring", kReadOnly), Pair("readers", kWritten), Pair("pub.1.1", kReadOnly),
                                   Pair("reply.1.1/ring", kWritten), Pair("reply.1.1/readers", kWritten),
                                   Pair("reply.1.1/pub.1.1", kWritten)));
}

}  // namespace
}  // namespace shmcomm::faults
#endif
