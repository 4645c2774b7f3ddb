// SPDX-License-Identifier: Apache-2.0
// The Python classes of endpoints.
#pragma once

#include <nanobind/nanobind.h>

namespace shmcomm::python {

void AddPublisher(nanobind::module_& module);
void AddSubscriber(nanobind::module_& module);
void AddPusher(nanobind::module_& module);
void AddPuller(nanobind::module_& module);
void AddRequester(nanobind::module_& module);
void AddReplier(nanobind::module_& module);
void AddUntypedPublisher(nanobind::module_& module);
void AddUntypedSubscriber(nanobind::module_& module);
void AddUntypedPusher(nanobind::module_& module);
void AddUntypedPuller(nanobind::module_& module);
void AddUntypedRequester(nanobind::module_& module);
void AddUntypedReplier(nanobind::module_& module);

}  // namespace shmcomm::python
