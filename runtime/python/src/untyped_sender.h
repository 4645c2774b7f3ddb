// SPDX-License-Identifier: Apache-2.0
// What the sending ends of channels without a schema have in common. Each is described by its `End`, a struct of:
//   Endpoint, Options, Stats      types of C++
//   kPattern, kName               of the channel; "publisher", for errors
//   Open(spec, options)           opens one that never waits itself
//   GiveCopy, GiveRaw             send without waiting
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "end_log.h"
#include "endpoint.h"
#include "loan_buffer.h"
#include "timeout.h"
#include "untyped_decode.h"
#include "untyped_encode.h"
#include "untyped_options.h"
#include "untyped_write.h"
#include "waits.h"
#include "without_gil.h"

namespace shmcomm::python {

template <class End>
class UntypedSender {
 public:
  using Endpoint = typename End::Endpoint;
  using Stats = typename End::Stats;

  /// The Python object; empty once closed.
  struct Handle {
    std::optional<Endpoint> opened;
    std::string name;
    std::int64_t process = 0;
    std::uint64_t max_size = 0;
    absl::Duration timeout;
    Serializer serializer;
    Stats last_stats;
    std::uint64_t refused = 0;        ///< messages that did not get as far as the endpoint
    Warning full;
    int in_use = 0;
    bool close_wanted = false;
    std::vector<std::weak_ptr<std::optional<Loan>>> loans;

    ~Handle() { AbandonLoans(); }

    /// A loan must not outlive its publisher; a view of it may.
    void AbandonLoans() {
      for (const std::weak_ptr<std::optional<Loan>>& loan : loans) {
        if (const SharedLoan out = loan.lock()) out->reset();
      }
      loans.clear();
    }
  };

  enum class Sent { kYes, kFull, kError };

  static void Open(Handle* self, std::string name, std::string root, std::string domain, const nanobind::dict& chosen,
                   nanobind::handle max_size, nanobind::handle timeout, nanobind::handle serializer) {
    const UntypedChannel channel = ReadUntypedChannel(End::kPattern, chosen);
    auto options = CommonOptions<typename End::Options>(std::move(name), std::move(root), std::move(domain));
    options.adopted = channel.adopted;
    options.max_size = max_size.is_none() ? kUntypedMaxSize : nanobind::cast<std::uint64_t>(max_size);
    absl::Duration wait;
    Serializer chosen_serializer;
    const bool is_valid = ParseTimeout(timeout.ptr(), &wait) && ParseSerializer(serializer.ptr(), {}, &chosen_serializer);
    if (!is_valid) nanobind::raise_python_error();
    absl::StatusOr<Endpoint> endpoint = [&] {
      WithoutGil unlocked;
      return End::Open(channel.spec, options);
    }();
    if (!endpoint.ok()) {
      SetError(endpoint.status(), Doing::kOpening);
      LogFailure(nullptr);
      nanobind::raise_python_error();
    }
    new (self) Handle{};
    self->name = endpoint->channel();
    self->process = ProcessNumber();
    self->max_size = options.max_size;
    self->timeout = wait;
    self->serializer = chosen_serializer;
    self->opened = *std::move(endpoint);
  }

  static void CloseNow(Handle& self) {
    self.AbandonLoans();
    self.last_stats = self.opened->stats();
    self.opened.reset();
  }

  /// The publisher of a method's `self`, null with an exception set if it cannot be used now.
  static Handle* Usable(PyObject* object) {
    if (!nanobind::inst_ready(object)) {
      RefuseClosed(End::kName);
      return nullptr;
    }
    Handle& self = *nanobind::inst_ptr<Handle>(object);
    if (!self.opened) {
      RefuseClosed(self.name);
      return nullptr;
    }
    if (self.in_use == 0) return &self;
    SetError(ErrorKind::kBase, "%s: another thread waits for room on this %s; give each thread its own",
             self.name.c_str(), End::kName);
    return nullptr;
  }

  static bool Fits(Handle& self, std::size_t bytes) {
    if (CheckFits(self.name, bytes, self.max_size, End::kName)) return true;
    ++self.refused;
    return false;
  }

  /// Where a message is written to.
  struct Outlet {
    absl::Status GiveCopy(const void* data, std::size_t bytes, Codec codec) {
      return End::GiveCopy(endpoint, data, bytes, codec);
    }
    absl::StatusOr<Loan> Lend() { return endpoint.Loan(); }
    absl::Status GiveRaw(Loan loan, Codec codec) { return End::GiveRaw(endpoint, std::move(loan), codec); }

    Endpoint& endpoint;
  };

  static Sent Fail(Handle& self, const absl::Status& status) {
    SetUseError(status, self.process);
    return Sent::kError;
  }

  /// Waits without the GIL until the ring has room. kYes, or kFull after `timeout`.
  static Sent WaitForRoom(Handle& self, absl::Duration timeout) {
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

  /// Publishes through `publish`, which may be called again: somebody else can take the room that was waited for.
  template <class Publish>
  static Sent Deliver(Handle& self, absl::Duration timeout, Publish&& publish) {
    const Deadline deadline(timeout);
    for (;;) {
      const Sent room = WaitForRoom(self, timeout);
      if (room != Sent::kYes) return room;
      const absl::Status status = publish();
      if (status.ok()) return Sent::kYes;
      const bool is_full = absl::IsResourceExhausted(status) && !self.opened->WaitForRoom(absl::ZeroDuration()).value_or(true);
      if (!is_full) return Fail(self, status);
      timeout = std::max(deadline.Left(), absl::ZeroDuration());
    }
  }

  static PyObject* Answer(Handle& self, Sent sent, const char* codec, std::size_t bytes) {
    if (sent == Sent::kYes) {
      if (is_debugging) LogMessage("sent", self.name, codec, bytes);
      TellNotices();
      return Py_NewRef(Py_True);
    }
    if (sent == Sent::kError) return LogFailure(nullptr);
    ++self.refused;
    self.full.Log("ring_full", self.name, bytes, 0);
    return Py_NewRef(Py_False);
  }

  static PyObject* SendMessage(Handle& self, PyObject* message, absl::Duration timeout, const Serializer& serializer) {
    Encoded encoded;
    if (!encoded.Encode(self.name, message, serializer)) {
      ++self.refused;
      return LogFailure(nullptr);
    }
    if (!self.opened) return LogFailure(RefuseClosed(self.name));  // closed by what encoding ran
    if (!Fits(self, encoded.bytes())) return LogFailure(nullptr);
    const Sent sent = Deliver(self, timeout, [&] { return WriteMessage(Outlet{*self.opened}, encoded); });
    return Answer(self, sent, NameOf(encoded.codec()), encoded.bytes());
  }

  /// send(message, /, *, timeout, serializer)
  static PyObject* Send(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
    static constexpr Parameters<3> kParameters = {"send", {"message", "timeout", "serializer"}, 1};
    Handle* self = Usable(object);
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
  static nanobind::object Reserve(nanobind::handle object, const nanobind::bytes& head, std::size_t bytes) {
    Handle* self = Usable(object.ptr());
    if (self == nullptr || !Fits(*self, bytes)) nanobind::raise_python_error();
    absl::StatusOr<Loan> loan = self->opened->Loan();
    absl::StatusOr<std::uint8_t*> place = loan.ok() ? loan->Raw(bytes) : loan.status();
    if (!place.ok()) {
      SetUseError(place.status(), self->process);
      LogFailure(nullptr);
      nanobind::raise_python_error();
    }
    std::memcpy(*place, head.c_str(), head.size());
    auto shared = std::make_shared<std::optional<Loan>>(*std::move(loan));
    self->loans.erase(std::remove_if(self->loans.begin(), self->loans.end(), [](const auto& old) { return old.expired(); }),
                      self->loans.end());
    self->loans.push_back(shared);
    return nanobind::steal(NewLoanBuffer(std::move(shared), self->opened->memory(), *place, bytes));
  }

  /// Publishes a slot from Reserve. False if a reliable ring is full; the message is then dropped.
  static bool Commit(nanobind::handle object, nanobind::handle buffer) {
    Handle* self = Usable(object.ptr());
    SharedLoan* loan = self == nullptr ? nullptr : LoanOf(buffer.ptr());
    if (loan == nullptr) nanobind::raise_python_error();
    if (!(*loan)->has_value()) throw nanobind::value_error("this loan has ended");
    const Sent room = WaitForRoom(*self, self->timeout);
    Sent sent = room;
    if (room == Sent::kYes) {
      const absl::Status status = End::GiveRaw(*self->opened, *std::move(**loan), Codec::kNdarray);
      if (!status.ok()) sent = Fail(*self, status);
    }
    (*loan)->reset();
    const nanobind::object answer = nanobind::steal(Answer(*self, sent, NameOf(Codec::kNdarray), SizeOf(buffer.ptr())));
    if (!answer.is_valid()) nanobind::raise_python_error();
    return answer.ptr() == Py_True;
  }

  /// Gives a slot from Reserve back unpublished.
  static void Abandon(nanobind::handle, nanobind::handle buffer) {
    SharedLoan* loan = LoanOf(buffer.ptr());
    if (loan == nullptr) nanobind::raise_python_error();
    (*loan)->reset();
  }

  static void Close(Handle& self) {
    if (!self.opened) return;
    if (self.in_use > 0) self.close_wanted = true;  // the waiting thread closes within a slice
    else CloseNow(self);
  }

  static Stats StatsOf(const Handle& self) {
    Stats stats = self.opened ? self.opened->stats() : self.last_stats;
    stats.errors += self.refused;
    return stats;
  }

  /// What every sending end's class has.
  static void AddMembers(nanobind::class_<Handle>& python_class) {
    python_class
        .def("__init__", Open, nanobind::arg("name"), nanobind::arg("root"), nanobind::arg("domain"), nanobind::arg("options"),
             nanobind::arg("max_size").none(), nanobind::arg("timeout").none(), nanobind::arg("serializer").none())
        .def("_reserve", Reserve, nanobind::arg("head"), nanobind::arg("bytes"))
        .def("_commit", Commit, nanobind::arg("loan"))
        .def("_abandon", Abandon, nanobind::arg("loan"))
        .def("close", Close, "Leaves the channel. Closing twice is allowed; a loan that is out is abandoned.")
        .def_prop_ro("channel", ChannelOf<Handle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
        .def_prop_ro("closed", [](const Handle& self) { return !self.opened.has_value(); }, "Whether this end was closed.");
  }
};

}  // namespace shmcomm::python
