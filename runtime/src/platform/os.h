// SPDX-License-Identifier: Apache-2.0
// All that the runtime asks of an operating system. One source per system implements it (linux.cc); nothing else in the
// runtime names a system call, an errno or an OS header.
//
// Failures are absl::Status with the call, the object and the system's reason: kPermissionDenied, kNotFound,
// kAlreadyExists, kResourceExhausted (memory, descriptors, space), kFailedPrecondition, otherwise kInternal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/atomic.h"

namespace shmcomm::platform {

/// Owns one descriptor; closes it. Move-only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { Reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void Reset();

 private:
  int fd_ = -1;
};

/// Identity and size of an open file or directory.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
  std::uint64_t bytes = 0;
  std::uint32_t owner = 0;
};

/// Says that the caller keeps `file` from now on. Numbers are given out again: once another keeper has said the same of this
/// one, the first one's file was closed under it, even where both lead to the same file. Returns what to ask by; any thread.
std::uint64_t KeepNumber(int file);
/// False once another has kept the number since. Allocates nothing: for signal handlers.
bool IsNewestKeeper(int file, std::uint64_t keeper);

// ---- directories and files; names are single components relative to an open directory -------------------------------

/// Opens a directory that belongs to this user, or to root, and is no symbolic link; makes it (mode 0700) if absent.
absl::StatusOr<Descriptor> OpenOrMakeDirectory(const std::string& path);
absl::StatusOr<Descriptor> OpenOrMakeDirectoryAt(int parent, const std::string& name);
/// kNotFound when it does not exist.
absl::StatusOr<Descriptor> OpenDirectory(const std::string& path);
absl::StatusOr<Descriptor> OpenDirectoryAt(int parent, const std::string& name);

enum class Access : std::uint8_t { kRead, kReadWrite };
/// Opens a regular file of this user: no link of either kind, no other owner, no device. Never waits.
absl::StatusOr<Descriptor> OpenFileAt(int directory, const std::string& name, Access access);
/// A file without a name, mode 0600, of `bytes` zero bytes that occupy no memory yet.
absl::StatusOr<Descriptor> CreateUnnamedFile(int directory, std::uint64_t bytes);
/// Gives an unnamed file its name. kAlreadyExists when the name is taken: an atomic create-once.
absl::Status LinkFile(int file, int directory, const std::string& name);
absl::Status WriteAll(int file, const void* data, std::size_t bytes);
absl::Status UnlinkAt(int directory, const std::string& name);                  // absent is fine
absl::Status RemoveDirectory(const std::string& path);                          // absent or not empty is fine
absl::Status RemoveDirectoryAt(int parent, const std::string& name);            // absent or not empty is fine
absl::StatusOr<std::vector<std::string>> ListDirectory(int directory);
absl::StatusOr<FileIdentity> Identify(int file);
absl::StatusOr<FileIdentity> IdentifyAt(int directory, const std::string& name);
/// Whether the open `file` is the one of this identity; false where it is closed. Allocates nothing: for signal handlers.
bool IsFile(int file, std::uint64_t device, std::uint64_t inode);

/// Commits the pages of [offset, offset + bytes) so that writing them cannot fault. kResourceExhausted when full.
absl::Status CommitPages(int file, std::uint64_t offset, std::uint64_t bytes);
/// Bytes free and total of the file system that holds `file`.
struct Space {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};
Space FreeSpace(int file);

// ---- mapping --------------------------------------------------------------------------------------------------------

absl::StatusOr<void*> Map(int file, std::size_t bytes, Access access);
void Unmap(void* address, std::size_t bytes);
std::size_t PageBytes();
/// Makes the pages of a mapped range present, so that the first use takes no fault. Best effort.
void Populate(void* address, std::size_t bytes, Access access);

// ---- locks: released by the kernel when the process dies ----------------------------------------------------------

/// Write lock on one byte, owned by the open file description of `file`. False when somebody else holds it.
absl::StatusOr<bool> TryLockByte(int file, std::uint64_t byte);
void UnlockByte(int file, std::uint64_t byte);
/// True when another open file description holds the byte. Takes nothing.
absl::StatusOr<bool> IsByteLocked(int file, std::uint64_t byte);

enum class Sharing : std::uint8_t { kShared, kExclusive };
/// Whole-file lock on a directory, until it is closed. False when it would have to wait.
absl::StatusOr<bool> TryLockDirectory(int directory, Sharing sharing);

// ---- sleeping and waking --------------------------------------------------------------------------------------------

enum class WaitResult : std::uint8_t { kWoken, kTimedOut };
/// Sleeps while `word` holds `expected`, at most `timeout_ns`. Spurious wakes and signals count as woken. The word may
/// lie in memory mapped read-only, where the kernel takes some 200 ns more to find it.
WaitResult FutexWait(const base::Atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t timeout_ns);
void FutexWakeAll(base::Atomic<std::uint32_t>& word);
void FutexWakeOne(base::Atomic<std::uint32_t>& word);

/// One of several words to sleep on, and the value it was seen with.
struct FutexTerm {
  const base::Atomic<std::uint32_t>* word = nullptr;
  std::uint32_t expected = 0;
};
inline constexpr std::size_t kMaxFutexTerms = 16;
/// Sleeps while every word holds its expected value, at most `timeout_ns`; `count` is at most kMaxFutexTerms. Spurious wakes
/// and signals count as woken. False where the system cannot sleep on several words.
bool FutexWaitMany(const FutexTerm* terms, std::size_t count, std::int64_t timeout_ns);

/// Lets BarrierAll reach this process. False where the system cannot.
bool RegisterForBarrier();
/// A sequentially consistent fence in every registered process. False where the system cannot.
bool BarrierAll();

// ---- descriptors that others can watch ------------------------------------------------------------------------------

/// A named pipe, mode 0600. kAlreadyExists when the name is taken.
absl::Status MakeFifoAt(int directory, const std::string& name);
/// Opens both ends of a named pipe of this user, without blocking ever: a write never fails for want of a reader.
absl::StatusOr<Descriptor> OpenFifoAt(int directory, const std::string& name);
/// One byte into a pipe or an event; a full one is readable already, so nothing is lost.
void WriteByte(int file);
/// Reads all there is, so that the pipe, event or timer is not readable until something comes.
void Drain(int file);
/// An event of this process: readable after WriteEvent until drained.
absl::StatusOr<Descriptor> MakeEvent();
void WriteEvent(int event);
/// A timer: readable once `after_ns` have passed since it was last set. Setting it anew makes it unreadable.
absl::StatusOr<Descriptor> MakeTimer();
void SetTimer(int timer, std::int64_t after_ns);
/// Watches many descriptors, each until it is closed; is itself readable while any of them is.
absl::StatusOr<Descriptor> MakePoll();
absl::Status PollAdd(int poll, int file, std::uint64_t tag);
/// Sleeps until one of them is readable, at most `timeout_ns`. The tags of up to `count` readable ones are stored in
/// `tags`; returns how many.
std::size_t PollWait(int poll, std::uint64_t* tags, std::size_t count, std::int64_t timeout_ns);

// ---- process and time -----------------------------------------------------------------------------------------------

/// CLOCK_MONOTONIC, to within half a microsecond. Two calls of one thread may differ by that error backwards.
std::int64_t NowNs();
void Yield();
std::uint32_t ProcessId();
std::uint32_t UserId();
std::string ProgramName();
/// In place of the executable's; that again where `name` is empty.
void SetProgramName(std::string name);
/// Counts the fork()s between the first process and this one; differs in a forked child from its parent's value. Inline:
/// every operation asks.
namespace internal {
extern std::uint32_t fork_generation;
}
inline std::uint32_t ForkGeneration() { return internal::fork_generation; }
/// While one lives, fork() of other threads waits. For what must be done with no fork in between. May be nested.
class NoFork {
 public:
  NoFork();
  NoFork(const NoFork&) = delete;
  NoFork& operator=(const NoFork&) = delete;
  ~NoFork();
};
/// `mutex`, which lives for ever, is held during every fork(), so that the child never inherits it locked by a thread it
/// does not have.
void HoldDuringFork(std::mutex* mutex);
/// In a forked child `file` is closed before fork() returns there, unless its number leads to another file by then: the
/// parent's locks must not live on in the child. Until ForgetForkedChild of what this returns.
std::uint64_t CloseInForkedChild(int file);
void ForgetForkedChild(std::uint64_t entry);
std::string Environment(const char* name);   ///< empty when unset

}  // namespace shmcomm::platform
