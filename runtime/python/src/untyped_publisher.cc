// SPDX-License-Identifier: Apache-2.0
// The sending end of a channel without a schema.
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "arguments.h"
#include "endpoint.h"
#include "endpoints.h"
#include "loan_buffer.h"
#include "shmcomm/publisher.h"
#include "timeout.h"
#include "untyped_decode.h"
#include "untyped_encode.h"
#include "untyped_log.h"
#include "untyped_options.h"
#include "waits.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

/// The Python object; empty once closed.
struct UntypedPublisher {
  std::optional<Publisher> opened;
  std::string name;
  std::int64_t process = 0;
  std::uint64_t max_size = 0;
  absl::Duration timeout;
  Serializer serializer;
  PublisherStats last_stats;
  std::uint64_t refused = 0;        ///< messages that did not get as far as the publisher
  Warning full;
  int in_use = 0;
  bool close_wanted = false;
  std::vector<std::weak_ptr<std::optional<Loan>>> loans;

  ~UntypedPublisher() { AbandonLoans(); }

  /// A loan must not outlive its publisher; a view of it may.
  void AbandonLoans() {
    for (const std::weak_ptr<std::optional<Loan>>& loan : loans) {
      if (const SharedLoan out = loan.lock()) out->reset();
    }
    loans.clear();
  }
};

constexpr std::size_t kSmallBytes = 1024;

enum class Sent { kYes, kFull, kError };

void Open(UntypedPublisher* self, std::string name, std::string root, std::string domain, const nb::dict& chosen,
          nb::handle max_size, nb::handle timeout, nb::handle serializer) {
  const UntypedChannel channel = ReadUntypedChannel(Pattern::kPubSub, chosen);
  auto options = CommonOptions<PublisherOptions>(std::move(name), std::move(root), std::move(domain));
  options.adopted = channel.adopted;
  options.max_size = max_size.is_none() ? kUntypedMaxSize : nb::cast<std::uint64_t>(max_size);
  options.publish_timeout = absl::ZeroDuration();  // waited for here, where Ctrl-C is seen
  absl::Duration wait;
  Serializer chosen_serializer;
  const bool is_valid = ParseTimeout(timeout.ptr(), &wait) && ParseSerializer(serializer.ptr(), {}, &chosen_serializer);
  if (!is_valid) nb::raise_python_error();
  absl::StatusOr<Publisher> publisher = [&] {
    nb::gil_scoped_release unlocked;
    return Publisher::Open(channel.spec, options);
  }();
  if (!publisher.ok()) {
    SetError(publisher.status(), Doing::kOpening);
    LogFailure(nullptr);
    nb::raise_python_error();
  }
  new (self) UntypedPublisher{};
  self->name = publisher->channel();
  self->process = ProcessNumber();
  self->max_size = options.max_size;
  self->timeout = wait;
  self->serializer = chosen_serializer;
  self->opened = *std::move(publisher);
}

void CloseNow(UntypedPublisher& self) {
  self.AbandonLoans();
  self.last_stats = self.opened->stats();
  self.opened.reset();
}

/// The publisher of a method's `self`, null with an exception set if it cannot be used now.
UntypedPublisher* Usable(PyObject* object) {
  if (!nb::inst_ready(object)) {
    RefuseClosed("publisher");
    return nullptr;
  }
  UntypedPublisher& self = *nb::inst_ptr<UntypedPublisher>(object);
  if (!self.opened) {
    RefuseClosed(self.name);
    return nullptr;
  }
  if (self.in_use == 0) return &self;
  SetError(ErrorKind::kBase, "%s: another thread waits for room on this publisher; give each thread its own",
           self.name.c_str());
  return nullptr;
}

bool Fits(UntypedPublisher& self, std::size_t bytes) {
  if (bytes <= self.max_size) return true;
  ++self.refused;
  SetError(ErrorKind::kMessageTooLarge, "%s: message is %zu B, max_size is %llu B; open the publisher with max_size=%zu",
           self.name.c_str(), bytes, static_cast<unsigned long long>(self.max_size), bytes);
  return false;
}

absl::Status Write(Publisher& publisher, const Encoded& message) {
  if (const void* plain = message.plain()) return publisher.PublishCopy(plain, message.bytes(), message.codec());
  if (message.bytes() <= kSmallBytes) {  // needs none of the loans, which the program may hold
    std::array<std::uint8_t, kSmallBytes> small;
    message.WriteTo(small.data());
    return publisher.PublishCopy(small.data(), message.bytes(), message.codec());
  }
  absl::StatusOr<Loan> loan = publisher.Loan();
  if (!loan.ok()) return loan.status();
  absl::StatusOr<std::uint8_t*> place = loan->Raw(message.bytes());
  if (!place.ok()) return place.status();
  message.WriteTo(*place);
  return publisher.PublishRaw(*std::move(loan), message.codec());
}

Sent Fail(UntypedPublisher& self, const absl::Status& status) {
  SetUseError(status, self.process);
  return Sent::kError;
}

/// Waits without the GIL until the ring has room. kYes, or kFull after `timeout`.
Sent WaitForRoom(UntypedPublisher& self, absl::Duration timeout) {
  absl::StatusOr<bool> has_room = self.opened->WaitForRoom(absl::ZeroDuration());
  if (has_room.ok() && !*has_room && timeout > absl::ZeroDuration()) {
    int waited = 0;
    {
      const InUse mark(self.in_use);
      waited = RepeatWait(self.close_wanted, timeout, [&](absl::Duration slice) {
        has_room = self.opened->WaitForRoom(slice);
        return !has_room.ok() || *has_room;
      });
    }
    if (self.close_wanted) {
      CloseNow(self);
      if (!PyErr_Occurred()) RefuseClosed(self.name);
      return Sent::kError;
    }
    if (waited < 0) return Sent::kError;
  }
  if (!has_room.ok()) return Fail(self, has_room.status());
  return *has_room ? Sent::kYes : Sent::kFull;
}

/// Publishes through `publish`, which may be called again: another publisher can take the room that was waited for.
template <class Publish>
Sent Deliver(UntypedPublisher& self, absl::Duration timeout, Publish&& publish) {
  const bool has_deadline = timeout != absl::InfiniteDuration() && timeout > absl::ZeroDuration();
  const absl::Time deadline = has_deadline ? absl::Now() + timeout : absl::InfiniteFuture();
  for (;;) {
    const Sent room = WaitForRoom(self, timeout);
    if (room != Sent::kYes) return room;
    const absl::Status status = publish();
    if (status.ok()) return Sent::kYes;
    const bool is_full = absl::IsResourceExhausted(status) && !self.opened->WaitForRoom(absl::ZeroDuration()).value_or(true);
    if (!is_full) return Fail(self, status);
    if (has_deadline) timeout = std::max(deadline - absl::Now(), absl::ZeroDuration());
  }
}

PyObject* Answer(UntypedPublisher& self, Sent sent, const char* codec, std::size_t bytes) {
  if (sent == Sent::kYes) {
    if (is_debugging) LogMessage("sent", self.name, codec, bytes);
    return Py_NewRef(Py_True);
  }
  if (sent == Sent::kError) return LogFailure(nullptr);
  ++self.refused;
  self.full.Log("ring_full", self.name, bytes, 0);
  return Py_NewRef(Py_False);
}

PyObject* SendMessage(UntypedPublisher& self, PyObject* message, absl::Duration timeout, const Serializer& serializer) {
  Encoded encoded;
  if (!encoded.Encode(self.name, message, serializer)) {
    ++self.refused;
    return LogFailure(nullptr);
  }
  if (!self.opened) return LogFailure(RefuseClosed(self.name));  // closed by what encoding ran
  if (!Fits(self, encoded.bytes())) return LogFailure(nullptr);
  const Sent sent = Deliver(self, timeout, [&] { return Write(*self.opened, encoded); });
  return Answer(self, sent, NameOf(encoded.codec()), encoded.bytes());
}

/// send(message, /, *, timeout, serializer)
PyObject* Send(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<3> kParameters = {"send", {"message", "timeout", "serializer"}, 1};
  UntypedPublisher* self = Usable(object);
  std::array<PyObject*, 3> values;
  if (self == nullptr || !PlaceArguments(kParameters, given, count, keywords, &values)) return nullptr;
  absl::Duration timeout = self->timeout;
  Serializer serializer = self->serializer;
  if (values[1] != nullptr && !ParseTimeout(values[1], &timeout)) return nullptr;
  if (values[2] != nullptr && !ParseSerializer(values[2], self->serializer, &serializer)) return nullptr;
  if (values[0] != nullptr) return SendMessage(*self, values[0], timeout, serializer);
  PyErr_SetString(PyExc_TypeError, "send takes the message to send");
  return nullptr;
}

/// A slot for a message of `bytes` bytes that begins with `head`.
nb::object Reserve(nb::handle object, const nb::bytes& head, std::size_t bytes) {
  UntypedPublisher* self = Usable(object.ptr());
  if (self == nullptr || !Fits(*self, bytes)) nb::raise_python_error();
  absl::StatusOr<Loan> loan = self->opened->Loan();
  absl::StatusOr<std::uint8_t*> place = loan.ok() ? loan->Raw(bytes) : loan.status();
  if (!place.ok()) {
    SetUseError(place.status(), self->process);
    LogFailure(nullptr);
    nb::raise_python_error();
  }
  std::memcpy(*place, head.c_str(), head.size());
  auto shared = std::make_shared<std::optional<Loan>>(*std::move(loan));
  self->loans.erase(std::remove_if(self->loans.begin(), self->loans.end(), [](const auto& old) { return old.expired(); }),
                    self->loans.end());
  self->loans.push_back(shared);
  return nb::steal(NewLoanBuffer(std::move(shared), self->opened->memory(), *place, bytes));
}

/// Publishes a slot from Reserve. False if a reliable ring is full; the message is then dropped.
bool Commit(nb::handle object, nb::handle buffer) {
  UntypedPublisher* self = Usable(object.ptr());
  SharedLoan* loan = self == nullptr ? nullptr : LoanOf(buffer.ptr());
  if (loan == nullptr) nb::raise_python_error();
  if (!(*loan)->has_value()) throw nb::value_error("this loan has ended");
  const Sent room = WaitForRoom(*self, self->timeout);
  Sent sent = room;
  if (room == Sent::kYes) {
    const absl::Status status = self->opened->PublishRaw(*std::move(**loan), Codec::kNdarray);
    if (!status.ok()) sent = Fail(*self, status);
  }
  (*loan)->reset();
  const nb::object answer = nb::steal(Answer(*self, sent, NameOf(Codec::kNdarray), 0));
  if (!answer.is_valid()) nb::raise_python_error();
  return answer.ptr() == Py_True;
}

/// Gives a slot from Reserve back unpublished.
void Abandon(nb::handle, nb::handle buffer) {
  SharedLoan* loan = LoanOf(buffer.ptr());
  if (loan == nullptr) nb::raise_python_error();
  (*loan)->reset();
}

void Close(UntypedPublisher& self) {
  if (!self.opened) return;
  if (self.in_use > 0) self.close_wanted = true;  // the waiting thread closes within a slice
  else CloseNow(self);
}

nb::tuple Counters(const UntypedPublisher& self) {
  const PublisherStats stats = self.opened ? self.opened->stats() : self.last_stats;
  return nb::make_tuple(stats.sent, stats.bytes, stats.errors + self.refused);
}

PyMethodDef send = {
    "send", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Send)), METH_FASTCALL | METH_KEYWORDS,
    "send($self, message, /, *, timeout=None, serializer=None)\n--\n\n"
    "Publishes one message: bytes as they are, a NumPy array with its dtype and shape, anything else pickled.\n\n"
    "The data is copied once, into shared memory. On a reliable channel whose ring is full it waits up to `timeout` (an int\n"
    "of milliseconds or a timedelta; the publisher's own if not given) without holding up other threads; otherwise it\n"
    "never waits. `serializer` is \"pickle\", \"msgpack\" or the name of a registered codec, for this message.\n\n"
    "Returns True, or False if a reliable ring stayed full: the message was then not sent.\n"
    "Errors: SHMSerializationError, SHMMessageTooLargeError, SHMBufferFullError (shared memory is full),\n"
    "SHMConnectionError (closed, forked).\n\n"
    ">>> with Publisher(\"doc/send\") as pub:\n"
    "...     pub.send({\"cmd\": \"move\", \"pos\": [1.0, 2.0, 3.0]}), pub.send(b\"raw\"), pub.send([1, 2], serializer=\"msgpack\")\n"
    "(True, True, True)\n"};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<UntypedPublisher>)},
    {0, nullptr},
};

}  // namespace

void AddUntypedPublisher(nb::module_& module) {
  nb::class_<UntypedPublisher> publisher(module, "UntypedPublisher", nb::type_slots(slots),
                                         "The sending end of a channel without a schema.");
  publisher
      .def("__init__", Open, nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("options"),
           nb::arg("max_size").none(), nb::arg("timeout").none(), nb::arg("serializer").none())
      .def("_reserve", Reserve, nb::arg("head"), nb::arg("bytes"))
      .def("_commit", Commit, nb::arg("loan"))
      .def("_abandon", Abandon, nb::arg("loan"))
      .def("close", Close, "Leaves the channel. Closing twice is allowed; a loan that is out is abandoned.")
      .def("counters", Counters, "(sent, bytes, errors)")
      .def_prop_ro("channel", [](const UntypedPublisher& self) { return self.name; }, "Name of the channel.")
      .def_prop_ro("closed", [](const UntypedPublisher& self) { return !self.opened.has_value(); },
                   "Whether this end was closed.");
  AddFastMethod(publisher, send);
}

}  // namespace shmcomm::python
