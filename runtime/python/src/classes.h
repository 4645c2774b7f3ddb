// SPDX-License-Identifier: Apache-2.0
// The Python object Schema: what the package needs to make classes of a schema's types.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "schema.h"

namespace shmcomm::python {

/// Shared with every accessor made from it.
class SchemaHandle {
 public:
  explicit SchemaHandle(const nanobind::bytes& bfbs);

  Schema& schema() { return *schema_; }

 private:
  std::unique_ptr<Schema> schema_;
};

void AddSchema(nanobind::module_& module);

}  // namespace shmcomm::python
