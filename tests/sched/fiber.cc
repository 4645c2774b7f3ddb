// SPDX-License-Identifier: Apache-2.0
#include "sched/fiber.h"

#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
// Saves what a called function must preserve, changes stacks, restores the same from the other one.
extern "C" void shmcomm_sched_switch(void** save, void* load);
asm(R"(
  .text
  .p2align 4
  .type shmcomm_sched_switch, @function
shmcomm_sched_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size shmcomm_sched_switch, . - shmcomm_sched_switch
)");
#endif

namespace shmcomm::sched {
namespace {

Fiber* switched_from = nullptr;
Fiber* switched_to = nullptr;

}  // namespace

Fiber::Fiber() = default;
Fiber::~Fiber() = default;

void Fiber::Prepare(Entry entry, void* argument) {
  if (!stack_) stack_ = std::make_unique<std::byte[]>(kStackBytes);
  entry_ = entry;
  argument_ = argument;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_.get(), kStackBytes);
#endif
#if defined(__x86_64__)
  const auto top = reinterpret_cast<std::uintptr_t>(stack_.get() + kStackBytes) & ~std::uintptr_t{15};
  // From the top: a return address nobody uses (which also aligns the stack as after a call), Begin, six registers.
  auto* words = reinterpret_cast<std::uintptr_t*>(top) - 2;
  words[1] = 0;
  words[0] = reinterpret_cast<std::uintptr_t>(&Fiber::Begin);
  for (int i = 0; i < 6; ++i) *--words = 0;
  stack_pointer_ = words;
#else
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  makecontext(&context_, &Fiber::Begin, 0);
#endif
}

void Fiber::Begin() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &switched_from->outer_bottom_, &switched_from->outer_bytes_);
#endif
  switched_to->entry_(switched_to->argument_);
  std::abort();
}

void Fiber::Switch(Fiber& from, Fiber& to) {
  switched_from = &from;
  switched_to = &to;
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack = nullptr;
  const void* bottom = to.stack_ ? to.stack_.get() : to.outer_bottom_;
  __sanitizer_start_switch_fiber(&fake_stack, bottom, to.stack_ ? kStackBytes : to.outer_bytes_);
#endif
#if defined(__x86_64__)
  shmcomm_sched_switch(&from.stack_pointer_, to.stack_pointer_);
#else
  swapcontext(&from.context_, &to.context_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, &switched_from->outer_bottom_, &switched_from->outer_bytes_);
#endif
}

}  // namespace shmcomm::sched
