// SPDX-License-Identifier: Apache-2.0
// A channel, a victim that is walked through one operation, and the others in it, who must go on whatever becomes of the
// victim. The others live in the test's own process. One scene for each pattern; AllCases has all operations of all.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "crash/every_instruction/traced_child.h"

namespace shmcomm::crash {

class Scene {
 public:
  Scene() = default;
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  virtual ~Scene() = default;

  /// The channel's files.
  virtual std::string directory() const = 0;

  /// A new victim that stands before its step, with something to take, and somebody who must be woken.
  virtual TracedChild MakeVictim() = 0;

  /// The victim is dead: the others do not notice, newcomers find a place, nothing stays behind.
  virtual void ExpectEverybodyGoesOn() = 0;
  /// The victim is stopped: the others go on for some laps as if it were not.
  virtual void ExpectOthersGoOnBeside() = 0;
  /// The same files, somewhere else, where only the others live: a newcomer repairs them.
  virtual void ExpectCopyRecovers() = 0;
  /// Everybody leaves; no file stays.
  virtual void ExpectNothingIsLeft() = 0;

  /// How many messages, jobs or calls the others have exchanged beside stopped victims.
  std::size_t exchanged_beside() const { return exchanged_beside_; }

 protected:
  std::size_t exchanged_beside_ = 0;
};

/// One operation of one pattern.
struct Case {
  std::string name;
  /// Opens, creates and removes files: many instructions, few of them on shared memory, and the directory's lock is held
  /// in between, so that nobody joins meanwhile.
  bool is_lifecycle;
  /// Nobody else is in the channel: no copy of it can be entered.
  bool is_alone;
  std::function<std::unique_ptr<Scene>()> make;
};

std::vector<Case> PubSubCases();
std::vector<Case> JobCases();
std::vector<Case> CallCases();
std::vector<Case> AllCases();

/// For GoogleTest.
inline void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

/// Every path below `root`.
std::vector<std::string> FilesBelow(const std::string& root);

/// The step of an operation, as one child made it.
struct Walk {
  std::vector<std::uint64_t> pcs;      // where it stood before each instruction
  std::vector<std::size_t> writes;     // the instructions that changed a shared file

  /// How often the instruction at `index` had been met before.
  std::uint64_t OccurrenceOf(std::size_t index) const;
};

/// One victim, instruction by instruction; `at_write` is called after each that changed a shared file.
Walk WalkThrough(Scene& scene, const std::function<void()>& at_write);

/// Kills an operation, spread evenly over its instructions; 0 is at every one. SHMCOMM_KILL_POINTS says how many.
std::size_t KillPoints();

}  // namespace shmcomm::crash
