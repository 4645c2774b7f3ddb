// SPDX-License-Identifier: Apache-2.0
// What a machine limits: every limit an error with words, never a signal. And a directory that is removed while it is used.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "faults/exchange.h"
#include "support/forked_child.h"
#include "support/small_tmpfs.h"

namespace shmcomm::faults {
namespace {

constexpr int kCannotTry = 77;

class Limits : public ExchangeTest, public ::testing::WithParamInterface<Pattern> {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::BytesSpec(1 << 20);
    spec.pattern = GetParam();
    spec.qos.max_reply_size = 1 << 20;
    if (spec.pattern != Pattern::kPubSub) spec.qos.on_full = OnFull::kFail;   // nothing here waits
    return spec;
  }
  /// Opens both ends and passes messages of growing size; what is refused must be so for a reason.
  int PassMessages() {
    Exchange(Spec(), {1, 4, 16, 64, 256, 1024, 4096, 16'384, 65'536, 262'144, 1'048'576});
    return wrong_ != 0 ? wrong_ : refused_ != 0 ? 1 : 0;
  }
  bool Opened(const absl::Status& status) override { return Went(status); }
  bool Went(const absl::Status& status) override {
    refused_ += status.ok() ? 0 : 1;
    if (!status.ok() && !absl::IsResourceExhausted(status) && !IsAfterRefusal(status)) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      wrong_ = 2;
    }
    return status.ok();
  }
  /// A caller whose replier could not be opened, or could not answer, is told so.
  bool IsAfterRefusal(const absl::Status& status) const { return refused_ > 1 && absl::IsUnavailable(status); }
  void Got(const std::uint8_t* data, std::size_t size, std::size_t bytes) override {
    if (data[size - 1] != 7 || (refused_ == 0 && size != bytes)) wrong_ = 3;
  }
  /// `tighten(n)` for n = 0, 1, 2 … in a child each, until nothing is refused any more.
  template <class Tighten>
  void UntilNothingIsRefused(int most, Tighten&& tighten) {
    int refused = 0;
    for (int n = 0; n < most; ++n) {
      SCOPED_TRACE("try " + std::to_string(n));
      const int result = test::ExitStatusOf([&] {
        return tighten(n) ? PassMessages() : kCannotTry;
      });
      if (result == kCannotTry) GTEST_SKIP() << "the system does not let us";
      ASSERT_TRUE(result == 0 || result == 1) << result;
      refused += result;
      if (result == 0 && n > 0) break;
    }
    EXPECT_GT(refused, 0);
  }

  int refused_ = 0;
  int wrong_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Of, Limits, ::testing::Values(Pattern::kPubSub, Pattern::kPushPull, Pattern::kReqRep),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(Limits, OfSharedMemoryAreErrorsAtEveryGrowth) {
  UntilNothingIsRefused(400, [this](int n) {
    return test::MountSmallTmpfs(root_.path(), std::to_string(4 * (n * n / 8 + n + 1)) + "k");
  });
}

TEST_P(Limits, OfDescriptorsAreErrors) {
  UntilNothingIsRefused(64, [](int n) {
    const rlimit limit{static_cast<rlim_t>(4 + n), static_cast<rlim_t>(4 + n)};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
  });
}

TEST_P(Limits, OfFileSizesAreErrorsAndNoSignal) {
  UntilNothingIsRefused(40, [](int n) {
    const rlim_t bytes = rlim_t{1} << n;
    const rlimit limit{bytes, bytes};
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
  });
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which need terabytes of it themselves
TEST_P(Limits, OfAddressSpaceAreErrors) {
  UntilNothingIsRefused(64, [](int n) {
    const rlim_t bytes = (rlim_t{64} << 20) + (rlim_t{16} << 20) * static_cast<rlim_t>(n);
    const rlimit limit{bytes, bytes};
    return setrlimit(RLIMIT_AS, &limit) == 0;
  });
}
#endif

class RemovedDirectory : public test::AllPatternsTest {};

TEST_F(RemovedDirectory, LeavesSubscribersTheirPublishers) {
  const ChannelSpec spec = test::NumbersSpec();
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  ASSERT_TRUE(test::Send(publisher, 1).ok());
  ASSERT_EQ(test::TakeValues(subscriber), std::vector<std::uint64_t>{1});

  std::filesystem::remove_all(root_ / "default");

  // Those who are attached go on with each other; who comes now finds a new channel.
  ASSERT_TRUE(test::Send(publisher, 2).ok());
  EXPECT_EQ(test::TakeValues(subscriber), std::vector<std::uint64_t>{2});
  Publisher other = OpenPublisher(spec);
  Subscriber another = OpenSubscriber(spec);
  ASSERT_TRUE(test::Send(other, 3).ok());
  EXPECT_EQ(test::TakeValues(another), std::vector<std::uint64_t>{3});
  EXPECT_TRUE(test::TakeValues(subscriber).empty());
  publisher.Close();
  subscriber.Close();
  EXPECT_TRUE(test::Send(other, 4).ok());
  EXPECT_EQ(test::TakeValues(another), std::vector<std::uint64_t>{4});
}

TEST_F(RemovedDirectory, LeavesPullersTheirPushers) {
  Pusher pusher = OpenPusher(test::JobsSpec());
  Puller puller = OpenPuller(test::JobsSpec());
  const auto pass = [](Pusher& from, Puller& to, std::uint64_t value) {
    ASSERT_TRUE(test::PushNumber(from, value, kLong).ok());
    auto job = to.Take(kLong);
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(test::NumberIn(job->data()), value);
    EXPECT_TRUE(job->Ack().ok());
  };
  pass(pusher, puller, 1);

  std::filesystem::remove_all(root_ / "default");

  for (std::uint64_t value = 2; value < 40; ++value) pass(pusher, puller, value);   // laps, too
  Pusher other = OpenPusher(test::JobsSpec());
  Puller another = OpenPuller(test::JobsSpec());
  pass(other, another, 100);
  EXPECT_FALSE((*puller.TryTake()).has_value());
  pusher.Close();
  puller.Close();
  pass(other, another, 101);
}

TEST_F(RemovedDirectory, LeavesRepliersTheRequestersThatTheyHaveAnswered) {
  Replier replier = OpenReplier(test::SumsSpec());
  Requester requester = OpenRequester(test::SumsSpec());
  const auto call = [](Requester& from, Replier& to, std::uint64_t value) {
    const auto sent = test::SendNumber(from, value, kLong);
    ASSERT_TRUE(sent.ok()) << sent.status();
    AnswerNext(to);
    EXPECT_EQ(ValueOf(from.Receive(*sent)), value + 1);
  };
  call(requester, replier, 1);

  std::filesystem::remove_all(root_ / "default");

  for (std::uint64_t value = 2; value < 40; ++value) call(requester, replier, value);
  Replier another = OpenReplier(test::SumsSpec());
  Requester other = OpenRequester(test::SumsSpec());
  call(other, another, 100);
  EXPECT_FALSE((*replier.TryTake()).has_value());
  requester.Close();
  replier.Close();
  call(other, another, 101);
}

TEST_F(RemovedDirectory, IsToldToACallerWhoseReplierHadNotMetIt) {
  Replier replier = OpenReplier(test::SumsSpec());
  Requester requester = OpenRequester(test::SumsSpec());
  const auto sent = test::SendNumber(requester, 1, kLong);
  ASSERT_TRUE(sent.ok()) << sent.status();

  std::filesystem::remove_all(root_ / "default");

  // The request lies in a file that has no name any more: nobody can read it.
  const auto request = replier.TryTake();
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_FALSE(request->has_value());
  const absl::Status told = requester.Receive(*sent).status();
  EXPECT_TRUE(absl::IsUnavailable(told)) << told;
}

}  // namespace
}  // namespace shmcomm::faults
