// SPDX-License-Identifier: Apache-2.0
// The machine's files: names, directories, pipes, events and polls.
#include <algorithm>
#include <utility>

#include "sched/machine.h"

namespace shmcomm::sched {

void Machine::CloseFile(int file) {
  if (kernel_.HoldsAny(file)) scheduler_.Step(true);
  if (trace_.is_on()) Say("closes file " + std::to_string(file));
  kernel_.Close(file);
}

std::vector<std::string> Machine::ListNames(int directory) {
  scheduler_.Step(true);
  if (const std::vector<std::string>* names = kernel_.folders().NamesIn(directory)) return *names;
  std::vector<std::string> names = kernel_.names();
  for (std::string& name : kernel_.folders().names()) names.push_back(std::move(name));
  return names;
}

bool Machine::AddName(const std::string& name, int directory) {
  scheduler_.Step(true);
  if (trace_.is_on()) Say("links " + PathOf(name, directory));
  if (kernel_.folders().NamesIn(directory) != nullptr) return kernel_.folders().Link(directory, name);
  kernel_.AddName(name);
  return true;
}

void Machine::RemoveName(const std::string& name, int directory) {
  scheduler_.Step(true);
  if (trace_.is_on()) Say("unlinks " + PathOf(name, directory));
  if (kernel_.folders().NamesIn(directory) == nullptr) return kernel_.RemoveName(name);
  if (kernel_.folders().Unlink(directory, name)) TellUnlinked(PathOf(name, directory));
}

std::string Machine::PathOf(const std::string& name, int directory) {
  const std::string folder = kernel_.folders().NameOf(directory);
  return folder.empty() ? name : folder + '/' + name;
}

void Machine::TellUnlinked(const std::string& path) {
  running_ = nullptr;  // as in Rested
  scenario_.Unlinked(*this, path);
  running_ = this;
}

bool Machine::MakeFolder(const std::string& name) {
  scheduler_.Step(true);
  if (trace_.is_on()) Say("makes the directory " + name);
  return kernel_.folders().Make(name);
}

int Machine::OpenFolder(const std::string& name) {
  scheduler_.Step(true);
  const int file = kernel_.Open();
  const bool is_there = kernel_.folders().Open(name, file);
  if (trace_.is_on()) Say("opens the directory " + name + (is_there ? "" : ": there is none"));
  return is_there ? file : -1;
}

bool Machine::HasFolder(const std::string& name) {
  scheduler_.Step(true);
  return kernel_.folders().Has(name);
}

void Machine::RemoveFolder(const std::string& name) {
  scheduler_.Step(true);
  const bool is_gone = kernel_.folders().Remove(name);
  if (trace_.is_on()) Say("removes the directory " + name + (is_gone ? "" : ": absent or not empty"));
  if (is_gone) TellUnlinked(name);
}

bool Machine::MakePipe(const std::string& name) {
  scheduler_.Step(true);
  if (trace_.is_on()) Say("makes the pipe " + name);
  return kernel_.MakePipe(name);
}

int Machine::OpenPipe(const std::string& name) {
  scheduler_.Step(true);
  const int file = kernel_.OpenPipe(name);
  if (trace_.is_on()) Say("opens the pipe " + name + " as file " + std::to_string(file));
  return file;
}

void Machine::WritePipe(int file) {
  scheduler_.Step(true);
  Kernel::Pipe* pipe = kernel_.PipeOf(file);
  if (pipe == nullptr) return;
  pipe->is_full = true;
  const unsigned woken = scheduler_.Wake(pipe, kMaxThreads);
  if (trace_.is_on()) Say("writes into " + pipe->name + ": " + std::to_string(woken) + " woken");
}

void Machine::DrainPipe(int file) {
  scheduler_.Step(true);
  Kernel::Pipe* pipe = kernel_.PipeOf(file);
  if (pipe == nullptr) return;
  if (trace_.is_on()) Say("drains " + pipe->name);
  pipe->is_full = false;
}

WakeReason Machine::WaitForPipe(int file, std::int64_t timeout_ns) {
  scheduler_.Step(true);
  Kernel::Pipe* pipe = kernel_.PipeOf(file);
  Check(pipe != nullptr, "a pipe is waited for that is not open");
  return pipe->is_full ? WakeReason::kWoken : SleepOn(pipe, timeout_ns);
}

int Machine::MakeEvent() {
  scheduler_.Step(true);
  return kernel_.MakeEvent();
}

void Machine::PollAdd(int poll, int file, std::uint64_t tag) {
  scheduler_.Step(true);
  kernel_.PollAdd(poll, file, tag);
}

std::size_t Machine::PollWait(int poll, std::uint64_t* tags, std::size_t most, std::int64_t timeout_ns) {
  scheduler_.Step(true);
  const std::vector<Kernel::Watched>& watched = kernel_.WatchedBy(poll);
  const void* pipes[kMaxSleepKeys] = {};
  Check(watched.size() <= kMaxSleepKeys, "more is polled than the machine has room for");
  std::transform(watched.begin(), watched.end(), pipes, [](const Kernel::Watched& each) { return each.pipe; });
  const auto is_full = [](const Kernel::Watched& each) { return each.pipe->is_full; };
  const bool is_any_full = std::any_of(watched.begin(), watched.end(), is_full);
  if (!is_any_full) SleepOn(pipes, static_cast<unsigned>(watched.size()), timeout_ns);
  std::size_t count = 0;
  for (const Kernel::Watched& each : watched) {
    if (is_full(each) && count < most) tags[count++] = each.tag;
  }
  if (trace_.is_on()) Say("polls: " + std::to_string(count) + " readable");
  return count;
}

}  // namespace shmcomm::sched
