// SPDX-License-Identifier: Apache-2.0
#include "path.h"

#include "errors.h"

namespace shmcomm::python {

std::string Path::Text() const {
  if (parent == nullptr) return "";
  const std::string above = parent->Text();
  if (key == nullptr) return above + "[" + std::to_string(index) + "]";
  const char* name = PyUnicode_AsUTF8(key);
  if (name == nullptr) PyErr_Clear();
  return (above.empty() ? "" : above + ".") + (name == nullptr ? "?" : name);
}

std::string ShortRepr(PyObject* value) {
  constexpr std::size_t kLongest = 60;
  PyObject* repr = PyObject_Repr(value);
  const char* text = repr == nullptr ? nullptr : PyUnicode_AsUTF8(repr);
  std::string shown = text == nullptr ? std::string("a ") + Py_TYPE(value)->tp_name : text;
  PyErr_Clear();
  Py_XDECREF(repr);
  if (shown.size() <= kLongest) return shown;
  std::size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(shown[cut]) & 0xC0) == 0x80) --cut;  // not inside a character
  return shown.substr(0, cut) + "...";
}

bool Refuse(const Path& path, const std::string& text) {
  const std::string where = path.Text();
  SetError(ErrorKind::kSerialization, "%s%s%s", where.c_str(), where.empty() ? "" : ": ", text.c_str());
  return false;
}

bool Expected(const Path& path, const std::string& what, PyObject* value) {
  if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError)) return false;
  PyErr_Clear();
  return Refuse(path, "expected " + what + ", got " + ShortRepr(value));
}

}  // namespace shmcomm::python
