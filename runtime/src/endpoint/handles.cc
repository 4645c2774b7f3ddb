// SPDX-License-Identifier: Apache-2.0
// The public classes: thin handles on the cores.
#include <memory>
#include <utility>

#include "endpoint/door.h"
#include "endpoint/guarded.h"
#include "endpoint/messages.h"
#include "endpoint/publisher_core.h"
#include "endpoint/subscriber_core.h"
#include "shmcomm/loan.h"
#include "shmcomm/publisher.h"
#include "shmcomm/sample.h"
#include "shmcomm/subscriber.h"

namespace shmcomm {
namespace {

using InPublisher = endpoint::Visit<endpoint::PublisherCore>;
using InSubscriber = endpoint::Visit<endpoint::SubscriberCore>;
using endpoint::Guarded;

const std::string& NoName() {
  static const std::string* const name = new std::string;
  return *name;
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

Publisher::Publisher(std::shared_ptr<endpoint::Door> door) : door_(std::move(door)) {}
Publisher::Publisher(Publisher&&) noexcept = default;

Publisher& Publisher::operator=(Publisher&& other) noexcept {
  if (this != &other) {
    Close();
    door_ = std::move(other.door_);
  }
  return *this;
}

Publisher::~Publisher() { Close(); }

absl::StatusOr<Publisher> Publisher::Open(const ChannelSpec& spec, const PublisherOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kPubSub); !status.ok()) return status;
  return Guarded([&]() -> absl::StatusOr<Publisher> {
    auto door = std::make_shared<endpoint::Door>();
    absl::StatusOr<std::unique_ptr<endpoint::PublisherCore>> core = endpoint::PublisherCore::Open(spec, options);
    if (!core.ok()) return core.status();
    door->LeadTo(core->release());
    return Publisher(std::move(door));
  });
}

absl::StatusOr<Loan> Publisher::Loan() {
  const InPublisher core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Lend(); });
}

absl::Status Publisher::Publish(shmcomm::Loan loan) {
  const InPublisher core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Publish(std::move(loan)); });
}

absl::Status Publisher::PublishRaw(shmcomm::Loan loan, Codec codec) {
  const InPublisher core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->PublishRaw(std::move(loan), codec); });
}

absl::Status Publisher::PublishCopy(const void* data, std::size_t bytes, Codec codec) {
  const InPublisher core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->PublishCopy(data, bytes, codec); });
}

absl::StatusOr<bool> Publisher::WaitForRoom(absl::Duration timeout) {
  const InPublisher core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->WaitForRoom(timeout); });
}

void Publisher::SetPublishTimeout(absl::Duration timeout) {
  if (const InPublisher core(door_); core) core->SetPublishTimeout(timeout);
}

std::shared_ptr<const void> Publisher::memory() const {
  const auto* core = endpoint::Peek<endpoint::PublisherCore>(door_);
  return core != nullptr ? core->memory() : nullptr;
}

void Publisher::Cancel() {
  if (door_ != nullptr) door_->Cancel();
}

void Publisher::Close() {
  if (door_ != nullptr) delete door_->Shut();
}

bool Publisher::is_open() const { return endpoint::Peek<endpoint::PublisherCore>(door_) != nullptr; }

const std::string& Publisher::channel() const {
  const auto* core = endpoint::Peek<endpoint::PublisherCore>(door_);
  return core != nullptr ? core->name() : NoName();
}

PublisherStats Publisher::stats() const {
  const auto* core = endpoint::Peek<endpoint::PublisherCore>(door_);
  return core != nullptr ? core->stats() : PublisherStats{};
}

void Sample::Release() noexcept {
  if (core_ == nullptr) {
    endpoint::SubscriberCore::DropDetached(*this);
  } else {
    core_->Release(*this);
  }
  Empty();
}

Subscriber::Subscriber(std::shared_ptr<endpoint::Door> door) : door_(std::move(door)) {}
Subscriber::Subscriber(Subscriber&&) noexcept = default;

Subscriber& Subscriber::operator=(Subscriber&& other) noexcept {
  if (this != &other) {
    Close();
    door_ = std::move(other.door_);
  }
  return *this;
}

Subscriber::~Subscriber() { Close(); }

absl::StatusOr<Subscriber> Subscriber::Open(const ChannelSpec& spec, const SubscriberOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kPubSub); !status.ok()) return status;
  return Guarded([&]() -> absl::StatusOr<Subscriber> {
    auto door = std::make_shared<endpoint::Door>();
    absl::StatusOr<endpoint::SubscriberCore*> core = endpoint::SubscriberCore::Open(spec, options);
    if (!core.ok()) return core.status();
    door->LeadTo(*core);
    return Subscriber(std::move(door));
  });
}

absl::StatusOr<std::optional<Sample>> Subscriber::TryTake() {
  const InSubscriber core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->TryTake(); });
}

absl::StatusOr<std::optional<Sample>> Subscriber::TakeLatest() {
  const InSubscriber core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->TakeLatest(); });
}

absl::StatusOr<SampleBatch> Subscriber::TakeMany(std::uint32_t most) {
  const InSubscriber core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->TakeMany(most); });
}

absl::StatusOr<Sample> Subscriber::Take(absl::Duration timeout) {
  const InSubscriber core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Take(timeout); });
}

absl::StatusOr<bool> Subscriber::Wait(absl::Duration timeout) {
  const InSubscriber core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Wait(timeout); });
}

absl::StatusOr<int> Subscriber::fd() {
  const InSubscriber core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->PolledDescriptor(); });
}

void Subscriber::Cancel() {
  if (door_ != nullptr) door_->Cancel();
}

Backlog Subscriber::backlog() const {
  const auto* core = endpoint::Peek<endpoint::SubscriberCore>(door_);
  return core != nullptr ? core->backlog() : Backlog{};
}

bool Subscriber::IsFromThisUser(const Sample& sample) const {
  const auto* core = endpoint::Peek<endpoint::SubscriberCore>(door_);
  return core != nullptr && core->IsFromThisUser(sample);
}

void Subscriber::Close() {
  if (door_ == nullptr) return;
  if (auto* core = static_cast<endpoint::SubscriberCore*>(door_->Shut())) core->CloseHandle();
}

bool Subscriber::is_open() const { return endpoint::Peek<endpoint::SubscriberCore>(door_) != nullptr; }

const std::string& Subscriber::channel() const {
  const auto* core = endpoint::Peek<endpoint::SubscriberCore>(door_);
  return core != nullptr ? core->name() : NoName();
}

SubscriberStats Subscriber::stats() const {
  const auto* core = endpoint::Peek<endpoint::SubscriberCore>(door_);
  return core != nullptr ? core->stats() : SubscriberStats{};
}

Verify Subscriber::verify() const {
  const auto* core = endpoint::Peek<endpoint::SubscriberCore>(door_);
  return core != nullptr ? core->verify() : Verify::kTrusted;
}

}  // namespace shmcomm
