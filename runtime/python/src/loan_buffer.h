// SPDX-License-Identifier: Apache-2.0
// A slot on loan as a writable Python buffer.
#pragma once

#include <Python.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "shmcomm/loan.h"

namespace shmcomm::python {

/// The loan itself, shared between the buffer and its publisher, who takes it away when it closes first.
using SharedLoan = std::shared_ptr<std::optional<shmcomm::Loan>>;

/// A writable buffer over `bytes` bytes of the slot. `memory` keeps them mapped for views that outlive the loan.
PyObject* NewLoanBuffer(SharedLoan loan, std::shared_ptr<const void> memory, std::uint8_t* data, std::size_t bytes);

/// The loan of such a buffer; null with TypeError if `object` is something else.
SharedLoan* LoanOf(PyObject* object);

/// Bytes of such a buffer.
std::size_t SizeOf(PyObject* buffer);

/// Creates the class and adds it to `module`.
bool AddLoanBufferType(PyObject* module);

}  // namespace shmcomm::python
