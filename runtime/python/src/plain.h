// SPDX-License-Identifier: Apache-2.0
// Messages as plain Python values that no longer look at shared memory: to_dict(), ==, repr().
#pragma once

#include <Python.h>

#include "record.h"

namespace shmcomm::python {

/// The record as a dict: nested records as dicts, vectors and arrays as lists, those of ubyte as bytes, absent references
/// as None. SHMCorruptionError if the message does not make sense or is nested deeper than any builder allows.
PyObject* ToDict(RecordObject& record);

/// `robot.Vec3(x=1.0, y=2.0, z=3.0)`, long vectors shortened.
PyObject* ToText(RecordObject& record);

}  // namespace shmcomm::python
