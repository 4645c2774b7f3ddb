// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/scene.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "crash/every_instruction/channel_files.h"

namespace shmcomm::crash {

std::vector<Case> AllCases() {
  std::vector<Case> all = PubSubCases();
  for (std::vector<Case> cases : {JobCases(), CallCases()}) std::move(cases.begin(), cases.end(), std::back_inserter(all));
  return all;
}

std::vector<std::string> FilesBelow(const std::string& root) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) files.push_back(entry.path());
  return files;
}

std::uint64_t Walk::OccurrenceOf(std::size_t index) const {
  return static_cast<std::uint64_t>(std::count(pcs.begin(), pcs.begin() + static_cast<std::ptrdiff_t>(index), pcs[index]));
}

Walk WalkThrough(Scene& scene, const std::function<void()>& at_write) {
  Walk walk;
  TracedChild victim = scene.MakeVictim();
  WatchedFiles files(scene.directory());
  while (victim.is_stopped() && !victim.IsAtEnd() && !::testing::Test::HasFatalFailure()) {
    walk.pcs.push_back(victim.pc());
    const bool is_system_call = victim.IsAtSystemCall();
    victim.StepInstruction();
    if (!(is_system_call ? files.HaveChangedOrCome() : files.HaveChanged())) continue;
    walk.writes.push_back(walk.pcs.size() - 1);
    at_write();
  }
  EXPECT_EQ(victim.Leave(), 0);
  return walk;
}

std::size_t KillPoints() {
#if defined(__SANITIZE_ADDRESS__)
  constexpr std::size_t kOtherwise = 15;  // each child takes ten times as long to its point
#else
  constexpr std::size_t kOtherwise = 100;
#endif
  const char* text = std::getenv("SHMCOMM_KILL_POINTS");
  return text == nullptr ? kOtherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace shmcomm::crash
