// SPDX-License-Identifier: Apache-2.0
// The public classes of pushpull: thin handles on the cores.
#include <memory>
#include <utility>

#include "endpoint/door.h"
#include "endpoint/guarded.h"
#include "endpoint/messages.h"
#include "endpoint/publisher_core.h"
#include "endpoint/puller_core.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"

namespace shmcomm {
namespace {

using InPusher = endpoint::Visit<endpoint::PublisherCore>;
using InPuller = endpoint::Visit<endpoint::PullerCore>;
using endpoint::Guarded;

const std::string& NoChannel() {
  static const std::string* const name = new std::string;
  return *name;
}

}  // namespace

Pusher::Pusher(std::shared_ptr<endpoint::Door> door) : door_(std::move(door)) {}
Pusher::Pusher(Pusher&&) noexcept = default;

Pusher& Pusher::operator=(Pusher&& other) noexcept {
  if (this != &other) {
    Close();
    door_ = std::move(other.door_);
  }
  return *this;
}

Pusher::~Pusher() { Close(); }

absl::StatusOr<Pusher> Pusher::Open(const ChannelSpec& spec, const PusherOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kPushPull); !status.ok()) return status;
  return Guarded([&]() -> absl::StatusOr<Pusher> {
    PublisherOptions as_publisher;
    static_cast<EndpointOptions&>(as_publisher) = options;
    as_publisher.max_size = options.max_size;
    as_publisher.max_loans = options.max_loans;
    auto door = std::make_shared<endpoint::Door>();
    absl::StatusOr<std::unique_ptr<endpoint::PublisherCore>> core = endpoint::PublisherCore::Open(spec, as_publisher);
    if (!core.ok()) return core.status();
    (*core)->TellDeadLetters(options.on_dead_letters);
    door->LeadTo(core->release());
    return Pusher(std::move(door));
  });
}

absl::StatusOr<Loan> Pusher::Loan() {
  const InPusher core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Lend(); });
}

absl::Status Pusher::Push(shmcomm::Loan loan, absl::Duration timeout) {
  const InPusher core(door_);
  if (!core) return endpoint::Closed();
  core->SetPublishTimeout(timeout);
  return Guarded([&] { return core->Publish(std::move(loan)); });
}

absl::Status Pusher::PushRaw(shmcomm::Loan loan, Codec codec, absl::Duration timeout) {
  const InPusher core(door_);
  if (!core) return endpoint::Closed();
  core->SetPublishTimeout(timeout);
  return Guarded([&] { return core->PublishRaw(std::move(loan), codec); });
}

absl::Status Pusher::PushCopy(const void* data, std::size_t bytes, Codec codec, absl::Duration timeout) {
  const InPusher core(door_);
  if (!core) return endpoint::Closed();
  core->SetPublishTimeout(timeout);
  return Guarded([&] { return core->PublishCopy(data, bytes, codec); });
}

absl::StatusOr<bool> Pusher::WaitForRoom(absl::Duration timeout) {
  const InPusher core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->WaitForRoom(timeout); });
}

std::shared_ptr<const void> Pusher::memory() const {
  const auto* core = endpoint::Peek<endpoint::PublisherCore>(door_);
  return core != nullptr ? core->memory() : nullptr;
}

void Pusher::Cancel() {
  if (door_ != nullptr) door_->Cancel();
}

void Pusher::Close() {
  if (door_ != nullptr) delete door_->Shut();
}

bool Pusher::is_open() const { return endpoint::Peek<endpoint::PublisherCore>(door_) != nullptr; }

const std::string& Pusher::channel() const {
  const auto* core = endpoint::Peek<endpoint::PublisherCore>(door_);
  return core != nullptr ? core->name() : NoChannel();
}

PusherStats Pusher::stats() const {
  const auto* core = endpoint::Peek<endpoint::PublisherCore>(door_);
  if (core == nullptr) return {};
  const PublisherStats stats = core->stats();
  return {stats.sent, stats.bytes, stats.errors, core->dead_letters()};
}

void Job::Release() noexcept { std::exchange(core_, nullptr)->Release(*this); }

absl::Status Job::Ack() { return End(&endpoint::PullerCore::Release); }

absl::Status Job::GiveBack() { return End(&endpoint::PullerCore::Retry); }

absl::Status Job::End(bool (endpoint::PullerCore::*end)(const Job&)) {
  if (core_ == nullptr) return absl::FailedPreconditionError("the job is acknowledged or given back already; end each once");
  return Guarded([&]() -> absl::Status {
    const std::string channel = core_->name();   // before it is let go: without the memory the job is still held
    const bool is_forked = !core_->IsThisProcess();
    if ((std::exchange(core_, nullptr)->*end)(*this)) return absl::OkStatus();
    if (is_forked) return endpoint::Forked(channel);
    return absl::AbortedError(channel + ": the job was given to another puller, because this process's lock was gone; see "
                                        "daemonise in the guide's page on errors");
  });
}

Puller::Puller(std::shared_ptr<endpoint::Door> door) : door_(std::move(door)) {}
Puller::Puller(Puller&&) noexcept = default;

Puller& Puller::operator=(Puller&& other) noexcept {
  if (this != &other) {
    Close();
    door_ = std::move(other.door_);
  }
  return *this;
}

Puller::~Puller() { Close(); }

absl::StatusOr<Puller> Puller::Open(const ChannelSpec& spec, const PullerOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kPushPull); !status.ok()) return status;
  return Guarded([&]() -> absl::StatusOr<Puller> {
    auto door = std::make_shared<endpoint::Door>();
    absl::StatusOr<endpoint::PullerCore*> core = endpoint::PullerCore::Open(spec, options);
    if (!core.ok()) return core.status();
    door->LeadTo(*core);
    return Puller(std::move(door));
  });
}

absl::StatusOr<std::optional<Job>> Puller::TryTake() {
  const InPuller core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->TryTake(); });
}

absl::StatusOr<Job> Puller::Take(absl::Duration timeout) {
  const InPuller core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Take(timeout); });
}

absl::StatusOr<bool> Puller::Wait(absl::Duration timeout) {
  const InPuller core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Wait(timeout); });
}

bool Puller::IsFromThisUser(const Job& job) const {
  const auto* core = endpoint::Peek<endpoint::PullerCore>(door_);
  return core != nullptr && core->IsFromThisUser(job.pusher());
}

absl::StatusOr<int> Puller::fd() {
  const InPuller core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->PolledDescriptor(); });
}

void Puller::Cancel() {
  if (door_ != nullptr) door_->Cancel();
}

void Puller::Close() {
  if (door_ == nullptr) return;
  if (auto* core = static_cast<endpoint::PullerCore*>(door_->Shut())) core->CloseHandle();
}

bool Puller::is_open() const { return endpoint::Peek<endpoint::PullerCore>(door_) != nullptr; }

const std::string& Puller::channel() const {
  const auto* core = endpoint::Peek<endpoint::PullerCore>(door_);
  return core != nullptr ? core->name() : NoChannel();
}

PullerStats Puller::stats() const {
  const auto* core = endpoint::Peek<endpoint::PullerCore>(door_);
  return core != nullptr ? core->stats() : PullerStats{};
}

Verify Puller::verify() const {
  const auto* core = endpoint::Peek<endpoint::PullerCore>(door_);
  return core != nullptr ? core->verify() : Verify::kTrusted;
}

}  // namespace shmcomm
