// SPDX-License-Identifier: Apache-2.0
// Calls under way: an open requester as its Python object and its calls share it, and a call as a Python object, with a schema
// or without.
#pragma once

#include <Python.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "clock.h"
#include "sender.h"
#include "shmcomm/requester.h"

namespace shmcomm::python {

struct OpenedRequester : SenderOver<Requester> {
  using SenderOver::SenderOver;

  /// The Python object of the reply received last; null with an exception set.
  virtual PyObject* Read(shmcomm::Sample reply) = 0;

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
  absl::Duration Left() const { return std::max(deadline.Left(), absl::Nanoseconds(1)); }
  absl::Status Keep(absl::StatusOr<CallId> sent);

  bool waits_for_replier = false;
  Deadline deadline;                 ///< of the call that is being sent
  CallId call{};                     ///< the one that was sent last
  std::vector<CallId> forgotten;     ///< dropped while another thread used the requester
};

/// False with an exception set if another thread uses the requester. Otherwise what was dropped meanwhile is forgotten.
bool CheckFree(OpenedRequester& self);

/// Whether the call is settled, by a reply or an error, waited for until `timeout` passes. Empty with an exception set.
std::optional<bool> PollSettled(OpenedRequester& self, CallId call, absl::Duration timeout);

/// The reply to `call`, waited for until the call's own time is over or `timeout` passes. Null with an exception set: `*is_over`
/// tells whether the call is over, too.
PyObject* AwaitReply(OpenedRequester& self, CallId call, absl::Duration timeout, bool* is_over);

/// The reply if it is there, null without an exception while it is not.
PyObject* TakeReply(OpenedRequester& self, CallId call, bool* is_over);

/// What a call's Python object holds. The call is forgotten when the object goes.
struct CallContent {
  std::weak_ptr<OpenedRequester> requester;  // it may be closed while the call's object lives
  CallId call;
  std::string channel;
  bool is_over = false;

  /// Gives the call up, at once or when the thread that uses the requester is done.
  void Forget();
};

CallContent& CallContentOf(PyObject* object);

/// The requester of a call that is not over; null with an exception set.
std::shared_ptr<OpenedRequester> UsableRequesterOf(PyObject* object);

/// Methods of all calls.
PyObject* IsCallDone(PyObject* object, PyObject*);
PyObject* CancelCall(PyObject* object, PyObject*);
inline constexpr const char* kDoneDoc = "done($self)\n--\n\nWhether result would return or raise at once. Never waits.";
inline constexpr const char* kCancelDoc =
    "cancel($self)\n--\n\nGives the call up; its request is taken back if no replier has begun it. Dropping it does so, too.";

/// A class of calls with these methods, added to `module`; null with an exception set.
PyTypeObject* AddCallClass(PyObject* module, const char* name, const char* doc, PyMethodDef* methods, PyGetSetDef* properties);

/// A call that was sent, of such a class.
PyObject* NewCallOf(PyTypeObject* call_class, const std::shared_ptr<OpenedRequester>& requester, CallId call);

/// One of the class for channels with a schema.
PyObject* NewCall(const std::shared_ptr<OpenedRequester>& requester, CallId call);

/// Creates the class for channels with a schema and adds it to `module`.
bool AddCallType(PyObject* module);

}  // namespace shmcomm::python
