// SPDX-License-Identifier: Apache-2.0
// A memory limit that a container has and the machine does not (a memory cgroup, of either version). Needs the right to make
// one; the kernel decides whether who meets the limit is refused or killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

constexpr std::uint64_t kLimitBytes = 24u << 20;
constexpr std::uint64_t kMessageBytes = 4u << 20;

/// Into a file that is there: one that was made anew limits nothing.
bool WriteTo(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool is_written = file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  return is_written;
}

/// A new group of kLimitBytes, removed with this object. is_there() is false without the right to make it.
class MemoryGroup {
 public:
  MemoryGroup() {
    const std::string name = "/shmcomm-test-" + std::to_string(getpid());
    for (const char* parent : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory"}) {
      path_ = parent + name;
      if (mkdir(path_.c_str(), 0755) != 0) continue;
      if (Limit()) return;
      rmdir(path_.c_str());
    }
    path_.clear();
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  ~MemoryGroup() {
    if (is_there()) rmdir(path_.c_str());
  }
  bool is_there() const { return !path_.empty(); }
  bool Enter() const { return WriteTo(path_ + "/cgroup.procs", "0"); }
  /// Version 1 only: whoever meets the limit is refused where it is in the kernel.
  bool RefuseInsteadOfKilling() const { return WriteTo(path_ + "/memory.oom_control", "1"); }

 private:
  bool Limit() const {
    const std::string bytes = std::to_string(kLimitBytes);
    if (!WriteTo(path_ + "/memory.max", bytes) && !WriteTo(path_ + "/memory.limit_in_bytes", bytes)) return false;
    for (const char* swap : {"/memory.swap.max", "/memory.swappiness"}) WriteTo(path_ + swap, "0");
    return true;
  }

  std::string path_;
};

class MemoryLimit : public test::EndpointTest {
 protected:
  void SetUp() override {
    if (!group_.is_there()) GTEST_SKIP() << "memory groups cannot be made here";
    for (int number = 0; number < 100; ++number) names_.push_back("test/bytes" + std::to_string(number));
  }
  ChannelSpec Spec(std::size_t number = 0) const {
    ChannelSpec spec = test::BytesSpec(kMessageBytes);
    spec.name = names_[number].c_str();
    spec.qos.max_subscribers = 2;
    return spec;
  }
  /// Opens channels and publishes ever larger messages in them until that is refused. 0: refused as it should be.
  int PublishUntilRefused() const {
    const std::vector<std::uint8_t> content(kMessageBytes, 7);
    if (!group_.Enter()) return 3;
    std::vector<Publisher> publishers;
    for (std::size_t number = 0; number < names_.size(); ++number) {
      auto publisher = Publisher::Open(Spec(number), PublisherHere());
      if (!publisher.ok()) return Judge(publisher.status());
      for (std::uint64_t bytes = 1024; bytes <= kMessageBytes; bytes *= 2) {
        if (absl::Status sent = publisher->PublishCopy(content.data(), bytes, Codec::kBytes); !sent.ok()) return Judge(sent);
      }
      publishers.push_back(*std::move(publisher));
    }
    return 4;
  }
  static int Judge(const absl::Status& status) {
    std::fprintf(stderr, "refused: %s\n", status.ToString().c_str());
    return absl::IsResourceExhausted(status) ? 0 : 5;
  }
  /// What a child that met the limit ended with, as waitpid says it.
  int EndOf(const std::function<int()>& body) const {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(body());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  }
  static void ExpectWhole(Subscriber& subscriber) {
    for (;;) {
      auto sample = subscriber.TryTake();
      ASSERT_TRUE(sample.ok()) << sample.status();
      if (!sample->has_value()) return;
      const std::uint8_t* data = (*sample)->data();
      EXPECT_TRUE(std::all_of(data, data + (*sample)->size(), [](std::uint8_t byte) { return byte == 7; }));
    }
  }

  MemoryGroup group_;
  std::vector<std::string> names_;
};

TEST_F(MemoryLimit, OfAGroupIsAnErrorOrADeathAsAnyToTheOthers) {
  {
    Publisher publisher = OpenPublisher(Spec());
    Subscriber subscriber = OpenSubscriber(Spec());

    const int end = EndOf([this] { return PublishUntilRefused(); });

    EXPECT_TRUE(end == 0 || (WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL)) << end;
    ExpectWhole(subscriber);
    const std::uint8_t seven = 7;
    EXPECT_TRUE(publisher.PublishCopy(&seven, 1, Codec::kBytes).ok());
    const auto sample = subscriber.Take(absl::ZeroDuration());
    EXPECT_TRUE(sample.ok()) << sample.status();
  }
  { const Publisher sweeper = OpenPublisher(Spec()); }  // what a dead one left in channels that were its alone
  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(MemoryLimit, OfAGroupThatDoesNotKillIsAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory meets the limit, too: such a page waits in the kernel until the group has room";
#endif
  if (!group_.RefuseInsteadOfKilling()) GTEST_SKIP() << "groups of this version always kill";

  EXPECT_EQ(EndOf([this] { return PublishUntilRefused(); }), 0);
}

}  // namespace
}  // namespace shmcomm::faults
