// SPDX-License-Identifier: Apache-2.0
#include "end_log.h"

#include "clock.h"
#include "errors.h"
#include "reference.h"

namespace shmcomm::python {

bool is_debugging = false;

namespace {

/// Calls log.py's `function`; whatever goes wrong there must not change what the endpoint does.
void CallLog(const char* function, PyObject* arguments) {
  const Reference given(arguments);
  const Reference module(given ? PyImport_ImportModule("shmcomm.log") : nullptr);
  const Reference callable(module ? PyObject_GetAttrString(module.get(), function) : nullptr);
  const Reference done(callable ? PyObject_CallObject(callable.get(), given.get()) : nullptr);
  if (!done) PyErr_Clear();
}

/// Takes the exception that is set, if any, out of the way.
class ExceptionAside {
 public:
  ExceptionAside() { PyErr_Fetch(&type_, &value_, &trace_); }
  ~ExceptionAside() { PyErr_Restore(type_, value_, trace_); }
  ExceptionAside(const ExceptionAside&) = delete;
  ExceptionAside& operator=(const ExceptionAside&) = delete;

  PyObject* value() {
    PyErr_NormalizeException(&type_, &value_, &trace_);
    return value_;
  }

 private:
  PyObject *type_ = nullptr, *value_ = nullptr, *trace_ = nullptr;
};

PyObject* SetDebug(PyObject*, PyObject* value) {
  const int is_true = PyObject_IsTrue(value);
  if (is_true < 0) return nullptr;
  is_debugging = is_true == 1;
  return Py_NewRef(Py_None);
}

PyMethodDef set_debug = {"set_debug", SetDebug, METH_O, "set_debug(on, /)\n--\n\nWhether every message is logged."};

}  // namespace

void LogMessage(const char* what, const std::string& channel, const char* codec, std::uint64_t bytes) {
  const ExceptionAside aside;
  CallLog("message", Py_BuildValue("(sssK)", what, channel.c_str(), codec, static_cast<unsigned long long>(bytes)));
}

void LogNotice(int level, const std::string& text) {
  const ExceptionAside aside;
  CallLog("notice", Py_BuildValue("(is)", level, text.c_str()));
}

PyObject* LogFailure(PyObject* result) {
  if (result != nullptr || !PyErr_Occurred()) return result;
  ExceptionAside aside;  // before classes are imported
  const auto is = [&](ErrorKind kind) { return PyErr_GivenExceptionMatches(aside.value(), ErrorClass(kind)) != 0; };
  const bool is_answer = is(ErrorKind::kTimeout) || is(ErrorKind::kReply);
  if (is(ErrorKind::kBase) && !is_answer) CallLog("failure", Py_BuildValue("(O)", aside.value()));
  return nullptr;
}

void Warning::Log(const char* function, const std::string& channel, std::uint64_t first, std::uint64_t second) {
  const absl::Duration now = MonotonicNow();
  if (now < next_) return;
  next_ = now + absl::Seconds(1);
  const ExceptionAside aside;
  CallLog(function, Py_BuildValue("(sKK)", channel.c_str(), static_cast<unsigned long long>(first),
                                  static_cast<unsigned long long>(second)));
}

bool AddLog(PyObject* module) {
  const Reference function(PyCFunction_New(&set_debug, nullptr));
  return function && PyModule_AddObjectRef(module, "set_debug", function.get()) == 0;
}

}  // namespace shmcomm::python
