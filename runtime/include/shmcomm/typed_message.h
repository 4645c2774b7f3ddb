// SPDX-License-Identifier: Apache-2.0
// What the typed endpoints of all patterns share: samples and loans of one message type, and the check of what was taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "flatbuffers/flatbuffers.h"
#include "shmcomm/channel_spec.h"
#include "shmcomm/loan.h"
#include "shmcomm/sample.h"

namespace shmcomm {
template <class Message>
class TypedSampleBatch;

/// A FlatBuffers table derives from flatbuffers::Table; everything else a channel carries is a struct.
template <class Message>
inline constexpr bool kIsTable = std::is_base_of_v<flatbuffers::Table, Message>;

namespace internal {

/// True for a callable that builds a message: it takes a builder and returns the offset of the root.
template <class Build>
inline constexpr bool kIsBuild = std::is_invocable_v<Build, flatbuffers::FlatBufferBuilder&>;

template <class Message>
const Message* MessageAt(const std::uint8_t* data) {
  if constexpr (kIsTable<Message>) {
    return flatbuffers::GetRoot<Message>(data);
  } else {
    return reinterpret_cast<const Message*>(data);
  }
}

/// How many tables verifying a message of `size` bytes may look at, whatever they share; the strings of a vector are looked
/// at once for each table that holds it. The defaults would refuse an honest message of more than a million tables, look at a
/// million in one of a hundred bytes, and nest buffers until the stack ends.
inline flatbuffers::Verifier::Options VerifierLimits(std::size_t size) {
  flatbuffers::Verifier::Options limits;
  limits.max_depth = 64;
  // The root, and one for each offset that there is room for.
  limits.max_tables = static_cast<flatbuffers::uoffset_t>(size / sizeof(flatbuffers::uoffset_t) + 1);
  limits.check_nested_flatbuffers = false;
  return limits;
}

/// kDataLoss for a struct of another size, or a table that its verifier refuses where the policy asks for it.
template <class Message>
absl::Status CheckMessage(const std::uint8_t* data, std::size_t size, Verify verify, const std::string& channel,
                          const MessageType& type) {
  if constexpr (kIsTable<Message>) {
    if (verify == Verify::kTrusted && size >= sizeof(flatbuffers::uoffset_t)) return absl::OkStatus();
    flatbuffers::Verifier verifier(data, size, VerifierLimits(size));
    if (verifier.VerifyBuffer<Message>(nullptr)) return absl::OkStatus();
  } else {
    if (size == sizeof(Message)) return absl::OkStatus();
  }
  return absl::DataLossError("a message of channel '" + channel + "' is no valid " + std::string(type.name) + "; skipped");
}

}  // namespace internal

/// A received message of type `Message`, read in place. Lifetime and threads as Sample.
template <class Message>
class TypedSample {
 public:
  explicit TypedSample(Sample sample) : sample_(std::move(sample)) {}

  const Message* get() const { return internal::MessageAt<Message>(sample_.data()); }
  const Message* operator->() const { return get(); }
  const Message& operator*() const { return *get(); }

  std::uint64_t sequence() const { return sample_.sequence(); }
  std::int64_t publish_ns() const { return sample_.publish_ns(); }
  std::uint32_t publisher() const { return sample_.publisher(); }
  std::uint64_t lost() const { return sample_.lost(); }
  const Sample& raw() const { return sample_; }

 private:
  friend class TypedSampleBatch<Message>;
  TypedSample() = default;
  Sample sample_;
};

/// A table message being built in its slot.
template <class Message>
class TypedLoan {
 public:
  explicit TypedLoan(Loan loan) : loan_(std::move(loan)) {}
  flatbuffers::FlatBufferBuilder& builder() { return loan_.builder(); }
  Loan Release() && { return std::move(loan_); }

 private:
  Loan loan_;
};

}  // namespace shmcomm
