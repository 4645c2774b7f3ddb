// SPDX-License-Identifier: Apache-2.0
#include "sender.h"

#include <array>
#include <optional>

#include "build.h"
#include "end_log.h"
#include "pack.h"
#include "record.h"
#include "timeout.h"
#include "typed_loan.h"
#include "values.h"
#include "waits.h"
#include "without_gil.h"

namespace shmcomm::python {
namespace {

bool IsFull(Sender& self, const absl::Status& status) {
  return absl::IsResourceExhausted(status) && !self.WaitForRoom(absl::ZeroDuration()).value_or(true);
}

/// Waits without the GIL until there is room, `timeout` passed (false in `*has_room`), or it was closed or a signal raised:
/// false with an exception set.
bool AwaitRoom(Sender& self, absl::Duration timeout, bool* has_room) {
  absl::StatusOr<bool> room = false;
  self.is_waiting = true;
  const int waited = RepeatWait(self.close_wanted, timeout, [&](absl::Duration slice) {
    room = self.WaitForRoom(slice);
    return !room.ok() || *room;
  });
  self.is_waiting = false;
  if (waited < 0) {
    if (!PyErr_Occurred()) RefuseClosed(self.name);
    return false;
  }
  *has_room = room.ok() && *room;
  return Finish(self, room.status());
}

bool SendBytes(Sender& self, const std::uint8_t* bytes, std::size_t size, Codec codec, absl::Duration timeout) {
  self.sent_bytes = size;
  return Deliver(self, timeout, [&] { return self.GiveCopy(bytes, size, codec, absl::ZeroDuration()); });
}

bool SendStruct(Sender& self, const Values& values, absl::Duration timeout) {
  std::array<std::uint8_t, 512> few;
  std::vector<std::uint8_t> many(self.type->struct_bytes > few.size() ? self.type->struct_bytes : 0);
  std::uint8_t* bytes = many.empty() ? few.data() : many.data();
  if (!PackFields(*self.type, values, Path{}, bytes)) return false;
  return SendBytes(self, bytes, self.type->struct_bytes, Codec::kStruct, timeout);
}

/// Builds a table in a slot; `build` answers false with an exception set.
template <class Build>
bool SendBuilt(Sender& self, absl::Duration timeout, Build&& build) {
  return Deliver(self, timeout, [&]() -> absl::Status {
    absl::StatusOr<shmcomm::Loan> loan = self.Lend();
    if (!loan.ok()) return loan.status();
    if (!build(loan->builder())) return absl::CancelledError("");  // the loan abandons the slot
    self.sent_bytes = loan->builder().GetSize();
    return self.Give(*std::move(loan), absl::ZeroDuration());
  });
}

/// Whether the record is the whole message that its region holds, so that the bytes can go as they are.
bool IsWholeMessage(const RecordObject& record) {
  return !record.type->is_struct && record.region.Follow(0) == record.table.position;
}

bool SendRecord(Sender& self, PyObject* message, absl::Duration timeout) {
  const RecordObject& record = *AsRecord(message);
  if (record.type != self.type) return Expected(Path{}, self.type->name, message);
  if (RefuseOver(record)) return false;
  if (record.type->is_struct) {
    const std::uint8_t* bytes = record.region.base + record.table.position;
    return SendBytes(self, bytes, self.type->struct_bytes, Codec::kStruct, timeout);
  }
  if (IsWholeMessage(record)) {
    return SendBytes(self, record.region.base, record.region.size, Codec::kFlatBuffer, timeout);
  }
  return SendBuilt(self, timeout, [&](flatbuffers::FlatBufferBuilder& builder) { return CopyMessage(builder, *self.type, message); });
}

bool SendFields(Sender& self, const Values& values, absl::Duration timeout) {
  if (self.type->is_struct) return SendStruct(self, values, timeout);
  return SendBuilt(self, timeout, [&](flatbuffers::FlatBufferBuilder& builder) { return BuildMessage(builder, *self.type, values); });
}

bool SendMessage(Sender& self, PyObject* message, absl::Duration timeout) {
  if (IsRecord(message)) return SendRecord(self, message, timeout);
  if (!PyDict_Check(message)) return Expected(Path{}, self.type->name + " (or a dict, or its fields as keywords)", message);
  Values values(*self.type);
  return values.SetItems(*self.type, message, Path{}) && SendFields(self, values, timeout);
}

}  // namespace

bool Finish(const Sender& self, const absl::Status& status) {
  if (status.ok()) return true;
  if (!PyErr_Occurred()) SetUseError(status, self.process);
  return false;
}

bool Deliver(Sender& self, absl::Duration timeout, absl::FunctionRef<absl::Status()> send) {
  if (!self.may_wait) return Finish(self, send());
  std::optional<Deadline> deadline;  // begins once there is no room
  for (;;) {
    bool has_room = false;
    if (!deadline) {
      has_room = self.WaitForRoom(absl::ZeroDuration()).value_or(true);  // an error is told by send
      if (!has_room) deadline.emplace(timeout);
    }
    if (!has_room && !AwaitRoom(self, deadline->Left(), &has_room)) return false;
    const absl::Status status = send();
    if (!has_room || status.ok() || PyErr_Occurred() || !IsFull(self, status)) return Finish(self, status);
    if (!deadline) deadline.emplace(timeout);
  }
}

bool CheckNotSending(const Sender& self) {
  if (self.in_use == 0 || !self.may_wait) return true;
  SetError(ErrorKind::kBase, "%s: another thread is sending on this endpoint; give each thread its own", self.name.c_str());
  return false;
}

namespace {

bool SendGiven(Sender& self, const char* name, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  absl::Duration timeout = self.timeout;
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  if (given == 1 && named == 0) return self.Begin(timeout) && SendMessage(self, arguments[0], timeout);
  if (given > 0) {
    const bool is_timeout = given == 1 && named == 1 && self.takes_timeout && IsTimeout(PyTuple_GET_ITEM(names, 0));
    if (is_timeout) return ParseTimeout(arguments[1], &timeout) && self.Begin(timeout) && SendMessage(self, arguments[0], timeout);
    PyErr_Format(PyExc_TypeError, "%s takes one message%s, or the fields of one as keywords", name,
                 self.takes_timeout ? " and timeout=" : "");
    return false;
  }
  Values values(*self.type);
  PyObject* given_timeout = nullptr;
  if (!values.SetKeywords(*self.type, arguments, names, self.takes_timeout ? &given_timeout : nullptr)) return false;
  if (given_timeout != nullptr && !ParseTimeout(given_timeout, &timeout)) return false;
  return self.Begin(timeout) && SendFields(self, values, timeout);
}

}  // namespace

bool SendArguments(Sender& self, const char* name, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  return SendGiven(self, name, arguments, given, names) || NameChannel(self.name);
}

void LogSent(const Sender& self) {
  if (is_debugging) LogMessage("sent", self.name, self.type->name.c_str(), self.sent_bytes);
}

bool SendLoan(Sender& self, shmcomm::Loan loan) {
  self.sent_bytes = self.type->is_struct ? self.type->struct_bytes : loan.builder().GetSize();
  const auto give = [&](absl::Duration timeout) {
    return self.type->is_struct ? self.GiveStruct(std::move(loan), timeout) : self.Give(std::move(loan), timeout);
  };
  if (!self.may_wait) return Finish(self, give(absl::ZeroDuration()));
  const Deadline deadline(self.timeout);
  bool has_room = self.WaitForRoom(absl::ZeroDuration()).value_or(true);
  if (!has_room && !AwaitRoom(self, self.timeout, &has_room)) return false;
  absl::Status status;
  {
    WithoutGil unlocked;  // a loan cannot be sent twice: where the room is taken by somebody else, C++ waits
    status = give(deadline.Left());
  }
  return Finish(self, status);
}

PyObject* LendMessage(const std::shared_ptr<Sender>& self, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  if (given != 0) {
    PyErr_SetString(PyExc_TypeError, "loan takes fields of the message as keywords");
    return nullptr;
  }
  if (!CheckNotSending(*self)) return nullptr;
  const InUse mark(self->in_use);
  Values values(*self->type);
  PyObject* loan = values.SetKeywords(*self->type, arguments, names) ? NewTypedLoan(self, values) : nullptr;
  if (loan == nullptr) NameChannel(self->name);
  return loan;
}

}  // namespace shmcomm::python
