// SPDX-License-Identifier: Apache-2.0
// The public classes of reqrep: thin handles on the cores.
#include <utility>

#include "endpoint/messages.h"
#include "endpoint/replier_core.h"
#include "endpoint/requester_core.h"
#include "shmcomm/replier.h"
#include "shmcomm/requester.h"

namespace shmcomm {
namespace {

const std::string& NoName() {
  static const std::string* const name = new std::string;
  return *name;
}

absl::Status AnsweredAlready() {
  return absl::FailedPreconditionError("the request is answered already; a request has one answer");
}

}  // namespace

Requester::Requester(std::unique_ptr<endpoint::RequesterCore> core) : core_(std::move(core)) {}
Requester::Requester(Requester&&) noexcept = default;
Requester& Requester::operator=(Requester&&) noexcept = default;
Requester::~Requester() = default;

absl::StatusOr<Requester> Requester::Open(const ChannelSpec& spec, const RequesterOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kReqRep); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<endpoint::RequesterCore>> core = endpoint::RequesterCore::Open(spec, options);
  if (!core.ok()) return core.status();
  return Requester(*std::move(core));
}

absl::StatusOr<Loan> Requester::Loan() {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->Lend();
}

absl::StatusOr<CallId> Requester::Send(shmcomm::Loan loan, absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->Send(timeout, [&](endpoint::PublisherCore& requests) { return requests.Publish(std::move(loan)); });
}

absl::StatusOr<CallId> Requester::SendRaw(shmcomm::Loan loan, Codec codec, absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->Send(timeout, [&](endpoint::PublisherCore& requests) { return requests.PublishRaw(std::move(loan), codec); });
}

absl::StatusOr<CallId> Requester::SendCopy(const void* data, std::size_t bytes, Codec codec, absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->Send(timeout, [&](endpoint::PublisherCore& requests) { return requests.PublishCopy(data, bytes, codec); });
}

absl::StatusOr<Sample> Requester::Receive(CallId call) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->Receive(call);
}

absl::StatusOr<std::optional<Sample>> Requester::TryReceive(CallId call) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->TryReceive(call);
}

void Requester::Forget(CallId call) {
  if (core_ != nullptr) core_->Forget(call);
}

absl::StatusOr<bool> Requester::WaitForReplier(absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->WaitForReplier(timeout);
}

void Requester::Cancel() {
  if (core_ != nullptr) core_->Cancel();
}

void Requester::Close() { core_.reset(); }
const std::string& Requester::channel() const { return core_ == nullptr ? NoName() : core_->name(); }
RequesterStats Requester::stats() const { return core_ == nullptr ? RequesterStats{} : core_->stats(); }
Verify Requester::verify() const { return core_ == nullptr ? Verify::kTrusted : core_->verify(); }

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
  if (core_ == nullptr) return;
  core_->Fail(*this, absl::AbortedError("the replier dropped the request without an answer")).IgnoreError();
}

absl::StatusOr<Loan> Request::ReplyLoan() {
  if (core_ == nullptr) return AnsweredAlready();
  return core_->LendReply(*this);
}

absl::Status Request::Reply(shmcomm::Loan loan) {
  if (core_ == nullptr) return AnsweredAlready();
  return core_->Reply(*this, std::move(loan));
}

absl::Status Request::ReplyRaw(shmcomm::Loan loan, Codec codec) {
  if (core_ == nullptr) return AnsweredAlready();
  return core_->ReplyRaw(*this, std::move(loan), codec);
}

absl::Status Request::ReplyCopy(const void* data, std::size_t bytes, Codec codec) {
  if (core_ == nullptr) return AnsweredAlready();
  return core_->ReplyCopy(*this, data, bytes, codec);
}

absl::Status Request::Fail(const absl::Status& error) {
  if (core_ == nullptr) return AnsweredAlready();
  return core_->Fail(*this, error);
}

Replier::Replier(std::unique_ptr<endpoint::ReplierCore> core) : core_(std::move(core)) {}
Replier::Replier(Replier&&) noexcept = default;
Replier& Replier::operator=(Replier&&) noexcept = default;
Replier::~Replier() = default;

absl::StatusOr<Replier> Replier::Open(const ChannelSpec& spec, const ReplierOptions& options) {
  if (absl::Status status = endpoint::CheckPattern(spec, Pattern::kReqRep); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<endpoint::ReplierCore>> core = endpoint::ReplierCore::Open(spec, options);
  if (!core.ok()) return core.status();
  return Replier(*std::move(core));
}

absl::StatusOr<std::optional<Request>> Replier::TryTake() {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->TryTake();
}

absl::StatusOr<Request> Replier::Take(absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::Closed();
  return core_->Take(timeout);
}

void Replier::Cancel() {
  if (core_ != nullptr) core_->Cancel();
}

void Replier::Close() { core_.reset(); }
const std::string& Replier::channel() const { return core_ == nullptr ? NoName() : core_->name(); }
ReplierStats Replier::stats() const { return core_ == nullptr ? ReplierStats{} : core_->stats(); }
Verify Replier::verify() const { return core_ == nullptr ? Verify::kTrusted : core_->verify(); }

}  // namespace shmcomm
