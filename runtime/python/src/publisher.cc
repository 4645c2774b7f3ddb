// SPDX-License-Identifier: Apache-2.0
#include "publisher.h"

#include <nanobind/stl/string.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "build.h"
#include "endpoints.h"
#include "pack.h"
#include "record.h"
#include "timeout.h"
#include "typed_loan.h"
#include "values.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

/// The Python object; empty once closed. Loans share the publisher: their memory stays while anything looks at it.
struct PublisherHandle {
  std::shared_ptr<OpenedPublisher> opened;
  std::string name;
  PublisherStats last_stats;
};

void Open(PublisherHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root,
          std::string domain, std::uint64_t max_size, nb::handle timeout) {
  const DeclaredChannel& declared = *nb::inst_ptr<DeclaredChannel>(channel);
  auto options = CommonOptions<PublisherOptions>(std::move(name), std::move(root), std::move(domain));
  options.max_size = max_size;
  if (!ParseTimeout(timeout.ptr(), &options.publish_timeout)) nb::raise_python_error();
  absl::StatusOr<Publisher> publisher = [&] {
    nb::gil_scoped_release unlocked;
    return Publisher::Open(*declared.spec, options);
  }();
  if (!publisher.ok()) {
    SetError(publisher.status(), Doing::kOpening);
    nb::raise_python_error();
  }
  new (self) PublisherHandle{};
  self->name = publisher->channel();
  auto* loan_class = reinterpret_cast<PyTypeObject*>(declared.loan_class.ptr());
  self->opened = std::make_shared<OpenedPublisher>(OpenedPublisher{*std::move(publisher), self->name, nb::borrow(channel),
                                                                   declared.type, &declared.spec->qos, loan_class,
                                                                   ProcessNumber()});
}

bool SendBytes(OpenedPublisher& self, const std::uint8_t* bytes, std::size_t size, Codec codec) {
  return FinishWith(self, [&] { return self.endpoint.PublishCopy(bytes, size, codec); });
}

bool SendStruct(OpenedPublisher& self, const Values& values) {
  std::array<std::uint8_t, 512> few;
  std::vector<std::uint8_t> many(self.type->struct_bytes > few.size() ? self.type->struct_bytes : 0);
  std::uint8_t* bytes = many.empty() ? few.data() : many.data();
  if (!PackFields(*self.type, values, Path{}, bytes)) return false;
  return SendBytes(self, bytes, self.type->struct_bytes, Codec::kStruct);
}

/// Builds a table in a slot; `build` answers false with an exception set.
template <class Build>
bool SendBuilt(OpenedPublisher& self, Build&& build) {
  absl::StatusOr<Loan> loan = self.endpoint.Loan();
  if (!loan.ok()) return Finish(self, loan.status());
  if (!build(loan->builder())) return false;  // the loan abandons the slot
  return FinishWith(self, [&] { return self.endpoint.Publish(*std::move(loan)); });
}

bool SendFields(OpenedPublisher& self, const Values& values) {
  if (self.type->is_struct) return SendStruct(self, values);
  return SendBuilt(self, [&](flatbuffers::FlatBufferBuilder& builder) { return BuildMessage(builder, *self.type, values); });
}

/// Whether the record is the whole message that its region holds, so that the bytes can go as they are.
bool IsWholeMessage(const RecordObject& record) {
  return !record.type->is_struct && record.region.Follow(0) == record.table.position;
}

bool SendRecord(OpenedPublisher& self, PyObject* message) {
  const RecordObject& record = *AsRecord(message);
  if (record.type != self.type) return Expected(Path{}, self.type->name, message);
  if (record.type->is_struct) {
    const std::uint8_t* bytes = record.region.base + record.table.position;
    return SendBytes(self, bytes, self.type->struct_bytes, Codec::kStruct);
  }
  if (IsWholeMessage(record)) {
    return SendBytes(self, record.region.base, record.region.size, Codec::kFlatBuffer);
  }
  return SendBuilt(self, [&](flatbuffers::FlatBufferBuilder& builder) { return CopyMessage(builder, *self.type, message); });
}

bool SendMessage(OpenedPublisher& self, PyObject* message) {
  if (IsRecord(message)) return SendRecord(self, message);
  if (!PyDict_Check(message)) return Expected(Path{}, self.type->name + " (or a dict, or its fields as keywords)", message);
  Values values(*self.type);
  return values.SetItems(*self.type, message, Path{}) && SendFields(self, values);
}

bool SendKeywords(OpenedPublisher& self, PyObject* const* arguments, PyObject* names) {
  Values values(*self.type);
  return values.SetKeywords(*self.type, arguments, names) && SendFields(self, values);
}

/// send(message, /) or send(**fields).
PyObject* Send(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  PublisherHandle& handle = *nb::inst_ptr<PublisherHandle>(object);
  if (!nb::inst_ready(object) || !handle.opened) return RefuseClosed(nb::inst_ready(object) ? handle.name : "publisher");
  if (given > 1 || (given == 1 && names != nullptr)) {
    PyErr_SetString(PyExc_TypeError, "send takes one message, or the fields of one as keywords");
    return nullptr;
  }
  OpenedPublisher& self = *handle.opened;
  if (!CheckNotSending(self)) return nullptr;
  const InUse mark(self.in_use);
  const bool ok = given == 1 ? SendMessage(self, arguments[0]) : SendKeywords(self, arguments, names);
  return ok ? Py_NewRef(Py_True) : nullptr;
}

/// loan(**fields).
PyObject* LoanMessage(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  if (!nb::inst_ready(object)) return RefuseClosed("publisher");
  PublisherHandle& handle = *nb::inst_ptr<PublisherHandle>(object);
  if (!handle.opened) return RefuseClosed(handle.name);
  if (given != 0) {
    PyErr_SetString(PyExc_TypeError, "loan takes fields of the message as keywords");
    return nullptr;
  }
  OpenedPublisher& self = *handle.opened;
  if (!CheckNotSending(self)) return nullptr;
  const InUse mark(self.in_use);
  Values values(*self.type);
  if (!values.SetKeywords(*self.type, arguments, names)) return nullptr;
  return NewTypedLoan(handle.opened, self.sample_class, values);
}

void Close(PublisherHandle& self) {
  if (!self.opened) return;
  if (self.opened->in_use > 0) {
    SetError(ErrorKind::kBase, "%s: closed while it sends", self.name.c_str());
    nb::raise_python_error();
  }
  self.last_stats = self.opened->endpoint.stats();
  self.opened->close_wanted = true;  // for loans that are still open
  self.opened.reset();
}

nb::tuple Counters(const PublisherHandle& self) {
  const PublisherStats stats = self.opened ? self.opened->endpoint.stats() : self.last_stats;
  return nb::make_tuple(stats.sent, stats.bytes, stats.errors);
}

PyMethodDef send = {"send", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Send)), METH_FASTCALL | METH_KEYWORDS,
                    "send($self, message=None, /, **fields)\n--\n\n"
                    "Publishes one message, given as an instance, a dict, or keywords; built directly in shared memory.\n"
                    "Waits for subscribers on a reliable channel only, as long as the publisher's timeout. Returns True.\n"
                    "Errors: SHMSerializationError, SHMMessageTooLargeError, SHMBufferFullError, SHMConnectionError."};

PyMethodDef loan = {"loan", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(LoanMessage)), METH_FASTCALL | METH_KEYWORDS,
                    "loan($self, /, **fields)\n--\n\n"
                    "A message to be written in shared memory: published when its `with` block ends, abandoned where that raises.\n"
                    "A vector of numbers or structs is given as its shape, an int or a tuple, and is then a writable NumPy array;\n"
                    "other fields are given as in send; scalars and structs can also be set in the block. Never waits.\n"
                    "Errors: SHMSerializationError, SHMMessageTooLargeError, SHMBufferFullError, SHMConnectionError."};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<PublisherHandle>)},
    {0, nullptr},
};

}  // namespace

bool CheckNotSending(const OpenedPublisher& self) {
  if (self.in_use == 0 || !MayWait(*self.qos)) return true;
  SetError(ErrorKind::kBase, "%s: another thread is sending on this publisher; give each thread its own", self.name.c_str());
  return false;
}

void AddPublisher(nb::module_& module) {
  nb::class_<PublisherHandle> publisher(module, "Publisher", nb::type_slots(slots), "The sending end of a channel.");
  publisher
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("max_size"),
           nb::arg("timeout").none())
      .def("close", Close, "Leaves the channel. Closing twice is allowed.")
      .def("counters", Counters, "(sent, bytes, errors)")
      .def_prop_ro("channel", [](const PublisherHandle& self) { return self.name; }, "Name of the channel.")
      .def_prop_ro("closed", [](const PublisherHandle& self) { return self.opened == nullptr; });
  AddFastMethod(publisher, send);
  AddFastMethod(publisher, loan);
}

}  // namespace shmcomm::python
