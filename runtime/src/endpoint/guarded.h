// SPDX-License-Identifier: Apache-2.0
// What the handles put around the cores: no exception leaves the library.
#pragma once

#include <new>

#include "endpoint/messages.h"

namespace shmcomm::endpoint {

/// What `operation` returns; that memory ran out in it is an error as any other.
template <class Operation>
auto Guarded(Operation&& operation) -> decltype(operation()) {
  try {
    return operation();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

}  // namespace shmcomm::endpoint
