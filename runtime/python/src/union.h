// SPDX-License-Identifier: Apache-2.0
// Which member of a union a Python value is meant as.
#pragma once

#include <Python.h>

#include "path.h"
#include "schema.h"

namespace shmcomm::python {

/// A member and what is to be stored as it; both null for NONE. `value` is borrowed.
struct Tagged {
  const UnionMember* member = nullptr;
  PyObject* value = nullptr;

  std::int64_t tag() const { return member == nullptr ? 0 : member->tag; }
};

/// An instance of a member's class or a str says itself which member it is: the one named as its class, otherwise the only
/// one of its type; a tuple (tag, value) says it, or a tag that is given beside the value (null if none is). A tag is a member of the union's
/// enum, its number or its name. None is NONE. False with SHMSerializationError.
bool ChooseMember(Schema& schema, Enumeration& enumeration, PyObject* tag, PyObject* value, const Path& path, Tagged* chosen);

}  // namespace shmcomm::python
