// SPDX-License-Identifier: Apache-2.0
#include "faults/stop_subsets_roles.h"

#include <sched.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "support/all_patterns.h"

namespace shmcomm::faults {
namespace {

constexpr absl::Duration kPatience = absl::Milliseconds(10);   // a wait's, before it says so and goes on
constexpr absl::Duration kDemoteAfter = absl::Milliseconds(5);

template <class Options>
Options In(const std::string& root) {
  Options options;
  options.root = root;
  return options;
}

void AwaitBegin(Stage& stage, std::uint32_t self) {
  stage.told[self].is_open = true;
  while (!stage.begin) sched_yield();
}

void RestIfAsked(const Stage& stage) {
  while (stage.rest) usleep(20'000);
}

/// The next value of a writer; no other writer has it.
std::uint64_t ValueOf(std::uint32_t self, std::uint64_t count) { return std::uint64_t{self} << 48 | count; }

std::uint64_t Mix(std::uint64_t value) {
  value = (value ^ value >> 31) * 0x9E3779B97F4A7C15;
  return (value ^ value >> 29) * 0xBF58476D1CE4E5B9;
}

struct Totals {
  std::uint64_t count = 0, sum = 0, mixed = 0;
};
Totals Of(const Stage& stage, std::uint32_t from, std::uint32_t to) {
  Totals totals;
  for (std::uint32_t i = from; i < to; ++i) {
    totals.count += stage.told[i].progress;
    totals.sum += stage.told[i].sum;
    totals.mixed += stage.told[i].mixed;
  }
  return totals;
}

// Pubsub.

int Publish(const std::string& root, Stage& stage, std::uint32_t self, const ChannelSpec& spec, const PublisherOptions& options) {
  static_cast<void>(root);
  Told& told = stage.told[self];
  auto publisher = Publisher::Open(spec, options);
  if (!publisher.ok()) return told.Fail("open", publisher.status());
  AwaitBegin(stage, self);
  while (!stage.end_writers) {
    RestIfAsked(stage);
    const absl::Status sent = test::Send(*publisher, ValueOf(self, told.progress));
    if (absl::IsResourceExhausted(sent)) {
      ++told.timeouts;
      continue;
    }
    if (!sent.ok()) return told.Fail("publish", sent);
    told.Count(ValueOf(self, told.progress));
  }
  return 0;
}

/// The first writer's values and the second's each grow.
class InOrder {
 public:
  bool Accepts(std::uint64_t value, bool without_gaps) {
    const std::uint64_t writer = value >> 48, count = value & ((std::uint64_t{1} << 48) - 1);
    if (writer >= kWriters || count < next_[writer] || (without_gaps && count != next_[writer])) return false;
    next_[writer] = count + 1;
    return true;
  }

 private:
  std::uint64_t next_[kWriters] = {};
};

int Subscribe(const std::string& root, Stage& stage, std::uint32_t self, const ChannelSpec& spec) {
  Told& told = stage.told[self];
  auto subscriber = Subscriber::Open(spec, In<SubscriberOptions>(root));
  if (!subscriber.ok()) return told.Fail("open", subscriber.status());
  AwaitBegin(stage, self);
  InOrder order;
  std::uint64_t next = 0;
  for (;;) {
    RestIfAsked(stage);
    const bool is_end = stage.end_readers;
    const auto sample = subscriber->Take(kPatience);
    told.lost = subscriber->stats().lost;
    told.demotions = subscriber->stats().demotions;
    if (absl::IsDeadlineExceeded(sample.status())) {
      if (is_end) return 0;
      ++told.timeouts;
      continue;
    }
    if (!sample.ok()) return told.Fail("take", sample.status());
    if (sample->sequence() != next + sample->lost()) return told.Fail("a loss is not what was reported");
    next = sample->sequence() + 1;
    if (!order.Accepts(test::ValueOf(*sample), told.lost == 0)) return told.Fail("out of order, twice, or missing");
    told.Count(test::ValueOf(*sample));
  }
}

std::string AccountForLosses(const Stage& stage, bool only_of_the_demoted, bool of_anybody) {
  const Totals sent = Of(stage, 0, kWriters);
  for (std::uint32_t i = kWriters; i < kChildren; ++i) {
    const Told& told = stage.told[i];
    const std::string who = absl::StrCat("subscriber ", i - kWriters, ": ");
    if (told.progress + told.lost != sent.count) {
      return absl::StrCat(who, "taken ", told.progress.load(), " and lost ", told.lost.load(), " of ", sent.count);
    }
    if (told.lost != 0 && !of_anybody) return who + "lost what is never lost";
    if (told.lost != 0 && only_of_the_demoted && told.demotions == 0) return who + "lost without being demoted";
    if (told.lost == 0 && (told.sum != sent.sum || told.mixed != sent.mixed)) return who + "got other values than were sent";
  }
  return "";
}

ChannelSpec PubSubSpec(Reliability reliability) {
  ChannelSpec spec = test::NumbersSpec();
  spec.qos.max_subscribers = 4;
  spec.qos.reliability = reliability;
  return spec;
}
ChannelSpec BestEffortSpec() { return PubSubSpec(Reliability::kBestEffort); }
ChannelSpec ReliableSpec() { return PubSubSpec(Reliability::kReliable); }

int PublishFreely(const std::string& root, Stage& stage, std::uint32_t self) {
  return Publish(root, stage, self, BestEffortSpec(), In<PublisherOptions>(root));
}
int PublishDemoting(const std::string& root, Stage& stage, std::uint32_t self) {
  auto options = In<PublisherOptions>(root);
  options.demote_after = kDemoteAfter;
  return Publish(root, stage, self, ReliableSpec(), options);
}
int PublishWaiting(const std::string& root, Stage& stage, std::uint32_t self) {
  auto options = In<PublisherOptions>(root);
  options.publish_timeout = kPatience;
  return Publish(root, stage, self, ReliableSpec(), options);
}
template <ChannelSpec (*spec)()>
int SubscribeTo(const std::string& root, Stage& stage, std::uint32_t self) {
  return Subscribe(root, stage, self, spec());
}

// Pushpull.

int Push(const std::string& root, Stage& stage, std::uint32_t self) {
  Told& told = stage.told[self];
  auto pusher = Pusher::Open(test::JobsSpec(), In<PusherOptions>(root));
  if (!pusher.ok()) return told.Fail("open", pusher.status());
  AwaitBegin(stage, self);
  while (!stage.end_writers) {
    RestIfAsked(stage);
    const absl::Status pushed = test::PushNumber(*pusher, ValueOf(self, told.progress), kPatience);
    if (absl::IsResourceExhausted(pushed)) {
      ++told.timeouts;
      continue;
    }
    if (!pushed.ok()) return told.Fail("push", pushed);
    told.Count(ValueOf(self, told.progress));
  }
  return pusher->stats().dead_letters == 0 ? 0 : told.Fail("a job was given up");
}

int Pull(const std::string& root, Stage& stage, std::uint32_t self) {
  Told& told = stage.told[self];
  auto puller = Puller::Open(test::JobsSpec(), In<PullerOptions>(root));
  if (!puller.ok()) return told.Fail("open", puller.status());
  AwaitBegin(stage, self);
  for (;;) {
    RestIfAsked(stage);
    const bool is_end = stage.end_readers;
    auto job = puller->Take(kPatience);
    if (absl::IsDeadlineExceeded(job.status())) {
      if (is_end) return 0;
      ++told.timeouts;
      continue;
    }
    if (!job.ok()) return told.Fail("take", job.status());
    if (job->attempt() != 0) return told.Fail("a job was given out twice");
    const std::uint64_t value = test::NumberIn(job->data());
    if (const absl::Status done = job->Ack(); !done.ok()) return told.Fail("ack", done);
    told.Count(value);
  }
}

std::string AccountForJobs(const Stage& stage) {
  const Totals pushed = Of(stage, 0, kWriters), done = Of(stage, kWriters, kChildren);
  if (pushed.count == done.count && pushed.sum == done.sum && pushed.mixed == done.mixed) return "";
  return absl::StrCat("pushed ", pushed.count, " jobs, done ", done.count);
}

// Reqrep.

int Ask(const std::string& root, Stage& stage, std::uint32_t self) {
  Told& told = stage.told[self];
  auto requester = Requester::Open(test::SumsSpec(), In<RequesterOptions>(root));
  if (!requester.ok()) return told.Fail("open", requester.status());
  AwaitBegin(stage, self);
  for (std::uint64_t count = 0; !stage.end_writers; ++count) {
    RestIfAsked(stage);
    const std::uint64_t value = ValueOf(self, count);
    const auto call = test::SendNumber(*requester, value, kPatience);
    if (absl::IsResourceExhausted(call.status())) {
      ++told.timeouts;
      continue;
    }
    if (!call.ok()) return told.Fail("send", call.status());
    const auto reply = requester->Receive(*call);
    if (absl::IsDeadlineExceeded(reply.status())) {
      ++told.timeouts;
      ++told.unanswered;
      continue;
    }
    if (!reply.ok()) return told.Fail("receive", reply.status());
    if (test::NumberIn(reply->data()) != value + 1) return told.Fail("another call's reply");
    told.Count(value);
  }
  const RequesterStats stats = requester->stats();
  if (stats.died != 0) return told.Fail("a replier was taken for dead");
  return stats.sent == stats.received + stats.timed_out ? 0 : told.Fail("a call was neither answered nor timed out");
}

int Answer(const std::string& root, Stage& stage, std::uint32_t self) {
  Told& told = stage.told[self];
  auto replier = Replier::Open(test::SumsSpec(), In<ReplierOptions>(root));
  if (!replier.ok()) return told.Fail("open", replier.status());
  AwaitBegin(stage, self);
  for (;;) {
    RestIfAsked(stage);
    const bool is_end = stage.end_readers;
    auto request = replier->Take(kPatience);
    if (absl::IsDeadlineExceeded(request.status())) {
      if (is_end) return 0;
      ++told.timeouts;
      continue;
    }
    if (!request.ok()) return told.Fail("take", request.status());
    if (request->attempt() != 0) return told.Fail("a request was given out twice");
    const std::uint64_t value = test::NumberIn(request->data());
    const absl::Status replied = test::ReplyNumber(*request, value + 1);
    if (absl::IsUnavailable(replied) && stage.end_writers) continue;
    if (!replied.ok() && !absl::IsDeadlineExceeded(replied)) return told.Fail("reply", replied);
    told.Count(value);
  }
}

/// A request whose caller gave up may have been executed all the same, and no other.
std::string AccountForCalls(const Stage& stage) {
  const Totals answered = Of(stage, 0, kWriters), executed = Of(stage, kWriters, kChildren);
  std::uint64_t unanswered = 0;
  for (std::uint32_t i = 0; i < kWriters; ++i) unanswered += stage.told[i].unanswered;
  if (executed.count >= answered.count && executed.count <= answered.count + unanswered) return "";
  return absl::StrCat("answered ", answered.count, " calls, not ", unanswered, ", executed ", executed.count);
}

template <class Reader, class Options, ChannelSpec (*spec)()>
absl::Status Join(const std::string& root) {
  return Reader::Open(spec(), In<Options>(root)).status();
}

// How far one gets.

Must Progresses(std::uint32_t /*stopped_readers*/) { return Must::kProgress; }
Must ReadsWhatIsWritten(std::uint32_t stopped_writers, std::uint32_t /*stopped_readers*/) {
  return stopped_writers == kWriters ? Must::kTimeOut : Must::kProgress;
}
Must WaitsForAll(std::uint32_t stopped_readers) { return stopped_readers == 0 ? Must::kProgress : Must::kTimeOut; }
Must ReadsWhatMayBeWritten(std::uint32_t stopped_writers, std::uint32_t stopped_readers) {
  return stopped_writers == kWriters || stopped_readers != 0 ? Must::kTimeOut : Must::kProgress;
}
/// Whoever is stopped may hold what is waited for.
Must NeedsOne(std::uint32_t stopped_readers) {
  if (stopped_readers == 0) return Must::kProgress;
  return stopped_readers == kChildren - kWriters ? Must::kTimeOut : Must::kEither;
}
Must WorksWhereOneMay(std::uint32_t stopped_writers, std::uint32_t stopped_readers) {
  if (stopped_writers == kWriters) return Must::kTimeOut;
  return stopped_readers == 0 ? Must::kProgress : Must::kEither;
}

}  // namespace

void Told::Count(std::uint64_t value) {
  sum += value;
  mixed += Mix(value);
  ++progress;
}

int Told::Fail(const std::string& reason) {
  std::snprintf(why, sizeof(why), "%s", reason.c_str());
  has_failed = true;
  return 1;
}

int Told::Fail(const char* what, const absl::Status& status) { return Fail(absl::StrCat(what, ": ", status.ToString())); }

const Kind kBestEffort = {
    "best_effort",  BestEffortSpec, PublishFreely,      SubscribeTo<BestEffortSpec>, Join<Subscriber, SubscriberOptions, BestEffortSpec>,
    Progresses,     ReadsWhatIsWritten, [](const Stage& stage) { return AccountForLosses(stage, false, true); }};
const Kind kDemoting = {
    "demoting",     ReliableSpec,   PublishDemoting,    SubscribeTo<ReliableSpec>,   Join<Subscriber, SubscriberOptions, ReliableSpec>,
    Progresses,     ReadsWhatIsWritten, [](const Stage& stage) { return AccountForLosses(stage, true, true); }};
const Kind kWaiting = {
    "waiting",      ReliableSpec,   PublishWaiting,     SubscribeTo<ReliableSpec>,   Join<Subscriber, SubscriberOptions, ReliableSpec>,
    WaitsForAll,    ReadsWhatMayBeWritten, [](const Stage& stage) { return AccountForLosses(stage, true, false); }};
const Kind kJobs = {"jobs", test::JobsSpec, Push, Pull, Join<Puller, PullerOptions, test::JobsSpec>, NeedsOne, WorksWhereOneMay, AccountForJobs};
const Kind kCalls = {"calls", test::SumsSpec, Ask, Answer, Join<Replier, ReplierOptions, test::SumsSpec>, NeedsOne, WorksWhereOneMay, AccountForCalls};

}  // namespace shmcomm::faults
