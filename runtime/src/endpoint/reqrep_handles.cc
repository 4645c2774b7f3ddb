// SPDX-License-Identifier: Apache-2.0
// The public classes of reqrep: thin handles on the cores.
#include <memory>
#include <utility>

#include "endpoint/door.h"
#include "endpoint/guarded.h"
#include "endpoint/messages.h"
#include "endpoint/replier_core.h"
#include "endpoint/requester_core.h"
#include "shmcomm/replier.h"
#include "shmcomm/requester.h"

namespace shmcomm {
namespace {

using InRequester = endpoint::Visit<endpoint::RequesterCore>;
using InReplier = endpoint::Visit<endpoint::ReplierCore>;
using endpoint::Guarded;

const std::string& NoName() {
  static const std::string* const name = new std::string;
  return *name;
}

absl::Status AnsweredAlready() {
  return absl::FailedPreconditionError("the request is answered already; answer each once");
}

}  // namespace

Requester::Requester(std::shared_ptr<endpoint::Door> door) : door_(std::move(door)) {}
Requester::Requester(Requester&&) noexcept = default;

Requester& Requester::operator=(Requester&& other) noexcept {
  if (this != &other) {
    Close();
    door_ = std::move(other.door_);
  }
  return *this;
}

Requester::~Requester() { Close(); }

absl::StatusOr<Requester> Requester::Open(const ChannelSpec& spec, const RequesterOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kReqRep); !status.ok()) return status;
  return Guarded([&]() -> absl::StatusOr<Requester> {
    auto door = std::make_shared<endpoint::Door>();
    absl::StatusOr<std::unique_ptr<endpoint::RequesterCore>> core = endpoint::RequesterCore::Open(spec, options);
    if (!core.ok()) return core.status();
    door->LeadTo(core->release());
    return Requester(std::move(door));
  });
}

absl::StatusOr<Loan> Requester::Loan() {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Lend(); });
}

absl::StatusOr<CallId> Requester::Send(shmcomm::Loan loan, absl::Duration timeout) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] {
    return core->Send(timeout, [&](endpoint::PublisherCore& requests) { return requests.Publish(std::move(loan)); });
  });
}

absl::StatusOr<CallId> Requester::SendRaw(shmcomm::Loan loan, Codec codec, absl::Duration timeout) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] {
    return core->Send(timeout, [&](endpoint::PublisherCore& requests) { return requests.PublishRaw(std::move(loan), codec); });
  });
}

absl::StatusOr<CallId> Requester::SendCopy(const void* data, std::size_t bytes, Codec codec, absl::Duration timeout) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] {
    return core->Send(timeout, [&](endpoint::PublisherCore& requests) { return requests.PublishCopy(data, bytes, codec); });
  });
}

absl::StatusOr<bool> Requester::WaitForRoom(absl::Duration timeout) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->WaitForRoom(timeout); });
}

absl::StatusOr<Sample> Requester::Receive(CallId call) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Receive(call); });
}

absl::StatusOr<std::optional<Sample>> Requester::TryReceive(CallId call) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->TryReceive(call); });
}

bool Requester::IsLastReplyFromThisUser() const {
  const auto* core = endpoint::Peek<endpoint::RequesterCore>(door_);
  return core != nullptr && core->is_last_reply_ours();
}

absl::StatusOr<bool> Requester::WaitForReply(CallId call, absl::Duration timeout) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->WaitForReply(call, timeout); });
}

absl::StatusOr<std::optional<CallId>> Requester::WaitForAnyReply(absl::Duration timeout) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->WaitForAnyReply(timeout); });
}

void Requester::Forget(CallId call) {
  if (const InRequester core(door_); core) core->Forget(call);
}

absl::StatusOr<bool> Requester::WaitForReplier(absl::Duration timeout) {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->WaitForReplier(timeout); });
}

absl::StatusOr<int> Requester::fd() {
  const InRequester core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->PolledDescriptor(); });
}

void Requester::Cancel() {
  if (door_ != nullptr) door_->Cancel();
}

void Requester::Close() {
  if (door_ != nullptr) delete door_->Shut();
}

bool Requester::is_open() const { return endpoint::Peek<endpoint::RequesterCore>(door_) != nullptr; }

const std::string& Requester::channel() const {
  const auto* core = endpoint::Peek<endpoint::RequesterCore>(door_);
  return core != nullptr ? core->name() : NoName();
}

RequesterStats Requester::stats() const {
  const auto* core = endpoint::Peek<endpoint::RequesterCore>(door_);
  return core != nullptr ? core->stats() : RequesterStats{};
}

Verify Requester::verify() const {
  const auto* core = endpoint::Peek<endpoint::RequesterCore>(door_);
  return core != nullptr ? core->verify() : Verify::kTrusted;
}

Request::Request(Request&& other) noexcept : Request(static_cast<const Request&>(other)) { other.core_ = nullptr; }

Request& Request::operator=(Request&& other) noexcept {
  if (this != &other) {
    Drop();
    *this = static_cast<const Request&>(other);
    other.core_ = nullptr;
  }
  return *this;
}

Request::~Request() { Drop(); }

void Request::Drop() noexcept {
  if (core_ != nullptr) core_->Drop(*this);
}

absl::StatusOr<Loan> Request::ReplyLoan() {
  if (core_ == nullptr) return AnsweredAlready();
  return Guarded([&] { return core_->LendReply(*this); });
}

absl::Status Request::Reply(shmcomm::Loan loan) {
  if (core_ == nullptr) return AnsweredAlready();
  return Guarded([&] { return core_->Reply(*this, std::move(loan)); });
}

absl::Status Request::ReplyRaw(shmcomm::Loan loan, Codec codec) {
  if (core_ == nullptr) return AnsweredAlready();
  return Guarded([&] { return core_->ReplyRaw(*this, std::move(loan), codec); });
}

absl::Status Request::ReplyCopy(const void* data, std::size_t bytes, Codec codec) {
  if (core_ == nullptr) return AnsweredAlready();
  return Guarded([&] { return core_->ReplyCopy(*this, data, bytes, codec); });
}

absl::Status Request::Fail(const absl::Status& error) {
  if (core_ == nullptr) return AnsweredAlready();
  return Guarded([&] { return core_->Fail(*this, error); });
}

Replier::Replier(std::shared_ptr<endpoint::Door> door) : door_(std::move(door)) {}
Replier::Replier(Replier&&) noexcept = default;

Replier& Replier::operator=(Replier&& other) noexcept {
  if (this != &other) {
    Close();
    door_ = std::move(other.door_);
  }
  return *this;
}

Replier::~Replier() { Close(); }

absl::StatusOr<Replier> Replier::Open(const ChannelSpec& spec, const ReplierOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kReqRep); !status.ok()) return status;
  return Guarded([&]() -> absl::StatusOr<Replier> {
    auto door = std::make_shared<endpoint::Door>();
    absl::StatusOr<endpoint::ReplierCore*> core = endpoint::ReplierCore::Open(spec, options);
    if (!core.ok()) return core.status();
    door->LeadTo(*core);
    return Replier(std::move(door));
  });
}

absl::StatusOr<std::optional<Request>> Replier::TryTake() {
  const InReplier core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->TryTake(); });
}

absl::StatusOr<Request> Replier::Take(absl::Duration timeout) {
  const InReplier core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Take(timeout); });
}

absl::StatusOr<bool> Replier::Wait(absl::Duration timeout) {
  const InReplier core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->Wait(timeout); });
}

absl::StatusOr<int> Replier::fd() {
  const InReplier core(door_);
  if (!core) return endpoint::Closed();
  return Guarded([&] { return core->PolledDescriptor(); });
}

void Replier::Cancel() {
  if (door_ != nullptr) door_->Cancel();
}

void Replier::Close() {
  if (door_ == nullptr) return;
  if (auto* core = static_cast<endpoint::ReplierCore*>(door_->Shut())) core->CloseHandle();
}

bool Replier::is_open() const { return endpoint::Peek<endpoint::ReplierCore>(door_) != nullptr; }

const std::string& Replier::channel() const {
  const auto* core = endpoint::Peek<endpoint::ReplierCore>(door_);
  return core != nullptr ? core->name() : NoName();
}

ReplierStats Replier::stats() const {
  const auto* core = endpoint::Peek<endpoint::ReplierCore>(door_);
  return core != nullptr ? core->stats() : ReplierStats{};
}

Verify Replier::verify() const {
  const auto* core = endpoint::Peek<endpoint::ReplierCore>(door_);
  return core != nullptr ? core->verify() : Verify::kTrusted;
}

}  // namespace shmcomm
