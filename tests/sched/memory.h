// SPDX-License-Identifier: Apache-2.0
// The memory of the model: C++20's relaxed, acquire, release and seq_cst accesses as views over the modification order of
// each location. The newest value lies in the program's own memory; older ones that a thread may still read lie here.
//
//   message   one store: its value, and the view a reader gains that synchronises with it
//   current   what a thread has seen or been told; it never reads below this
//   pending   what it read relaxed; a fence makes it current
//   released  what it had seen at its last fence; its relaxed stores carry only this
//
// Stores append to the modification order in the order of execution, a read-modify-write and a failed compare-exchange
// read the newest value. A same-thread relaxed store does not continue a release sequence; a read-modify-write does.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "sched/address_index.h"
#include "sched/view.h"

namespace shmcomm::sched {

inline constexpr unsigned kKept = 4;  // messages of one location that can still be read: the newest and three before it

struct Message {
  std::uint64_t value;
  bool carries;  // view is worth joining
  View view;
};

struct Location {
  void* address;
  unsigned bytes;
  std::uint32_t execution;  // for which stamp and kept are valid
  unsigned stamp;           // of the newest message; 0 is the initial value
  std::uint32_t accessed_by = 0;  // threads, over all executions
  bool is_written = false;        // by any of them
  bool is_watched = false;        // its scenario wants to hear of every change
  Message kept[kKept];

  /// Only accesses to such a location can depend on what another thread does.
  bool is_shared() const { return is_written && (accessed_by & (accessed_by - 1)) != 0; }
  Message& newest() { return kept[stamp % kKept]; }
};

class Memory {
 public:
  static constexpr std::size_t kFull = kMaxLocations;

  /// Starts an execution: what the program's memory holds now is the initial value of every location.
  void Reset();

  /// Null when the model has more locations than the checker holds.
  Location* Find(const void* address, unsigned bytes);
  /// Marks a location for good. False when there are too many.
  bool Watch(const void* address);
  /// Learns which locations are shared. Returns true when this access is news.
  bool NoteAccess(Location& location, unsigned thread, bool writes);

  /// How many messages older than the newest, at most `depth`, `thread` may still read.
  unsigned OlderReadable(const Location& location, unsigned thread, std::memory_order order, unsigned depth) const;
  /// Reads the message `back` stores before the newest.
  std::uint64_t Read(Location& location, unsigned thread, unsigned back, std::memory_order order);
  /// False when the location has had more stores than a stamp can number.
  bool Write(Location& location, unsigned thread, std::uint64_t value, std::memory_order order);
  /// A read-modify-write: reads the newest, appends `value`, continues its release sequence.
  bool ReadAndWrite(Location& location, unsigned thread, std::uint64_t value, std::memory_order order);
  void Fence(unsigned thread);

  /// Time has passed: every store has arrived. Ordered with nothing.
  void SeeEverything(unsigned thread);
  /// Synchronisation outside the language: a lock handed over by the kernel.
  void ReleaseTo(View& view, unsigned thread);
  void AcquireFrom(const View& view, unsigned thread);

  const View& current(unsigned thread) const { return threads_[thread].current; }

 private:
  struct ThreadViews {
    View current;
    View pending;
    View released;
    bool has_pending;
    bool has_released;
  };

  std::size_t Index(const Location& location) const { return static_cast<std::size_t>(&location - locations_); }
  void Gain(ThreadViews& views, const Message& message, std::memory_order order);
  void Append(Location& location, ThreadViews& views, unsigned thread, std::uint64_t value, std::memory_order order,
              const Message* continued);
  void Tick(unsigned thread) { ++threads_[thread].current.clocks[thread]; }

  AddressIndex<kMaxLocations> index_;
  std::size_t blocks_ = 0;
  std::uint32_t execution_ = 0;
  View fence_order_ = {};  // what every seq_cst fence so far has seen: stamps only, a fence alone synchronises with nothing
  ThreadViews threads_[kMaxThreads] = {};
  Location locations_[kMaxLocations] = {};
};

std::uint64_t RawLoad(const void* address, unsigned bytes);
void RawStore(void* address, unsigned bytes, std::uint64_t value);

}  // namespace shmcomm::sched
