// SPDX-License-Identifier: Apache-2.0
// What the Python classes of receiving ends have in common. Each is described by its `End`, a struct of:
//   Endpoint, Stats, Message      types of C++; Endpoint has TryTake, Take, Wait and fd
//   Opened                        Opened<Endpoint>, or more than that
//   kName                         "subscriber", for errors
//   kWanted, kSender              "message" and who sends it, "publisher"; for errors
//   static PyObject* New(Opened& self, Message taken)
//   static void Refuse(Message taken)   which nobody gets, because the endpoint was closed meanwhile
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "end_log.h"
#include "endpoint.h"
#include "reference.h"
#include "timeout.h"
#include "waits.h"

namespace shmcomm::python {

/// In debug mode, tells the log of a message that was taken; `self` may be gone afterwards.
template <class Endpoint>
void LogReceived(const Opened<Endpoint>& self, std::uint64_t bytes) {
  if (is_debugging) LogMessage("received", self.name, self.type->name.c_str(), bytes);
}

template <class End>
class Receiver {
 public:
  using Endpoint = typename End::Endpoint;
  using Message = typename End::Message;
  using OpenedEnd = typename End::Opened;

  /// The Python object; empty once closed.
  struct Handle {
    std::optional<OpenedEnd> opened;
    std::string name;
    typename End::Stats last_stats;

    typename End::Stats stats() const { return opened ? opened->stats() : last_stats; }
  };

  static void Construct(Handle* self, Endpoint endpoint, nanobind::handle_t<DeclaredChannel> channel) {
    const DeclaredChannel& declared = *nanobind::inst_ptr<DeclaredChannel>(channel);
    auto* sample_class = reinterpret_cast<PyTypeObject*>(declared.sample_class.ptr());
    new (self) Handle{};
    self->name = endpoint.channel();
    self->opened.emplace(OpenedEnd{std::move(endpoint), self->name, nanobind::borrow(channel), declared.type, sample_class,
                                   ProcessNumber(), declared.reply});
  }

  /// The end of a method's `self`, null with an exception set if it cannot be used now.
  static OpenedEnd* Usable(PyObject* object) {
    if (!nanobind::inst_ready(object)) return RefuseClosed(End::kName), nullptr;
    Handle& handle = *nanobind::inst_ptr<Handle>(object);
    if (!handle.opened) return RefuseClosed(handle.name), nullptr;
    if (handle.opened->state->in_use == 0) {
      handle.opened->state->dropped.clear();
      return &*handle.opened;
    }
    SetError(ErrorKind::kBase, "%s: another thread is waiting on this %s; give each thread its own", handle.name.c_str(),
             End::kName);
    return nullptr;
  }

  static PyObject* Fail(const OpenedEnd& self, const absl::Status& status) {
    SetUseError(status, self.process);
    return nullptr;
  }

  /// What was there already, or `otherwise`, a borrowed reference; then tells what was noticed on the way, after which `self`
  /// may be gone. Null with an exception set.
  static PyObject* TakeOr(OpenedEnd& self, absl::StatusOr<std::optional<Message>> taken, PyObject* otherwise) {
    const NewsPtr news = self.news;
    const bool is_there = taken.ok() && taken->has_value();
    if (!taken.ok()) return Fail(self, taken.status());
    PyObject* answer = is_there ? End::New(self, **std::move(taken)) : Py_NewRef(otherwise);
    if (answer != nullptr) TellNews(news);
    return answer;
  }

  /// RepeatWait, during which nobody else may use the end; a close() meanwhile is carried out at the end. After -1 `self`
  /// may be gone.
  template <class Wait>
  static int WaitInSlices(PyObject* object, OpenedEnd& self, absl::Duration timeout, Wait&& wait) {
    int waited = 0;
    const std::shared_ptr<InUseState> state = self.state;
    const NewsPtr news = self.news;
    const auto after_slice = [&] {
      state->dropped.clear();
      TellNews(news);
    };
    {
      const InUse mark(state->in_use);
      waited = RepeatWait(state->close_wanted, timeout, std::forward<Wait>(wait), after_slice);
    }
    if (!state->close_wanted) return waited;
    Handle& handle = *nanobind::inst_ptr<Handle>(object);
    CloseNow(handle);
    if (!PyErr_Occurred()) RefuseClosed(handle.name);
    return -1;
  }

  /// recv(timeout)
  static PyObject* Receive(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
    absl::Duration timeout = absl::InfiniteDuration();
    return TimeoutArgument("recv", arguments, given, names, &timeout) ? Take(object, timeout) : nullptr;
  }

  /// try_recv()
  static PyObject* TryReceive(PyObject* object, PyObject*) {
    OpenedEnd* self = Usable(object);
    return self == nullptr ? nullptr : TakeOr(*self, self->endpoint.TryTake(), Py_None);
  }

  /// poll(timeout)
  static PyObject* Poll(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
    absl::Duration timeout = absl::ZeroDuration();
    OpenedEnd* self = Usable(object);
    if (self == nullptr || !TimeoutArgument("poll", arguments, given, names, &timeout)) return nullptr;
    const NewsPtr news = self->news;
    absl::StatusOr<bool> ready = self->endpoint.Wait(absl::ZeroDuration());
    if (ready.ok() && !*ready) {
      const int waited = WaitInSlices(object, *self, timeout, [&](absl::Duration slice) {
        ready = self->endpoint.Wait(slice);
        return !ready.ok() || *ready;
      });
      if (waited < 0) return nullptr;
    }
    if (!ready.ok()) return Fail(*self, ready.status());
    TellNews(news);
    return PyBool_FromLong(*ready);
  }

  /// fileno()
  static PyObject* Descriptor(PyObject* object, PyObject*) {
    OpenedEnd* self = Usable(object);
    if (self == nullptr) return nullptr;
    const absl::StatusOr<int> descriptor = self->endpoint.fd();
    return descriptor.ok() ? PyLong_FromLong(*descriptor) : Fail(*self, descriptor.status());
  }

  /// The next message, waited for. Null with an exception set.
  static PyObject* Take(PyObject* object, absl::Duration timeout) {
    OpenedEnd* self = Usable(object);
    if (self == nullptr) return nullptr;
    absl::StatusOr<std::optional<Message>> taken = self->endpoint.TryTake();
    const bool is_there = taken.ok() && taken->has_value();
    Reference answer(TakeOr(*self, std::move(taken), Py_None));
    if (!answer || is_there) return answer.Release();
    self = Usable(object);  // a callback may have closed it
    return self == nullptr ? nullptr : TakeWaiting(object, *self, timeout);
  }

  static PyObject* Iterate(PyObject* object) { return Py_NewRef(object); }

  /// Waits for ever; a closed end ends the iteration.
  static PyObject* Next(PyObject* object) {
    const bool is_ready = nanobind::inst_ready(object);
    if (is_ready && !nanobind::inst_ptr<Handle>(object)->opened) return nullptr;
    PyObject* taken = Take(object, absl::InfiniteDuration());
    const bool was_closed = taken == nullptr && is_ready && !nanobind::inst_ptr<Handle>(object)->opened;
    if (was_closed && PyErr_ExceptionMatches(ErrorClass(ErrorKind::kConnection))) PyErr_Clear();
    return LogFailure(taken);
  }

  /// close(). A wait in another thread ends within a slice.
  static void Close(Handle& self) {
    if (!self.opened) return;
    if (self.opened->state->in_use > 0) self.opened->state->close_wanted = true;
    else CloseNow(self);
  }

 private:
  static void CloseNow(Handle& self) {
    self.opened->BeforeClose();
    self.last_stats = self.opened->stats();
    self.opened.reset();
  }

  static PyObject* TakeWaiting(PyObject* object, OpenedEnd& self, absl::Duration timeout) {
    absl::StatusOr<Message> taken = absl::DeadlineExceededError("");
    const int waited = WaitInSlices(object, self, timeout, [&](absl::Duration slice) {
      taken = self.endpoint.Take(slice);
      return !absl::IsDeadlineExceeded(taken.status());
    });
    if (waited < 0) {
      if (taken.ok()) End::Refuse(*std::move(taken));  // closed just then
      return nullptr;
    }
    if (waited == 0) {
      return NothingCame(self.name, End::kWanted, End::kSender, timeout);
    }
    return taken.ok() ? End::New(self, *std::move(taken)) : Fail(self, taken.status());
  }
};

}  // namespace shmcomm::python
