// SPDX-License-Identifier: Apache-2.0
// Calls without a schema.
#pragma once

#include <Python.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "call.h"
#include "untyped_decode.h"
#include "untyped_encode.h"

namespace shmcomm::python {

struct UntypedRequester final : OpenedRequester {
  using OpenedRequester::OpenedRequester;

  /// The object that was replied.
  PyObject* Read(shmcomm::Sample reply) override;
  RequesterStats stats() const;

  std::uint64_t max_size = 0;
  Serializer serializer;
  std::optional<bool> allow_pickle;   ///< empty: from this user only
  DecodeRules::Views views = DecodeRules::Views::kShared;   ///< of the reply that is read next
  std::uint64_t refused = 0;          ///< requests that did not get as far as the endpoint
};

/// A call that was sent. Forgotten when it is dropped.
PyObject* NewUntypedCall(const std::shared_ptr<UntypedRequester>& requester, CallId call);

/// Creates the class and adds it to `module`.
bool AddUntypedCallType(PyObject* module);

}  // namespace shmcomm::python
