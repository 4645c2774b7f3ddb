// SPDX-License-Identifier: Apache-2.0
// What a machine limits and what happens to files at rest: every limit an error with words, never a signal.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "support/forked_child.h"
#include "support/small_tmpfs.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

constexpr int kCannotTry = 77;

class Limits : public test::EndpointTest {
 protected:
  /// Opens both ends and passes messages of growing size; what is refused must be so for a reason.
  int PassMessages(const ChannelSpec& spec, bool& was_refused) const {
    auto publisher = Publisher::Open(spec, PublisherHere());
    auto subscriber = Subscriber::Open(spec, SubscriberHere());
    for (const absl::Status& status : {publisher.status(), subscriber.status()}) {
      was_refused = was_refused || !status.ok();
      if (!status.ok() && !absl::IsResourceExhausted(status)) return Complain(status);
    }
    if (was_refused) return 0;
    for (std::size_t bytes = 1; bytes <= spec.qos.max_size; bytes *= 4) {
      const absl::Status sent = publisher->PublishCopy(content_.data(), bytes, Codec::kBytes);
      was_refused = was_refused || !sent.ok();
      if (!sent.ok() && !absl::IsResourceExhausted(sent)) return Complain(sent);
      if (!sent.ok()) continue;
      const auto sample = subscriber->Take(absl::ZeroDuration());
      was_refused = was_refused || !sample.ok();
      if (!sample.ok() && !absl::IsResourceExhausted(sample.status())) return Complain(sample.status());
      if (sample.ok() && (sample->size() != bytes || sample->data()[bytes - 1] != 7)) return 3;
    }
    return 0;
  }
  static int Complain(const absl::Status& status) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 2;
  }
  /// `tighten(n)` for n = 0, 1, 2 … in a child each, until nothing is refused any more.
  template <class Tighten>
  void UntilNothingIsRefused(int most, Tighten&& tighten) const {
    int refused = 0;
    for (int n = 0; n < most; ++n) {
      SCOPED_TRACE("try " + std::to_string(n));
      const int result = test::ExitStatusOf([&] {
        if (!tighten(n)) return kCannotTry;
        bool was_refused = false;
        const int wrong = PassMessages(test::BytesSpec(1 << 20), was_refused);
        return wrong != 0 ? wrong : was_refused ? 1 : 0;
      });
      if (result == kCannotTry) GTEST_SKIP() << "the system does not let us";
      ASSERT_TRUE(result == 0 || result == 1) << result;
      refused += result;
      if (result == 0 && n > 0) break;
    }
    EXPECT_GT(refused, 0);
  }

  const std::vector<std::uint8_t> content_ = std::vector<std::uint8_t>(1 << 20, 7);  // before memory is limited
};

TEST_F(Limits, OfSharedMemoryAreErrorsAtEveryGrowth) {
  UntilNothingIsRefused(400, [this](int n) {
    return test::MountSmallTmpfs(root_.path(), std::to_string(4 * (n * n / 8 + n + 1)) + "k");
  });
}

TEST_F(Limits, OfDescriptorsAreErrors) {
  UntilNothingIsRefused(64, [](int n) {
    const rlimit limit{static_cast<rlim_t>(4 + n), static_cast<rlim_t>(4 + n)};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
  });
}

TEST_F(Limits, OfFileSizesAreErrorsAndNoSignal) {
  UntilNothingIsRefused(40, [](int n) {
    const rlim_t bytes = rlim_t{1} << n;
    const rlimit limit{bytes, bytes};
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
  });
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which need terabytes of it themselves
TEST_F(Limits, OfAddressSpaceAreErrors) {
  UntilNothingIsRefused(64, [](int n) {
    const rlim_t bytes = (rlim_t{64} << 20) + (rlim_t{16} << 20) * static_cast<rlim_t>(n);
    const rlimit limit{bytes, bytes};
    return setrlimit(RLIMIT_AS, &limit) == 0;
  });
}
#endif

TEST_F(Limits, TheDirectoryMayGoWhileItIsUsed) {
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

/// Damages one file of a channel that somebody is attached to, then opens it.
class FilesAtRest : public test::EndpointTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string File() const { return Directory() + "/" + GetParam(); }
  /// A newcomer may be refused, but with an error that names the damage, and it must come back from every call.
  void OpenAndUse() const {
    auto subscriber = Subscriber::Open(test::NumbersSpec(), SubscriberHere());
    auto publisher = Publisher::Open(test::NumbersSpec(), PublisherHere());
    for (const absl::Status& status : {subscriber.status(), publisher.status()}) {
      ASSERT_TRUE(status.ok() || absl::IsDataLoss(status) || absl::IsFailedPrecondition(status)) << status;
    }
    if (publisher.ok()) static_cast<void>(test::Send(*publisher, 1));
    for (int i = 0; subscriber.ok() && i < 4; ++i) static_cast<void>(subscriber->TryTake());
  }
};
INSTANTIATE_TEST_SUITE_P(Of, FilesAtRest, ::testing::Values("meta", "ring", "readers", "pub.1.1"),
                         [](const auto& info) { return std::string(info.param).substr(0, std::string(info.param).find('.')); });

TEST_P(FilesAtRest, CutToAnyLengthAreRefusedAndDoNotCrash) {
  std::uintmax_t length = 0;
  for (std::uintmax_t cut = 0; cut <= length; cut += 1 + cut / 4) {
    SCOPED_TRACE("cut to " + std::to_string(cut));
    test::StayingChild attached([this](const test::StayingChild::Stay& stay) {
      const Publisher publisher = OpenPublisher(test::NumbersSpec());
      stay();
    });
    length = std::filesystem::file_size(File());
    std::filesystem::resize_file(File(), std::min(cut, length));
    OpenAndUse();
  }
}

TEST_P(FilesAtRest, WithFlippedBitsAreRefusedOrServeAndDoNotCrash) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    test::StayingChild attached([this](const test::StayingChild::Stay& stay) {
      Publisher publisher = OpenPublisher(test::NumbersSpec());
      static_cast<void>(test::Send(publisher, 1));
      stay();
    });
    std::string content = test::ReadFile(File());
    for (int flips = 0; flips < 4; ++flips) content[random() % content.size()] ^= static_cast<char>(1 << random() % 8);
    {
      std::fstream file(File(), std::ios::in | std::ios::out | std::ios::binary);
      file << content;
    }
    OpenAndUse();
  }
}

}  // namespace
}  // namespace shmcomm::faults
