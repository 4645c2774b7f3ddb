// SPDX-License-Identifier: Apache-2.0
// A declared channel as Python hands it to its endpoints.
#pragma once

#include <nanobind/nanobind.h>

#include "schema.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::python {

/// The specification of a channel together with the classes of its messages. Declared once per channel of a generated
/// module; the runtime may look at a specification until the program ends, so it is never freed.
struct DeclaredChannel {
  const ChannelSpec* spec = nullptr;
  Type* type = nullptr;
  nanobind::object sample_class;
  nanobind::object loan_class;
  Type* reply = nullptr;          ///< reqrep alone
  nanobind::object reply_class;
};

void AddChannel(nanobind::module_& module);

}  // namespace shmcomm::python
