// SPDX-License-Identifier: Apache-2.0
// Calls under way: an open requester as its Python object and its calls share it, and a call as a Python object.
#pragma once

#include <Python.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "sender.h"
#include "shmcomm/requester.h"

namespace shmcomm::python {

struct OpenedRequester final : SenderOver<Requester> {
  using SenderOver::SenderOver;

  bool Begin(absl::Duration within) override;
  absl::StatusOr<bool> WaitForRoom(absl::Duration within) override { return endpoint.WaitForRoom(within); }
  absl::Status Give(shmcomm::Loan loan, absl::Duration) override { return Keep(endpoint.Send(std::move(loan), Left())); }
  absl::Status GiveStruct(shmcomm::Loan loan, absl::Duration) override {
    return Keep(endpoint.SendRaw(std::move(loan), Codec::kStruct, Left()));
  }
  absl::Status GiveCopy(const void* bytes, std::size_t size, Codec codec, absl::Duration) override {
    return Keep(endpoint.SendCopy(bytes, size, codec, Left()));
  }

  /// What is left of the time of the call that is being sent: zero is not the channel's own.
  absl::Duration Left() const { return std::max(deadline - absl::Now(), absl::Nanoseconds(1)); }
  absl::Status Keep(absl::StatusOr<CallId> sent);

  Type* reply = nullptr;
  PyTypeObject* reply_class = nullptr;
  bool waits_for_replier = false;
  absl::Time deadline;               ///< of the call that is being sent
  CallId call{};                     ///< the one that was sent last
  std::vector<CallId> forgotten;     ///< dropped while another thread used the requester
};

/// False with an exception set if another thread uses the requester. Otherwise what was dropped meanwhile is forgotten.
bool CheckFree(OpenedRequester& self);

/// The reply to `call`, waited for until the call's own time is over or `timeout` passes. Null with an exception set: `*is_over`
/// tells whether the call is over, too.
PyObject* AwaitReply(OpenedRequester& self, CallId call, absl::Duration timeout, bool* is_over);

/// A call that was sent. Forgotten when it is dropped.
PyObject* NewCall(const std::shared_ptr<OpenedRequester>& requester, CallId call);

/// Creates the class and adds it to `module`.
bool AddCallType(PyObject* module);

}  // namespace shmcomm::python
