// SPDX-License-Identifier: Apache-2.0
// What the runtime says (shmcomm/log.h), such as a missed deadline without a callback, on its way to the logger `shmcomm`.
#pragma once

#include <Python.h>

#include <atomic>

namespace shmcomm::python {

/// One that waits to be told.
struct Notice;
extern std::atomic<Notice*> waiting_notices;

void TellWaitingNotices();

/// Logs what the runtime said meanwhile, of any endpoint. Called with the GIL once the runtime has returned. Handlers of the
/// log may use and close the endpoint. An exception that is set stays.
inline void TellNotices() {
  if (waiting_notices.load(std::memory_order_relaxed) != nullptr) TellWaitingNotices();
}

/// Makes the runtime say things to Python.
bool AddNotices(PyObject* module);

}  // namespace shmcomm::python
