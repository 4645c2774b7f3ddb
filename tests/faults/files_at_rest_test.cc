// SPDX-License-Identifier: Apache-2.0
// One file of a channel that somebody is attached to is damaged, then others open the channel and use it: they are refused in
// words, or served, come back from every call, and another channel beside it goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "faults/exchange.h"
#include "support/forked_child.h"

namespace shmcomm::faults {
namespace {

struct DamagedFile {
  Pattern pattern;
  const char* name;
};
void PrintTo(const DamagedFile& file, std::ostream* out) { *out << NameOf(file.pattern) << " " << file.name; }

std::string TestNameOf(const DamagedFile& file) {
  std::string name = NameOf(file.pattern) + "_" + file.name;
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '.' || c == '/'; }, '_');
  return name;
}

std::vector<DamagedFile> AllFiles() {
  std::vector<DamagedFile> files;
  for (const Pattern pattern : {Pattern::kPubSub, Pattern::kPushPull, Pattern::kReqRep}) {
    for (const char* name : {"meta", "ring", "readers", "pub.1.1", "lock"}) files.push_back({pattern, name});
  }
  for (const char* name : {"reply.1.1/ring", "reply.1.1/readers", "reply.1.1/pub.1.1", "reply.1.1/lock"}) {
    files.push_back({Pattern::kReqRep, name});
  }
  return files;
}

class FilesAtRest : public ExchangeTest, public ::testing::WithParamInterface<DamagedFile> {
 protected:
  FilesAtRest() : beside_(OpenPublisher(BesideSpec())), beside_too_(OpenSubscriber(BesideSpec())) {}

  static ChannelSpec Spec() {
    ChannelSpec spec = GetParam().pattern == Pattern::kPubSub     ? test::NumbersSpec()
                       : GetParam().pattern == Pattern::kPushPull ? test::JobsSpec()
                                                                  : test::SumsSpec();
    spec.qos.history = GetParam().pattern == Pattern::kPubSub ? 1 : 0;   // so that newcomers meet what was there
    spec.qos.on_full = GetParam().pattern == Pattern::kPubSub ? spec.qos.on_full : OnFull::kFail;
    return spec;
  }
  std::string File() const {
    std::string component = Spec().name;
    component.replace(component.find('/'), 1, "%2F");
    return Directory(component) + "/" + GetParam().name;
  }
  bool IsEmptyByDesign() const { return File().substr(File().size() - 4) == "lock"; }

  /// With something of everything in its files, it stays until it goes.
  std::optional<test::StayingChild>& Attach() {
    attached_.emplace([this](const test::StayingChild::Stay& stay) {
      if (GetParam().pattern == Pattern::kPubSub) return StayAsPublisher(stay);
      if (GetParam().pattern == Pattern::kPushPull) return StayWithAJob(stay);
      StayWithACall(stay);
    });
    EXPECT_TRUE(attached_->is_there());
    return attached_;
  }
  void OpenAndUse() {
    Exchange(Spec(), {sizeof(test::Numbers), sizeof(test::Numbers)});
    ASSERT_TRUE(test::Send(beside_, ++sent_).ok());
    ASSERT_EQ(test::TakeValues(beside_too_), std::vector<std::uint64_t>{sent_});
  }
  /// A newcomer may be refused, but with an error that names the damage.
  bool Opened(const absl::Status& status) override {
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status) || absl::IsFailedPrecondition(status)) << status;
    return Said(status);
  }
  bool Went(const absl::Status& status) override {
    EXPECT_FALSE(absl::IsInternal(status) || absl::IsUnknown(status)) << status;
    return Said(status);
  }
  void Got(const std::uint8_t*, std::size_t size, std::size_t) override {
    EXPECT_LE(size, sizeof(test::Numbers));
    ++got_;
  }

  std::vector<std::string> said_;   // whatever was refused
  int got_ = 0;

 private:
  static ChannelSpec BesideSpec() {
    ChannelSpec spec = test::NumbersSpec();
    spec.name = "test/beside";
    return spec;
  }
  bool Said(const absl::Status& status) {
    if (!status.ok()) said_.push_back(status.ToString());
    return status.ok();
  }

  void StayAsPublisher(const test::StayingChild::Stay& stay) const {
    Publisher publisher = OpenPublisher(Spec());
    if (test::Send(publisher, 1).ok()) stay();
  }
  void StayWithAJob(const test::StayingChild::Stay& stay) const {
    Pusher pusher = OpenPusher(Spec());
    Puller puller = OpenPuller(Spec());
    for (std::uint64_t i = 0; i < 3; ++i) {
      if (!test::PushNumber(pusher, i, kLong).ok()) return;
    }
    const auto job = puller.Take(kLong);
    if (job.ok()) stay();
  }
  void StayWithACall(const test::StayingChild::Stay& stay) const {
    Replier replier = OpenReplier(Spec());
    Requester requester = OpenRequester(Spec());
    const auto call = test::SendNumber(requester, 1, kLong);
    if (!call.ok()) return;
    AnswerNext(replier);
    if (requester.Receive(*call).ok() && test::SendNumber(requester, 2, kLong).ok()) stay();
  }

  std::optional<test::StayingChild> attached_;
  Publisher beside_;
  Subscriber beside_too_;
  std::uint64_t sent_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Of, FilesAtRest, ::testing::ValuesIn(AllFiles()),
                         [](const auto& info) { return TestNameOf(info.param); });

TEST_P(FilesAtRest, CutToAnyLengthAreRefusedAndDoNotCrash) {
  std::uintmax_t length = 0;
  for (std::uintmax_t cut = 0; cut <= length; cut += 1 + cut / 4) {
    SCOPED_TRACE("cut to " + std::to_string(cut));
    Attach();
    length = std::filesystem::file_size(File());
    std::filesystem::resize_file(File(), std::min(cut, length));
    OpenAndUse();
  }
}

TEST_P(FilesAtRest, GrownByAnyLengthServeOrAreRefused) {
  for (std::uintmax_t more = 1; more < (std::uintmax_t{1} << 24); more *= 3) {
    SCOPED_TRACE("grown by " + std::to_string(more));
    Attach();
    std::filesystem::resize_file(File(), std::filesystem::file_size(File()) + more);
    OpenAndUse();
  }
}

TEST_P(FilesAtRest, WithFlippedBitsAreRefusedOrServeAndDoNotCrash) {
  std::mt19937_64 random(7);
  for (int round = 0; round < (IsEmptyByDesign() ? 1 : 50); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Attach();
    std::string content = test::ReadFile(File());
    // Half of the rounds in what is looked at first: most of a file is slots and lines that nobody uses.
    const std::size_t reach = round % 2 == 0 ? content.size() : std::min<std::size_t>(content.size(), 192);
    for (int flips = 0; reach > 0 && flips < 4; ++flips) content[random() % reach] ^= static_cast<char>(1 << random() % 8);
    std::fstream(File(), std::ios::in | std::ios::out | std::ios::binary) << content;
    OpenAndUse();
  }
}

TEST_P(FilesAtRest, ThatWereRemovedAreMissedOrNotNeeded) {
  if (GetParam().name == std::string("meta")) GTEST_SKIP() << "takes 5 s to be missed: tests/channel";
  Attach();
  ASSERT_TRUE(std::filesystem::remove(File()));

  OpenAndUse();
}

TEST_P(FilesAtRest, OfANewerVersionAreRefusedForIt) {
  if (IsEmptyByDesign()) GTEST_SKIP() << "has no version";
  if (TestNameOf(GetParam()).find("calls") == 0 && File().find("pub.1.1") != std::string::npos) {
    GTEST_SKIP() << "is told to the one who is attached";
  }
  Attach();
  {
    std::fstream file(File(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8).put(99);   // layout_version, as in all files
  }
  OpenAndUse();

  const auto names_it = [](const std::string& text) {
    return text.find("FAILED_PRECONDITION") == 0 && text.find("99") != std::string::npos;
  };
  EXPECT_TRUE(std::any_of(said_.begin(), said_.end(), names_it)) << ::testing::PrintToString(said_);
  // Of messages nobody stops for ever at one that cannot be read.
  EXPECT_TRUE(got_ > 0 || TestNameOf(GetParam()) != "messages_pub_1_1");
}

}  // namespace
}  // namespace shmcomm::faults
