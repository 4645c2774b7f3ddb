// SPDX-License-Identifier: Apache-2.0
// Requests without a schema.
#pragma once

#include <Python.h>

#include <cstdint>
#include <optional>

#include "endpoint.h"
#include "shmcomm/replier.h"
#include "untyped_decode.h"
#include "untyped_encode.h"

namespace shmcomm::python {

struct UntypedReplier : Opened<Replier> {
  std::uint64_t max_size = 0;         ///< of replies
  Serializer serializer;
  std::optional<bool> allow_pickle;   ///< empty: from this user only
  DecodeRules::Views views = DecodeRules::Views::kPrivate;   ///< of the request that is taken next
};

/// A Python request. Null with an exception set if it cannot be decoded; its caller has then been told.
PyObject* NewUntypedRequest(const UntypedReplier& replier, shmcomm::Request request);

/// Creates the class and adds it to `module`.
bool AddUntypedRequestType(PyObject* module);

}  // namespace shmcomm::python
