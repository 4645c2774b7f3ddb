// SPDX-License-Identifier: Apache-2.0
// The checked variant of base/atomic.h: the same names, but every access is a step of the model checker. An Atomic<T>
// holds nothing but its T, so the structs of segment/layout.h keep their offsets; what older values another thread may
// still read is kept by the checker, beside the memory. Outside a checked execution the accesses are plain ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace shmcomm::sched {

enum class Update : std::uint8_t { kExchange, kAdd, kSubtract, kOr, kAnd };

std::uint64_t LoadWord(const void* word, unsigned bytes, std::memory_order order);
void StoreWord(void* word, unsigned bytes, std::uint64_t value, std::memory_order order);
std::uint64_t UpdateWord(void* word, unsigned bytes, Update update, std::uint64_t operand, std::memory_order order);
/// True and `desired` stored, or false and the newest value in `expected`.
bool CompareExchangeWord(void* word, unsigned bytes, std::uint64_t& expected, std::uint64_t desired,
                         std::memory_order success, std::memory_order failure);
void SequentialFence();
void NotePlainRead(const void* where, std::size_t bytes);
void NotePlainWrite(const void* where, std::size_t bytes);
void YieldHint();
void PassCrashPoint(const char* name);

}  // namespace shmcomm::sched

namespace shmcomm::base {

template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);

 public:
  Atomic() noexcept = default;
  constexpr explicit Atomic(T value) noexcept : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order) const { return FromBits(sched::LoadWord(&value_, sizeof(T), order)); }
  void store(T value, std::memory_order order) { sched::StoreWord(&value_, sizeof(T), ToBits(value), order); }

  T exchange(T value, std::memory_order order) { return Apply(sched::Update::kExchange, value, order); }
  T fetch_add(T value, std::memory_order order) { return Apply(sched::Update::kAdd, value, order); }
  T fetch_sub(T value, std::memory_order order) { return Apply(sched::Update::kSubtract, value, order); }
  T fetch_or(T value, std::memory_order order) { return Apply(sched::Update::kOr, value, order); }
  T fetch_and(T value, std::memory_order order) { return Apply(sched::Update::kAnd, value, order); }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    std::uint64_t bits = ToBits(expected);
    if (sched::CompareExchangeWord(&value_, sizeof(T), bits, ToBits(desired), success, failure)) return true;
    expected = FromBits(bits);
    return false;
  }
  /// Never fails spuriously here: a loop around it would only look again.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }

 private:
  static std::uint64_t ToBits(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
  }
  static T FromBits(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    return value;
  }
  T Apply(sched::Update update, T operand, std::memory_order order) {
    return FromBits(sched::UpdateWord(&value_, sizeof(T), update, ToBits(operand), order));
  }

  T value_;
};

static_assert(sizeof(Atomic<std::uint64_t>) == 8 && sizeof(Atomic<std::uint32_t>) == 4);

inline void FenceSeqCst() { sched::SequentialFence(); }
inline void FenceAfterRmw() { sched::SequentialFence(); }

/// The processor's part of this order is the partner's membarrier, which the checker executes in every thread.
inline void CompilerBarrier() {}

template <class T>
inline T LoadPlain(const T& where) {
  sched::NotePlainRead(&where, sizeof(T));
  return *static_cast<const volatile T*>(&where);
}
template <class T>
inline void StorePlain(T& where, T value) {
  sched::NotePlainWrite(&where, sizeof(T));
  *static_cast<volatile T*>(&where) = value;
}

inline void Pause() { sched::YieldHint(); }
inline void PrefetchForRead(const void*) {}
inline void PrefetchForWrite(const void*) {}
inline void CrashPoint(const char* name) { sched::PassCrashPoint(name); }

}  // namespace shmcomm::base
