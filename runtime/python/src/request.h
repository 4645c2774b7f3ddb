// SPDX-License-Identifier: Apache-2.0
// A request taken from a reqrep channel: a record over a copy of its message, which may be kept after it was answered.
#pragma once

#include <Python.h>

#include "endpoint.h"
#include "record.h"
#include "shmcomm/replier.h"

namespace shmcomm::python {

/// Makes `python_class`, a subclass of a generated class and of Request, the class of a channel's requests.
bool BindRequestClass(PyObject* python_class);

/// A Python request. SHMCorruptionError, which its caller is told too, if its message does not make sense.
PyObject* NewRequest(const Opened<Replier>& replier, shmcomm::Request request);

/// Creates the class and adds it to `module`.
bool AddRequestType(PyObject* module);

}  // namespace shmcomm::python
