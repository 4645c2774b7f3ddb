// SPDX-License-Identifier: Apache-2.0
// Accesses of the checked seam: instructions of the running machine, or plain accesses where none runs.
#include "sched/checked_atomic.h"
#include "sched/machine.h"

namespace shmcomm::sched {

std::uint64_t LoadWord(const void* word, unsigned bytes, std::memory_order order) {
  Machine* machine = Machine::running();
  return machine != nullptr ? machine->Load(word, bytes, order) : RawLoad(word, bytes);
}

void StoreWord(void* word, unsigned bytes, std::uint64_t value, std::memory_order order) {
  Machine* machine = Machine::running();
  machine != nullptr ? machine->Store(word, bytes, value, order) : RawStore(word, bytes, value);
}

std::uint64_t UpdateWord(void* word, unsigned bytes, Update update, std::uint64_t operand, std::memory_order order) {
  Machine* machine = Machine::running();
  if (machine != nullptr) return machine->Change(word, bytes, update, operand, order);
  const std::uint64_t old = RawLoad(word, bytes);
  RawStore(word, bytes, Updated(update, old, operand));
  return old;
}

bool CompareExchangeWord(void* word, unsigned bytes, std::uint64_t& expected, std::uint64_t desired,
                         std::memory_order success, std::memory_order failure) {
  Machine* machine = Machine::running();
  if (machine != nullptr) return machine->CompareExchange(word, bytes, expected, desired, success, failure);
  const std::uint64_t old = RawLoad(word, bytes);
  if (old == expected) RawStore(word, bytes, desired);
  return old == expected || (expected = old, false);
}

void SequentialFence() {
  if (Machine* machine = Machine::running()) machine->Fence();
}

void NotePlainRead(const void* where, std::size_t bytes) {
  if (Machine* machine = Machine::running()) machine->PlainRead(where, bytes);
}

void NotePlainWrite(const void* where, std::size_t bytes) {
  if (Machine* machine = Machine::running()) machine->PlainWrite(where, bytes);
}

void YieldHint() {
  if (Machine* machine = Machine::running()) machine->Yield();
}

void PassCrashPoint(const char* name) {
  if (Machine* machine = Machine::running()) machine->PassCrashPoint(name);
}

}  // namespace shmcomm::sched
