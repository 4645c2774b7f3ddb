// SPDX-License-Identifier: Apache-2.0
#include "sched/memory.h"

#include <algorithm>
#include <cstring>

namespace shmcomm::sched {
namespace {

bool Acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst ||
         order == std::memory_order_consume;
}

bool Releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

}  // namespace

std::uint64_t RawLoad(const void* address, unsigned bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, address, bytes);
  return value;
}

void RawStore(void* address, unsigned bytes, std::uint64_t value) { std::memcpy(address, &value, bytes); }

void Memory::Reset() {
  ++execution_;
  const View empty = {};
  fence_order_.Assign(empty, blocks_);
  for (std::size_t thread = 0; thread < kMaxThreads; ++thread) {
    threads_[thread].current.Assign(empty, blocks_);
    threads_[thread].has_pending = false;
    threads_[thread].has_released = false;
    // A clock starts at 1, so that nobody has seen the first step of another thread without synchronising.
    threads_[thread].current.clocks[thread] = 1;
  }
}

Location* Memory::Find(const void* address, unsigned bytes) {
  const std::size_t index = index_.FindOrAdd(address);
  if (index == kFull) return nullptr;
  Location& location = locations_[index];
  if (location.execution != execution_) {
    // Blocks once in use stay in use, so a vector beyond them is zero in every view.
    blocks_ = BlocksFor(index_.size());
    location.address = const_cast<void*>(address);
    location.bytes = bytes;
    location.execution = execution_;
    location.stamp = 0;
    location.newest().value = RawLoad(address, bytes);
    location.newest().carries = false;
  }
  return &location;
}

bool Memory::Watch(const void* address) {
  const std::size_t index = index_.FindOrAdd(address);
  if (index == kFull) return false;
  locations_[index].is_watched = true;
  return true;
}

bool Memory::NoteAccess(Location& location, unsigned thread, bool writes) {
  const bool was_shared = location.is_shared();
  location.accessed_by |= 1u << thread;
  location.is_written |= writes;
  return location.is_shared() != was_shared;
}

unsigned Memory::OlderReadable(const Location& location, unsigned thread, std::memory_order order, unsigned depth) const {
  unsigned seen = threads_[thread].current.stamp(Index(location));
  if (order == std::memory_order_seq_cst) seen = std::max(seen, fence_order_.stamp(Index(location)));
  return std::min({location.stamp - seen, depth, kKept - 1});
}

std::uint64_t Memory::Read(Location& location, unsigned thread, unsigned back, std::memory_order order) {
  ThreadViews& views = threads_[thread];
  const unsigned stamp = location.stamp - back;
  const Message& message = location.kept[stamp % kKept];
  views.current.Raise(Index(location), stamp);
  if (order == std::memory_order_seq_cst) fence_order_.Raise(Index(location), stamp);
  if (message.carries) Gain(views, message, order);
  return message.value;
}

void Memory::Gain(ThreadViews& views, const Message& message, std::memory_order order) {
  if (Acquires(order)) {
    views.current.Join(message.view, blocks_);
  } else if (views.has_pending) {
    views.pending.Join(message.view, blocks_);
  } else {
    views.pending.Assign(message.view, blocks_);
    views.has_pending = true;
  }
}

void Memory::Append(Location& location, ThreadViews& views, unsigned thread, std::uint64_t value, std::memory_order order,
                    const Message* continued) {
  ++location.stamp;  // `continued` is the message before, in a place of its own among those kept
  views.current.Raise(Index(location), location.stamp);
  Message& message = location.newest();
  message.value = value;
  message.carries = Releases(order) || views.has_released;
  if (message.carries) {
    message.view.Assign(Releases(order) ? views.current : views.released, blocks_);
    message.view.Raise(Index(location), location.stamp);
  }
  if (continued != nullptr && continued->carries) {
    if (message.carries) {
      message.view.Join(continued->view, blocks_);
    } else {
      message.view.Assign(continued->view, blocks_);
      message.carries = true;
    }
  }
  if (order == std::memory_order_seq_cst) fence_order_.Raise(Index(location), location.stamp);
  if (Releases(order)) Tick(thread);
  RawStore(location.address, location.bytes, value);
}

bool Memory::Write(Location& location, unsigned thread, std::uint64_t value, std::memory_order order) {
  if (location.stamp == kMaxStamp) return false;
  Append(location, threads_[thread], thread, value, order, nullptr);
  return true;
}

bool Memory::ReadAndWrite(Location& location, unsigned thread, std::uint64_t value, std::memory_order order) {
  if (location.stamp == kMaxStamp) return false;
  ThreadViews& views = threads_[thread];
  const Message& read = location.newest();
  if (read.carries) Gain(views, read, order);
  Append(location, views, thread, value, order, &read);
  return true;
}

void Memory::Fence(unsigned thread) {
  ThreadViews& views = threads_[thread];
  if (views.has_pending) {
    views.current.Join(views.pending, blocks_);
    views.has_pending = false;
  }
  views.current.JoinStamps(fence_order_, blocks_);
  fence_order_.JoinStamps(views.current, blocks_);
  views.released.Assign(views.current, blocks_);
  views.has_released = true;
  Tick(thread);
}

void Memory::SeeEverything(unsigned thread) {
  for (std::size_t i = 0; i < index_.size(); ++i) {
    if (locations_[i].execution == execution_) threads_[thread].current.Raise(i, locations_[i].stamp);
  }
}

void Memory::ReleaseTo(View& view, unsigned thread) {
  view.Join(threads_[thread].current, blocks_);
  Tick(thread);
}

void Memory::AcquireFrom(const View& view, unsigned thread) { threads_[thread].current.Join(view, blocks_); }

}  // namespace shmcomm::sched
