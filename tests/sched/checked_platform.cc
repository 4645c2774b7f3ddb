// SPDX-License-Identifier: Apache-2.0
// platform/os.h as the machine has it, linked in place of the system's: sleeping, waking, barriers, byte locks, time, and
// a directory that holds the lock file and the names of data files. What wake/ and registry/ do not call is not here.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "platform/os.h"
#include "sched/machine.h"
#include "segment/mapping.h"

namespace shmcomm::platform {
namespace {

using sched::Machine;

constexpr int kOutsideFile = 99;  // while a scene is set or cleared away nothing is opened or closed

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = other.Release();
  }
  return *this;
}

void Descriptor::Reset() {
  Machine* machine = Machine::running();
  const int file = Release();
  if (machine != nullptr && file >= 0) machine->CloseFile(file);
}

absl::StatusOr<Descriptor> OpenFileAt(int, const std::string&, Access) {
  Machine* machine = Machine::running();
  return Descriptor(machine != nullptr ? machine->OpenFile() : kOutsideFile);
}

absl::StatusOr<Descriptor> OpenDirectoryAt(int, const std::string& name) {
  Machine* machine = Machine::running();
  const int file = machine != nullptr ? machine->OpenFolder(name) : -1;
  if (file < 0) return absl::NotFoundError(name);
  return Descriptor(file);
}

// Nobody asks for more than whether a directory is there.
absl::StatusOr<FileIdentity> IdentifyAt(int, const std::string& name) {
  Machine* machine = Machine::running();
  if (machine == nullptr || !machine->HasFolder(name)) return absl::NotFoundError(name);
  return FileIdentity{};
}

absl::Status RemoveDirectoryAt(int, const std::string& name) {
  if (Machine* machine = Machine::running()) machine->RemoveFolder(name);
  return absl::OkStatus();
}

absl::StatusOr<FileIdentity> Identify(int file) {
  const Machine* machine = Machine::running();
  if (machine != nullptr && machine->kernel().IsLost(file)) return absl::InternalError("closed");
  return FileIdentity{1, 1, 1, 0, 0};
}

// The machine gives out no number twice.
std::uint64_t KeepNumber(int) { return 0; }
bool IsNewestKeeper(int, std::uint64_t) { return true; }

bool IsFile(int file, std::uint64_t, std::uint64_t) {
  const Machine* machine = Machine::running();
  return machine == nullptr || !machine->kernel().IsLost(file);
}

absl::StatusOr<std::vector<std::string>> ListDirectory(int directory) {
  Machine* machine = Machine::running();
  return machine != nullptr ? machine->ListNames(directory) : std::vector<std::string>{};
}

absl::Status UnlinkAt(int directory, const std::string& name) {
  if (Machine* machine = Machine::running()) machine->RemoveName(name, directory);
  return absl::OkStatus();
}

absl::StatusOr<bool> TryLockByte(int file, std::uint64_t byte) {
  Machine* machine = Machine::running();
  if (machine != nullptr && machine->kernel().IsLost(file)) return absl::InternalError("closed");
  return machine == nullptr || machine->TryLock(file, byte);
}

void UnlockByte(int file, std::uint64_t byte) {
  if (Machine* machine = Machine::running()) machine->Unlock(file, byte);
}

absl::StatusOr<bool> IsByteLocked(int file, std::uint64_t byte) {
  Machine* machine = Machine::running();
  return machine != nullptr && machine->IsLockedByAnother(file, byte);
}

WaitResult FutexWait(const base::Atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t timeout_ns) {
  Machine* machine = Machine::running();
  if (machine == nullptr) return WaitResult::kTimedOut;
  const bool is_woken = machine->FutexWait(&word, expected, timeout_ns) == sched::WakeReason::kWoken;
  return is_woken ? WaitResult::kWoken : WaitResult::kTimedOut;
}

bool FutexWaitMany(const FutexTerm* terms, std::size_t count, std::int64_t timeout_ns) {
  Machine* machine = Machine::running();
  if (machine == nullptr || timeout_ns <= 0) return true;
  Machine::Term words[kMaxFutexTerms];
  std::transform(terms, terms + count, words, [](const FutexTerm& each) { return Machine::Term{each.word, each.expected}; });
  return machine->FutexWaitMany(words, static_cast<unsigned>(count), timeout_ns);
}

void FutexWakeAll(base::Atomic<std::uint32_t>& word) {
  if (Machine* machine = Machine::running()) machine->FutexWake(&word, sched::kMaxThreads);
}

void FutexWakeOne(base::Atomic<std::uint32_t>& word) {
  if (Machine* machine = Machine::running()) machine->FutexWake(&word, 1);
}

bool RegisterForBarrier() {
  Machine* machine = Machine::running();
  if (machine != nullptr) machine->RegisterForBarrier();
  return machine != nullptr;
}

bool BarrierAll() {
  Machine* machine = Machine::running();
  return machine != nullptr && machine->BarrierAll();
}

absl::Status MakeFifoAt(int, const std::string& name) {
  Machine* machine = Machine::running();
  const bool is_made = machine != nullptr && machine->MakePipe(name);
  return is_made ? absl::OkStatus() : absl::AlreadyExistsError(name);
}

absl::StatusOr<Descriptor> OpenFifoAt(int, const std::string& name) {
  Machine* machine = Machine::running();
  const int file = machine != nullptr ? machine->OpenPipe(name) : kOutsideFile;
  if (file < 0) return absl::NotFoundError(name);
  return Descriptor(file);
}

void WriteByte(int file) {
  if (Machine* machine = Machine::running()) machine->WritePipe(file);
}

void Drain(int file) {
  if (Machine* machine = Machine::running()) machine->DrainPipe(file);
}

absl::StatusOr<Descriptor> MakeEvent() {
  Machine* machine = Machine::running();
  return Descriptor(machine != nullptr ? machine->MakeEvent() : kOutsideFile);
}
void WriteEvent(int event) { WriteByte(event); }

// A wait for a descriptor is a wait for its pipe, and its timer the time that a sleep may last.
absl::StatusOr<Descriptor> MakeTimer() { return OpenFileAt(-1, "timer", Access::kRead); }
void SetTimer(int, std::int64_t) {}

absl::StatusOr<Descriptor> MakePoll() {
  Machine* machine = Machine::running();
  return Descriptor(machine != nullptr ? machine->MakePoll() : kOutsideFile);
}
absl::Status PollAdd(int poll, int file, std::uint64_t tag) {
  if (Machine* machine = Machine::running()) machine->PollAdd(poll, file, tag);
  return absl::OkStatus();
}
std::size_t PollWait(int poll, std::uint64_t* tags, std::size_t count, std::int64_t timeout_ns) {
  Machine* machine = Machine::running();
  return machine != nullptr ? machine->PollWait(poll, tags, count, timeout_ns) : 0;
}

std::int64_t NowNs() {
  Machine* machine = Machine::running();
  return machine != nullptr ? machine->NowNs() : 0;
}

void Yield() {
  if (Machine* machine = Machine::running()) machine->Yield();
}

std::uint32_t ProcessId() { return 1; }
std::string ProgramName() { return "model"; }

namespace internal {
std::uint32_t fork_generation = 0;
}
NoFork::NoFork() = default;
NoFork::~NoFork() = default;
std::uint64_t CloseInForkedChild(int) { return 0; }
void ForgetForkedChild(std::uint64_t) {}

}  // namespace shmcomm::platform

namespace shmcomm::segment {

absl::StatusOr<std::shared_ptr<Mapping>> MapFile(const platform::Descriptor&, platform::Access, std::size_t) {
  return absl::UnimplementedError("a model maps no file");
}

}  // namespace shmcomm::segment
