// SPDX-License-Identifier: Apache-2.0
// The atomics seam: the only way protocol code touches memory that another thread or process may touch.
//
// Three variants of the same names, chosen when a source is compiled:
//   shipped   std::atomic and std::atomic_thread_fence
//   TSan      fences that ThreadSanitizer takes for nothing: what is handed over must not need them, as in the model
//   checked   SHMCOMM_CHECKED_ATOMICS: every access is a step of the model checker in tests/sched
//
// Protocol sources therefore name base::Atomic, the Fence functions and Load/StorePlain, and nothing of <atomic> but
// the memory orders.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(SHMCOMM_CHECKED_ATOMICS)
#include "sched/checked_atomic.h"
#else

#if defined(__SANITIZE_THREAD__)
#define SHMCOMM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHMCOMM_TSAN 1
#endif
#endif

namespace shmcomm::base {

template <class T>
using Atomic = std::atomic<T>;

static_assert(Atomic<std::uint64_t>::is_always_lock_free && Atomic<std::uint32_t>::is_always_lock_free,
              "shared memory needs address-free atomics");
static_assert(sizeof(Atomic<std::uint64_t>) == 8 && sizeof(Atomic<std::uint32_t>) == 4);

/// Orders a store before a later load, against the same fence on the other side (E2, E4).
inline void FenceSeqCst() {
#if defined(SHMCOMM_TSAN)
  __sync_synchronize();  // the same instruction; GCC warns of the other that ThreadSanitizer does not see it
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// The same where the store before it was a read-modify-write of the same thread. On x86 such an instruction is a full
/// barrier itself, and only the compiler needs to be told; elsewhere, and to the model checker, it is a fence as any.
inline void FenceAfterRmw() {
#if (defined(__x86_64__) || defined(__i386__)) && !defined(SHMCOMM_TSAN)
  std::atomic_signal_fence(std::memory_order_seq_cst);
#else
  FenceSeqCst();
#endif
}

/// Keeps the compiler from moving memory accesses across; the processor's part is the partner's membarrier (E4).
inline void CompilerBarrier() { std::atomic_signal_fence(std::memory_order_seq_cst); }

/// One access to a word that no atomic protects, because the protocol forbids a concurrent writer. Exactly one load or
/// store is made, so a hostile writer cannot make a checked value change afterwards; the model checks it for races.
template <class T>
inline T LoadPlain(const T& where) {
  return *static_cast<const volatile T*>(&where);
}
template <class T>
inline void StorePlain(T& where, T value) {
  *static_cast<volatile T*>(&where) = value;
}

/// Told to the processor before a busy re-read.
inline void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline void PrefetchForRead(const void* where) { __builtin_prefetch(where, 0, 3); }

/// Takes the line away from other cores. The compiler's own would only fetch a copy: it does not know that every x86-64
/// processor takes this instruction, the old ones as one that does nothing.
inline void PrefetchForWrite(const void* where) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(where)));
#else
  __builtin_prefetch(where, 1, 3);
#endif
}

}  // namespace shmcomm::base

#endif  // SHMCOMM_CHECKED_ATOMICS
