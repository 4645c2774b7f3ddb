// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/traced_child.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace shmcomm::crash {
namespace {

constexpr std::uint8_t kTrapInstruction = 0xCC;
constexpr int kSystemCallStop = SIGTRAP | 0x80;

/// Where the child's step begins and ends; its parent knows the instruction.
inline void Stop() { asm volatile("int3" ::: "memory"); }

user_regs_struct RegistersOf(pid_t pid) {
  user_regs_struct registers{};
  ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
  return registers;
}

void SetPc(pid_t pid, std::uint64_t pc) {
  ptrace(PTRACE_POKEUSER, pid, offsetof(user_regs_struct, rip), pc);
}

}  // namespace

void EndOfStep() { Stop(); }

TracedChild::TracedChild(const std::function<Step()>& prepare) {
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool went_well = false;
    {
      const Step step = prepare();
      if (!step || ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
      Stop();
      went_well = step();
      Stop();
    }
    _exit(went_well ? 0 : 1);
  }
  waitpid(pid_, &status_, 0);
  is_stopped_ = WIFSTOPPED(status_);
  if (is_stopped_) ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
}

std::uint64_t TracedChild::pc() const {
  return static_cast<std::uint64_t>(ptrace(PTRACE_PEEKUSER, pid_, offsetof(user_regs_struct, rip), nullptr));
}

std::uint8_t TracedChild::ByteAt(std::uint64_t address) const {
  return static_cast<std::uint8_t>(ptrace(PTRACE_PEEKTEXT, pid_, address, nullptr));
}

bool TracedChild::SetByteAt(std::uint64_t address, std::uint8_t byte) {
  errno = 0;
  const long word = ptrace(PTRACE_PEEKTEXT, pid_, address, nullptr);
  if (errno != 0) return false;
  return ptrace(PTRACE_POKETEXT, pid_, address, (word & ~0xFFL) | byte) == 0;
}

bool TracedChild::IsAtEnd() const { return ByteAt(pc()) == kTrapInstruction; }

bool TracedChild::IsAtSystemCall() const {
  return (ptrace(PTRACE_PEEKTEXT, pid_, pc(), nullptr) & 0xFFFF) == 0x050F;
}

TracedChild::SystemCall TracedChild::CurrentSystemCall() const {
  const user_regs_struct registers = RegistersOf(pid_);
  return {static_cast<long>(registers.orig_rax), static_cast<long>(registers.r10)};
}

bool TracedChild::Resume(int request) {
  int signal = 0;
  for (;;) {
    if (ptrace(static_cast<__ptrace_request>(request), pid_, nullptr, signal) != 0) is_stopped_ = false;
    if (!is_stopped_ || waitpid(pid_, &status_, 0) != pid_ || !WIFSTOPPED(status_)) break;
    signal = WSTOPSIG(status_);
    if (signal == SIGTRAP || signal == kSystemCallStop) return true;
  }
  is_stopped_ = false;
  return false;
}

void TracedChild::StepInstruction() { Resume(PTRACE_SINGLESTEP); }

bool TracedChild::RunTo(std::uint64_t target, std::uint64_t occurrence) {
  if (pc() == target) {
    if (occurrence-- == 0) return true;
    StepInstruction();
  }
  const std::uint8_t original = ByteAt(target);
  for (; is_stopped_; StepInstruction()) {
    if (!SetByteAt(target, kTrapInstruction) || !Resume(PTRACE_CONT)) return false;
    const std::uint64_t trapped = pc() - 1;
    SetByteAt(target, original);
    SetPc(pid_, trapped);
    if (trapped != target) return false;  // the end of the step
    if (occurrence-- == 0) return true;
  }
  return false;
}

bool TracedChild::RunToSystemCallEdge() {
  if (!Resume(PTRACE_SYSCALL)) return false;
  if (WSTOPSIG(status_) == kSystemCallStop) return true;
  SetPc(pid_, pc() - 1);
  return false;
}

void TracedChild::FailSystemCall(int error) {
  user_regs_struct registers = RegistersOf(pid_);
  registers.orig_rax = static_cast<unsigned long long>(-1);
  ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
  if (!Resume(PTRACE_SYSCALL)) return;
  registers = RegistersOf(pid_);
  registers.rax = static_cast<unsigned long long>(-error);
  ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
}

bool TracedChild::RunToEnd() {
  if (!is_stopped_) return false;
  if (IsAtEnd()) return true;
  if (!Resume(PTRACE_CONT)) return false;
  SetPc(pid_, pc() - 1);
  return true;
}

int TracedChild::Leave() {
  if (!RunToEnd()) return -1;
  SetPc(pid_, pc() + 1);
  while (Resume(PTRACE_CONT)) {  // it may have ended its step before it was through
  }
  pid_ = -1;
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

void TracedChild::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, &status_, 0) == pid_ && !WIFEXITED(status_) && !WIFSIGNALED(status_)) {
  }
  pid_ = -1;
  is_stopped_ = false;
}

OnOneProcessor::OnOneProcessor() {
  sched_getaffinity(0, sizeof(before_), reinterpret_cast<cpu_set_t*>(before_));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  sched_setaffinity(0, sizeof(one), &one);
}

OnOneProcessor::~OnOneProcessor() {
  sched_setaffinity(0, sizeof(before_), reinterpret_cast<cpu_set_t*>(before_));
}

}  // namespace shmcomm::crash
