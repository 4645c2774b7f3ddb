// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/job_scene.h"

#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "crash/every_instruction/channel_files.h"
#include "support/forked_child.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

constexpr std::uint64_t kOfVictim = 7;   // the value of every job that the victim pushes
constexpr std::uint32_t kEntries = 16;

ChannelSpec JobsSpec(std::uint64_t schema) {
  ChannelSpec spec = test::NumbersSpec(3);
  spec.message.fingerprint = schema;
  spec.name = "test/jobs";
  spec.pattern = Pattern::kPushPull;
  spec.qos.max_subscribers = 3;
  return spec;
}

template <class End, class Options>
bool OpenEnd(std::optional<End>& end, const JobEnds& ends, Options options) {
  options.root = ends.root;
  auto opened = End::Open(JobsSpec(ends.schema), options);
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (opened.ok()) end.emplace(*std::move(opened));
  return opened.ok();
}

bool OpenPuller(JobEnds& ends) {
  PullerOptions options;
  options.spin = absl::ZeroDuration();
  return OpenEnd(ends.puller, ends, options);
}
bool OpenPusher(JobEnds& ends) { return OpenEnd(ends.pusher, ends, PusherOptions()); }
bool OpenBoth(JobEnds& ends) { return OpenPuller(ends) && OpenPusher(ends); }

absl::Status PushValue(Pusher& pusher, std::uint64_t value) {
  const test::Numbers numbers{value, {value, value, value, value, value, value, value}};
  return pusher.PushCopy(&numbers, sizeof(numbers), Codec::kStruct, absl::ZeroDuration());
}

bool Push(JobEnds& ends) { return PushValue(*ends.pusher, kOfVictim).ok(); }

bool Take(JobEnds& ends) {
  auto job = ends.puller->TryTake();
  if (!job.ok() || !job->has_value()) return false;
  ends.job = *std::move(job);
  return true;
}

bool Ack(JobEnds& ends) { return ends.job->Ack().ok(); }
bool GiveBack(JobEnds& ends) { return ends.job->GiveBack().ok(); }
bool OpenPusherAndPush(JobEnds& ends) { return OpenPusher(ends) && Push(ends); }
bool PushAndTake(JobEnds& ends) { return OpenBoth(ends) && Push(ends) && Take(ends); }
bool TakeAndAck(JobEnds& ends) { return Take(ends) && Ack(ends); }

/// Every slot has been used, so that the next push reclaims.
bool PushLaps(JobEnds& ends) {
  if (!OpenBoth(ends)) return false;
  for (std::uint32_t i = 0; i < 3 * kEntries; ++i) {
    if (!Push(ends) || !TakeAndAck(ends)) return false;
  }
  ends.puller->Close();
  return true;
}

bool DoAllThenSleep(JobEnds& ends) {
  while (Take(ends)) ends.job.reset();
  return ends.puller->Wait(absl::Nanoseconds(1)).ok();
}

bool DoAllThenArm(JobEnds& ends) {
  while (Take(ends)) ends.job.reset();
  return true;
}

bool OpenPullerInSet(JobEnds& ends) { return OpenPuller(ends) && ends.set.Add(*ends.puller).ok(); }

bool DoAllThenSleepInSet(JobEnds& ends) {
  while (Take(ends)) ends.job.reset();
  return ends.set.Wait(absl::Nanoseconds(1)).ok();
}

bool MakeDescriptor(JobEnds& ends) { return ends.puller->fd().ok(); }
bool OpenWatchedPuller(JobEnds& ends) { return OpenPuller(ends) && MakeDescriptor(ends); }

bool Close(JobEnds& ends) {
  if (ends.puller.has_value()) ends.puller->Close();
  if (ends.pusher.has_value()) ends.pusher->Close();
  return true;
}

/// With a job that it pushed and took.
bool LetSomebodyDie(JobEnds& ends) {
  test::StayingChild dead([&](const test::StayingChild::Stay& stay) {
    if (PushAndTake(ends)) stay();
  });
  return dead.is_there();
}

bool Nothing(JobEnds&) { return true; }

const std::vector<JobOperation> kOperations = {
    {"push", false, false, 0, OpenPusher, Push},
    {"push_reclaiming", false, false, 0, PushLaps, Push},
    {"claim", false, true, 0, OpenPuller, Take},
    {"ack", false, true, 0, PushAndTake, Ack},
    {"give_back", false, false, 0, PushAndTake, GiveBack},
    {"claim_and_ack", false, true, 1, OpenPuller, TakeAndAck},
    {"do_all_then_sleep", false, true, 2, OpenPuller, DoAllThenSleep},
    {"do_all_then_sleep_in_set", false, true, 2, OpenPullerInSet, DoAllThenSleepInSet},
    {"make_puller_descriptor", false, true, 0, OpenPuller, MakeDescriptor},
    {"do_all_then_arm_descriptor", false, true, 2, OpenWatchedPuller, DoAllThenArm},
    {"open_puller", true, true, 0, Nothing, OpenPuller},
    {"open_pusher", true, true, 0, Nothing, OpenPusher},
    {"close_puller", true, true, 0, OpenPuller, Close},
    {"close_watched_puller", true, true, 0, OpenWatchedPuller, Close},
    {"close_pusher", true, true, 0, OpenPusherAndPush, Close},
    {"clean_jobs", true, false, 0, LetSomebodyDie, OpenPuller},
    {"clean_jobs_by_pusher", true, false, 0, LetSomebodyDie, OpenPusher},
    {"create_by_puller", true, false, 0, Nothing, OpenPuller, true},
    {"create_by_pusher", true, false, 0, Nothing, OpenPusher, true},
    {"remove_by_puller", true, false, 0, OpenPuller, Close, true},
    {"remove_by_pusher", true, false, 0, OpenPusherAndPush, Close, true},
};

}  // namespace

// The others' puller is watched through a descriptor: between its takes it stands in the queue of sleepers.
JobScene::JobScene(const JobOperation& operation) : operation_(operation) {
  others_.root = root_.path();
  if (operation.is_alone) return;
  EXPECT_TRUE(OpenWatchedPuller(others_) && OpenPusher(others_));
}

TracedChild JobScene::MakeVictim() {
  TracedChild victim([this]() -> Step {
    auto* const ends = new JobEnds;   // never destroyed: what it has at its end, it dies with
    ends->root = root_.path();
    if (!operation_.before(*ends)) return {};
    return [this, ends] { return operation_.step(*ends); };
  });
  EXPECT_TRUE(victim.is_stopped());
  if (operation_.is_alone) return victim;
  if (!operation_.finds_jobs) DoAll(*others_.puller, open_);
  for (int i = 0; operation_.finds_jobs && i < 2; ++i) PushOne();
  return victim;
}

void JobScene::PushOne() {
  const absl::Status pushed = PushValue(*others_.pusher, ++last_value_);
  ASSERT_TRUE(pushed.ok()) << pushed;
  open_.insert(last_value_);
}

void JobScene::DoAll(Puller& puller, Values& open) {
  for (;;) {
    const auto job = puller.TryTake();
    ASSERT_TRUE(job.ok()) << job.status();
    if (!job->has_value()) return;
    test::Numbers numbers;
    ASSERT_EQ((*job)->size(), sizeof(numbers));
    std::memcpy(&numbers, (*job)->data(), sizeof(numbers));
    for (const std::uint64_t word : numbers.rest) ASSERT_EQ(word, numbers.value);
    ASSERT_LE((*job)->attempt(), 1u);
    ASSERT_TRUE(numbers.value == kOfVictim || open.erase(numbers.value) == 1) << "job " << numbers.value << " a second time";
  }
}

void JobScene::ExchangeWithNewcomers(const std::string& root, Values& open) {
  JobEnds newcomers;
  newcomers.root = root;
  ASSERT_TRUE(OpenBoth(newcomers));
  ASSERT_NO_FATAL_FAILURE(DoAll(*newcomers.puller, open));
  ASSERT_TRUE(PushValue(*newcomers.pusher, 60).ok());
  Values last = {60};
  ASSERT_NO_FATAL_FAILURE(DoAll(*newcomers.puller, last));
  ASSERT_TRUE(last.empty());
}

void JobScene::PushAndTakeLaps() {
  for (std::uint32_t i = 0; i < 2 * kEntries; ++i) {
    ASSERT_NO_FATAL_FAILURE(PushOne());
    ASSERT_NO_FATAL_FAILURE(DoAll(*others_.puller, open_));
  }
}

void JobScene::ExpectALoneNewcomerFindsNothing() {
  {
    JobEnds newcomers;
    newcomers.root = root_.path();
    ++newcomers.schema;   // of another schema: nothing of the old may count
    ASSERT_TRUE(OpenBoth(newcomers));
    ASSERT_FALSE(Take(newcomers));
    ASSERT_TRUE(Push(newcomers) && TakeAndAck(newcomers));
  }
  ASSERT_TRUE(FilesBelow(root_.path()).empty());
}

void JobScene::ExpectEverybodyGoesOn() {
  if (operation_.is_alone) return ExpectALoneNewcomerFindsNothing();
  {
    JobEnds cleaner;
    cleaner.root = root_.path();
    ASSERT_TRUE(OpenPuller(cleaner));   // what the dead one had is given back
  }
  ASSERT_NO_FATAL_FAILURE(DoAll(*others_.puller, open_));
  ASSERT_LE(open_.size(), operation_.most_done) << "jobs that nobody did, the first " << *open_.begin();
  open_.clear();
  ASSERT_NO_FATAL_FAILURE(PushAndTakeLaps());
  ASSERT_NO_FATAL_FAILURE(ExchangeWithNewcomers(root_.path(), open_));
  ASSERT_TRUE(open_.empty());
  JobEnds last;   // finds the file of a dead pusher, whose jobs are over now
  last.root = root_.path();
  ASSERT_TRUE(OpenPuller(last));
  last.puller->Close();
  ASSERT_EQ(WhatIsWrong(directory(), WhoLives(directory())), "");
}

void JobScene::ExpectOthersGoOnBeside() {
  if (operation_.is_alone) return;
  // As far as the ring reaches: the one that stands still may have the oldest job.
  for (std::uint32_t i = 0; i < kEntries / 2; ++i) {
    ASSERT_NO_FATAL_FAILURE(PushOne());
    ASSERT_NO_FATAL_FAILURE(DoAll(*others_.puller, open_));
    ++exchanged_beside_;
  }
  if (!operation_.is_lifecycle) ExchangeWithNewcomers(root_.path(), open_);
}

void JobScene::ExpectCopyRecovers() {
  const test::TemporaryRoot root;
  const std::string copy = root / "default/test%2Fjobs";
  std::filesystem::create_directory(root / "default", root_.path());
  CopyFiles(directory(), copy);
  const Living there = WhoLives(directory());
  const Living others{{*there.lines.begin()}, {*there.publishers.begin()}};
  const HeldLocks locks(copy, others);
  Values open = open_;

  ASSERT_NO_FATAL_FAILURE(ExchangeWithNewcomers(root.path(), open));

  ASSERT_LE(open.size(), operation_.most_done) << "jobs that nobody did, the first " << *open.begin();
  JobEnds last;
  last.root = root.path();
  ASSERT_TRUE(OpenPuller(last));
  last.puller->Close();
  ASSERT_EQ(WhatIsWrong(copy, others), "");
}

void JobScene::ExpectNothingIsLeft() {
  if (operation_.is_alone) return ExpectALoneNewcomerFindsNothing();   // after a victim that died with what it had
  Close(others_);
  EXPECT_EQ(FilesBelow(root_.path()), std::vector<std::string>{});
}

std::vector<Case> JobCases() {
  std::vector<Case> cases;
  for (const JobOperation& operation : kOperations) {
    cases.push_back({operation.name, operation.is_lifecycle, operation.is_alone, [&operation] { return std::make_unique<JobScene>(operation); }});
  }
  return cases;
}

}  // namespace shmcomm::crash
