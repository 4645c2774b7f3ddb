// SPDX-License-Identifier: Apache-2.0
// The sending end of a channel as messages and loans see it, whatever the pattern.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "channel.h"
#include "endpoint.h"
#include "shmcomm/loan.h"

namespace shmcomm::python {

/// One opened endpoint that sends. Its members are used with the GIL held, except while waiting. Loans share it: their
/// memory stays while anything looks at it.
struct Sender {
  std::string name;                    ///< stays readable after close
  nanobind::object channel;
  Type* type = nullptr;                ///< of what is sent
  PyTypeObject* loan_class = nullptr;
  bool may_wait = false;               ///< for room
  bool takes_timeout = false;          ///< whether a call says how long
  absl::Duration timeout;              ///< how long, where a call does not say
  std::int64_t process = 0;            ///< that opened it
  int in_use = 0;                      ///< calls under way: a value being converted may run Python code that closes the endpoint
  bool is_waiting = false;
  bool close_wanted = false;
  NewsPtr news;                        ///< for a callback
  std::size_t sent_bytes = 0;          ///< of the message sent last
  std::vector<shmcomm::Loan> parked;   ///< dropped while another thread was sending

  virtual ~Sender() = default;
  /// Called before a message is sent within `timeout`. False with an exception set.
  virtual bool Begin(absl::Duration) { return true; }
  virtual absl::StatusOr<shmcomm::Loan> Lend() = 0;
  virtual absl::StatusOr<bool> WaitForRoom(absl::Duration timeout) = 0;
  /// Sends what the loan's builder finished, waiting for room up to `timeout` where the endpoint may wait.
  virtual absl::Status Give(shmcomm::Loan loan, absl::Duration timeout) = 0;
  /// Sends the bytes of a struct in the loan.
  virtual absl::Status GiveStruct(shmcomm::Loan loan, absl::Duration timeout) = 0;
  virtual absl::Status GiveCopy(const void* bytes, std::size_t size, Codec codec, absl::Duration timeout) = 0;
};

/// A Sender over an endpoint of C++.
template <class Endpoint>
struct SenderOver : Sender {
  explicit SenderOver(Endpoint opened) : endpoint(std::move(opened)) {
    name = endpoint.channel();
    process = ProcessNumber();
  }
  ~SenderOver() override { parked.clear(); }  // loans go before what lent them

  absl::StatusOr<shmcomm::Loan> Lend() override { return endpoint.Loan(); }
  auto stats() const { return endpoint.stats(); }

  Endpoint endpoint;
};

/// True for ok; otherwise false with the exception that `status` stands for, unless one is set already.
bool Finish(const Sender& self, const absl::Status& status);

/// Calls `send`, which never waits, until it found room or `timeout` has passed: what was waited for can be taken by somebody
/// else. Its status is of no interest where it set an exception. False with an exception set.
bool Deliver(Sender& self, absl::Duration timeout, absl::FunctionRef<absl::Status()> send);

/// False with SHMError if another thread may be waiting in a send.
bool CheckNotSending(const Sender& self);

/// Sends the message that the arguments of a method give, `name(message, /, *, timeout)` or `name(*, timeout, **fields)`. A
/// field called timeout is the field. False with an exception set.
bool SendArguments(Sender& self, const char* name, PyObject* const* arguments, Py_ssize_t given, PyObject* names);

/// In debug mode, tells the log of the message that was sent. Its handler may use and close the endpoint.
void LogSent(const Sender& self);

/// Sends what a loan holds, a struct or what its builder finished. On any error the message is dropped.
bool SendLoan(Sender& self, shmcomm::Loan loan);

/// loan(**fields).
PyObject* LendMessage(const std::shared_ptr<Sender>& self, PyObject* const* arguments, Py_ssize_t given, PyObject* names);

}  // namespace shmcomm::python
