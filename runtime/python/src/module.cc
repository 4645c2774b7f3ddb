// SPDX-License-Identifier: Apache-2.0
// The private extension module of the Python package `shmcomm`.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "call.h"
#include "channel.h"
#include "classes.h"
#include "end_log.h"
#include "endpoints.h"
#include "field.h"
#include "job.h"
#include "loan_buffer.h"
#include "notices.h"
#include "record.h"
#include "request.h"
#include "sample.h"
#include "sequence.h"
#include "shmcomm/program.h"
#include "slot_buffer.h"
#include "timeout.h"
#include "typed_loan.h"
#include "untyped_call.h"
#include "untyped_request.h"

namespace nb = nanobind;

NB_MODULE(_core, module) {
  using namespace shmcomm::python;
  // Generated modules keep their classes for the life of the program.
  nb::set_leak_warnings(false);
  PyObject* plain = module.ptr();
  const bool ok = AddRecordType(plain) && AddSampleType(plain) && AddJobType(plain) && AddRequestType(plain) &&
                  AddCallType(plain) && AddFieldType(plain) && AddSequenceType(plain) && AddTypedLoanType(plain) &&
                  AddUntypedCallType(plain) && AddUntypedRequestType(plain) && AddSlotBufferType(plain) && AddLoanBufferType(plain) && AddLog(plain) && AddNotices(plain) && AddTimeout(plain);
  if (!ok) nb::raise_python_error();
  AddSchema(module);
  AddChannel(module);
  AddPublisher(module);
  AddSubscriber(module);
  AddPusher(module);
  AddPuller(module);
  AddRequester(module);
  AddReplier(module);
  AddUntypedPublisher(module);
  AddUntypedSubscriber(module);
  AddUntypedPusher(module);
  AddUntypedPuller(module);
  AddUntypedRequester(module);
  AddUntypedReplier(module);
  module.def("set_program_name", [](const std::string& name) { shmcomm::SetProgramName(name); }, nb::arg("name"));
}
