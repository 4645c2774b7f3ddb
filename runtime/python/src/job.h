// SPDX-License-Identifier: Apache-2.0
// A job taken from a pushpull channel: a record whose claim is held by a slot of its own, so that it can be ended while the
// job's Python object lives on, and is not ended while any view of the message does.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string>

#include "record.h"
#include "shmcomm/puller.h"

namespace shmcomm::python {

/// Makes `python_class`, a subclass of a generated class and of Job, the class of a channel's jobs.
bool BindJobClass(PyObject* python_class);

/// A Python job, taken by `process`, which is this one. SHMCorruptionError, and the job is acknowledged, if its message does not
/// make sense.
PyObject* NewJob(const std::string& channel, std::int64_t process, PyTypeObject* python_class, const Type& type, shmcomm::Job job);

/// Creates the classes and adds them to `module`.
bool AddJobType(PyObject* module);

}  // namespace shmcomm::python
