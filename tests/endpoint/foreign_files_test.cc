// SPDX-License-Identifier: Apache-2.0
// A program closes all descriptors, those of its endpoints among them, and opens files of its own, which get their numbers.
// Whatever the endpoints do then, those files are as the program left them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "shmcomm/wait_set.h"
#include "support/all_patterns.h"
#include "support/closed_descriptors.h"
#include "support/forked_child.h"

namespace shmcomm::test {
namespace {

/// Each test's body runs in a child: what it closes is gone for good. 0: as it should be.
class FilesOfTheProgram : public AllPatternsTest {
 protected:
  /// One for every number that an endpoint may have had.
  static void TakeAllNumbers() {
    CloseAllDescriptors();
    for (int number = 0; number < kNumbers;) {
      number = memfd_create("program", MFD_CLOEXEC);
      if (number < 0 || pwrite(number, kText, sizeof(kText), 0) != sizeof(kText)) _exit(100);
    }
  }

  static bool AreAsTheyWere() {
    bool are = true;
    for (int number = 3; number < kNumbers; ++number) {
      struct stat info {};
      const bool is = fstat(number, &info) == 0 && info.st_size == sizeof(kText) && lseek(number, 0, SEEK_CUR) == 0;
      if (!is) std::fprintf(stderr, "file %d: %ld B, at %ld\n", number, info.st_size, lseek(number, 0, SEEK_CUR));
      are = are && is;
    }
    return are;
  }

  /// It has slept on descriptors: it has more members than it watches by their bells.
  struct SleepingSet {
    explicit SleepingSet(const FilesOfTheProgram& test) {
      for (int i = 0; i < 9; ++i) members.push_back(test.OpenSubscriber(NumbersSpec()));
      for (Subscriber& member : members) {
        if (!set.Add(member).ok()) _exit(102);
      }
      if (!set.Wait(absl::Milliseconds(1)).ok()) _exit(103);
    }
    std::vector<Subscriber> members;
    WaitSet set;
  };

  /// Watched by its descriptor, and armed: whoever publishes writes into its wake file.
  Subscriber WatchedSubscriber() const {
    Subscriber subscriber = OpenSubscriber(NumbersSpec());
    if (!subscriber.fd().ok() || !TakeValues(subscriber).empty()) _exit(101);
    return subscriber;
  }

 private:
  static constexpr int kNumbers = 128;
  static constexpr char kText[] = "mine";
};

TEST_F(FilesOfTheProgram, AreNotMadeLongerByALargerMessage) {
  EXPECT_EQ(ExitStatusOf([this] {
              Publisher publisher = OpenPublisher(BytesSpec(1u << 20));
              const std::vector<char> bytes(1u << 20);
              if (!publisher.PublishCopy(bytes.data(), 10, Codec::kBytes).ok()) return 1;
              TakeAllNumbers();
              if (!SaysLocksAreGone(publisher.PublishCopy(bytes.data(), bytes.size(), Codec::kBytes))) return 2;
              return AreAsTheyWere() ? 0 : 3;
            }),
            0);
}

TEST_F(FilesOfTheProgram, AreNotMadeLongerByABuilderThatGrows) {
  EXPECT_EQ(ExitStatusOf([this] {
              auto publisher = CameraPublisher::Open(PublisherHere());
              auto loan = publisher->Loan();
              if (!loan.ok()) return 1;
              TakeAllNumbers();
              const auto root = CreateImageOf(loan->builder(), 1u << 20);
              if (!SaysLocksAreGone(publisher->Publish(*std::move(loan), root))) return 2;
              return AreAsTheyWere() ? 0 : 3;
            }),
            0);
}

TEST_F(FilesOfTheProgram, GetNoByteOfAWake) {
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = WatchedSubscriber();
              Publisher publisher = OpenPublisher(NumbersSpec());
              if (!Send(publisher, 1).ok() || TakeValues(subscriber).size() != 1) return 1;
              TakeAllNumbers();
              if (!Send(publisher, 2).ok()) return 2;   // asks for its lock at the 1,024th again
              return AreAsTheyWere() ? 0 : 3;
            }),
            0);
}

TEST_F(FilesOfTheProgram, AreNotReadByATakeThatFindsNothing) {
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = WatchedSubscriber();
              TakeAllNumbers();
              if (subscriber.TryTake()->has_value()) return 1;
              return AreAsTheyWere() ? 0 : 2;
            }),
            0);
}

TEST_F(FilesOfTheProgram, GetNoByteWhenAWaitIsCancelled) {
  EXPECT_EQ(ExitStatusOf([this] {
              Subscriber subscriber = WatchedSubscriber();
              TakeAllNumbers();
              subscriber.Cancel();
              return AreAsTheyWere() ? 0 : 1;
            }),
            0);
}

TEST_F(FilesOfTheProgram, GetNoByteWhenASetIsWoken) {
  EXPECT_EQ(ExitStatusOf([this] {
              SleepingSet sleeping(*this);
              TakeAllNumbers();
              sleeping.set.Wake();
              return AreAsTheyWere() ? 0 : 1;
            }),
            0);
}

TEST_F(FilesOfTheProgram, StayOpenWhenEndpointsClose) {
  EXPECT_EQ(ExitStatusOf([this] {
              {
                Subscriber subscriber = WatchedSubscriber();
                Publisher publisher = OpenPublisher(NumbersSpec());
                if (!Send(publisher, 1).ok()) return 1;
                Pusher pusher = OpenPusher(JobsSpec());
                Puller puller = OpenPuller(JobsSpec());
                Replier replier = OpenReplier(SumsSpec());
                Requester requester = OpenRequester(SumsSpec());
                if (!puller.fd().ok() || !replier.fd().ok() || !requester.fd().ok()) return 2;
                SleepingSet set(*this);
                TakeAllNumbers();
              }
              return AreAsTheyWere() ? 0 : 4;
            }),
            0);
}

TEST_F(FilesOfTheProgram, AreOpenInAForkedChild) {
  EXPECT_EQ(ExitStatusOf([this] {
              const Subscriber subscriber = WatchedSubscriber();
              const Publisher publisher = OpenPublisher(NumbersSpec());
              TakeAllNumbers();
              return ExitStatusOf([] { return AreAsTheyWere() ? 0 : 1; });
            }),
            0);
}

}  // namespace
}  // namespace shmcomm::test
