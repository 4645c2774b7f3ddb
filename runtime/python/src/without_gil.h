// SPDX-License-Identifier: Apache-2.0
// Letting other threads run.
#pragma once

#include <Python.h>
#include <unistd.h>

namespace shmcomm::python {

/// Gives the GIL up while it lives. A daemon thread that wants it back when the interpreter ends is ended by CPython with
/// pthread_exit, which unwinds: through destructors, which must not be left so, and which let Python objects go without the
/// GIL. Such a thread stops here for good instead, as CPython does itself from 3.14 on.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {
      for (;;) pause();
    }
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace shmcomm::python
