// SPDX-License-Identifier: Apache-2.0
// A message being written in its slot: a record whose fields can be set, sent when its `with` block ends.
#pragma once

#include <Python.h>

#include <memory>

#include "record.h"
#include "sender.h"
#include "values.h"

namespace shmcomm::python {

/// A loan of `sender` with a message in it. Fields given as an int or a tuple of ints (vectors of scalars or structs)
/// are vectors of that shape still to be written; others are built from their values. Scalars can be set later.
PyObject* NewTypedLoan(std::shared_ptr<Sender> sender, Values& values);

/// Makes `python_class`, a subclass of a generated class and of Loan, the class of a channel's loans.
bool BindLoanClass(PyObject* python_class);

/// Whether `holder`, what keeps a record alive, is a loan.
bool IsLoan(PyObject* holder);

/// Sets a field of a record that is part of a loan. False with an exception set.
bool SetLoanField(RecordObject& record, Field& field, PyObject* value);

/// A view of the loan's memory in the shape that was asked for; takes and returns a reference.
PyObject* ShapeLoanView(PyObject* holder, const std::uint8_t* first, PyObject* array);

/// The class; borrowed.
PyTypeObject* LoanType();

/// Creates the class and adds it to `module`.
bool AddTypedLoanType(PyObject* module);

}  // namespace shmcomm::python
