// SPDX-License-Identifier: Apache-2.0
// The public classes: thin handles on the cores.
#include <memory>
#include <new>
#include <utility>

#include "endpoint/messages.h"
#include "endpoint/publisher_core.h"
#include "endpoint/subscriber_core.h"
#include "shmcomm/loan.h"
#include "shmcomm/publisher.h"
#include "shmcomm/sample.h"
#include "shmcomm/subscriber.h"

namespace shmcomm {
namespace {

const std::string& NoName() {
  static const std::string* const name = new std::string;
  return *name;
}

/// What `operation` returns; that memory ran out in it is an error as any other.
template <class Operation>
auto Guarded(Operation&& operation) -> decltype(operation()) {
  try {
    return operation();
  } catch (const std::bad_alloc&) {
    return endpoint::OutOfMemory();
  }
}

}  // namespace

Loan::Loan(Loan&& other) noexcept : core_(std::exchange(other.core_, nullptr)), index_(other.index_) {}

Loan& Loan::operator=(Loan&& other) noexcept {
  if (this != &other) {
    if (core_ != nullptr) core_->Abandon(index_);
    core_ = std::exchange(other.core_, nullptr);
    index_ = other.index_;
  }
  return *this;
}

Loan::~Loan() {
  if (core_ != nullptr) core_->Abandon(index_);
}

flatbuffers::FlatBufferBuilder& Loan::builder() { return core_->BuilderOf(index_); }

absl::StatusOr<std::uint8_t*> Loan::Raw(std::size_t bytes) { return Guarded([&] { return core_->RawOf(index_, bytes); }); }

Publisher::Publisher(std::unique_ptr<endpoint::PublisherCore> core) : core_(std::move(core)) {}
Publisher::Publisher(Publisher&&) noexcept = default;
Publisher& Publisher::operator=(Publisher&&) noexcept = default;
Publisher::~Publisher() = default;

absl::StatusOr<Publisher> Publisher::Open(const ChannelSpec& spec, const PublisherOptions& options) {
  return Guarded([&]() -> absl::StatusOr<Publisher> {
    absl::StatusOr<std::unique_ptr<endpoint::PublisherCore>> core = endpoint::PublisherCore::Open(spec, options);
    if (!core.ok()) return core.status();
    return Publisher(*std::move(core));
  });
}

absl::StatusOr<Loan> Publisher::Loan() {
  if (core_ == nullptr) return endpoint::Closed();
  return Guarded([&] { return core_->Lend(); });
}

absl::Status Publisher::Publish(shmcomm::Loan loan) {
  if (core_ == nullptr) return endpoint::Closed();
  return Guarded([&] { return core_->Publish(std::move(loan)); });
}

absl::Status Publisher::PublishRaw(shmcomm::Loan loan, Codec codec) {
  if (core_ == nullptr) return endpoint::Closed();
  return Guarded([&] { return core_->PublishRaw(std::move(loan), codec); });
}

absl::Status Publisher::PublishCopy(const void* data, std::size_t bytes, Codec codec) {
  if (core_ == nullptr) return endpoint::Closed();
  return Guarded([&] { return core_->PublishCopy(data, bytes, codec); });
}

absl::StatusOr<bool> Publisher::WaitForRoom(absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->WaitForRoom(timeout);
}

std::shared_ptr<const void> Publisher::memory() const { return core_ == nullptr ? nullptr : core_->memory(); }

void Publisher::Close() { core_.reset(); }
const std::string& Publisher::channel() const { return core_ == nullptr ? NoName() : core_->name(); }
PublisherStats Publisher::stats() const { return core_ == nullptr ? PublisherStats{} : core_->stats(); }

void Sample::Release() noexcept {
  if (core_ == nullptr) {
    endpoint::SubscriberCore::DropDetached(*this);
  } else {
    core_->Release(*this);
  }
  Empty();
}

Subscriber::Subscriber(Subscriber&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

Subscriber& Subscriber::operator=(Subscriber&& other) noexcept {
  if (this != &other) {
    Close();
    core_ = std::exchange(other.core_, nullptr);
  }
  return *this;
}

Subscriber::~Subscriber() { Close(); }

absl::StatusOr<Subscriber> Subscriber::Open(const ChannelSpec& spec, const SubscriberOptions& options) {
  return Guarded([&]() -> absl::StatusOr<Subscriber> {
    absl::StatusOr<endpoint::SubscriberCore*> core = endpoint::SubscriberCore::Open(spec, options);
    if (!core.ok()) return core.status();
    return Subscriber(*core);
  });
}

absl::StatusOr<std::optional<Sample>> Subscriber::TryTake() {
  if (core_ == nullptr) return endpoint::Closed();
  return Guarded([&] { return core_->TryTake(); });
}

absl::StatusOr<std::optional<Sample>> Subscriber::TakeLatest() {
  if (core_ == nullptr) return endpoint::Closed();
  return Guarded([&] { return core_->TakeLatest(); });
}

absl::StatusOr<Sample> Subscriber::Take(absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return Guarded([&] { return core_->Take(timeout); });
}

absl::StatusOr<bool> Subscriber::Wait(absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->Wait(timeout);
}

Backlog Subscriber::backlog() const { return core_ == nullptr ? Backlog{} : core_->backlog(); }

bool Subscriber::IsFromThisUser(const Sample& sample) const { return core_ != nullptr && core_->IsFromThisUser(sample); }

void Subscriber::Close() {
  if (core_ != nullptr) std::exchange(core_, nullptr)->CloseHandle();
}

const std::string& Subscriber::channel() const { return core_ == nullptr ? NoName() : core_->name(); }
SubscriberStats Subscriber::stats() const { return core_ == nullptr ? SubscriberStats{} : core_->stats(); }
Verify Subscriber::verify() const { return core_ == nullptr ? Verify::kTrusted : core_->verify(); }

}  // namespace shmcomm
