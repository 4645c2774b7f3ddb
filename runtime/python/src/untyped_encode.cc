// SPDX-License-Identifier: Apache-2.0
#include "untyped_encode.h"

#include <cstring>
#include <utility>

#include "array_view.h"
#include "errors.h"
#include "reference.h"
#include "untyped_codecs.h"

namespace shmcomm::python {
namespace {

std::size_t Aligned(std::size_t bytes) { return (bytes + kDataAlignment - 1) / kDataAlignment * kDataAlignment; }

bool IsBytesLike(PyObject* object) {
  return PyBytes_CheckExact(object) || PyByteArray_CheckExact(object) || PyMemoryView_Check(object);
}

bool IsExactArray(PyObject* object) {
  // Subclasses carry more than their elements: masks, units, names of fields.
  return IsArray(object) && std::strcmp(Py_TYPE(object)->tp_name, "numpy.ndarray") == 0;
}

/// Elements in rows of `run` contiguous bytes, copied one after the other.
class StridedCopy {
 public:
  StridedCopy(const Py_buffer& view, std::uint8_t* to) : view_(view), to_(to) {
    run_ = static_cast<std::size_t>(view.itemsize);
    for (outer_ = view.ndim; outer_ > 0 && view.strides[outer_ - 1] == static_cast<Py_ssize_t>(run_); --outer_) {
      run_ *= static_cast<std::size_t>(view.shape[outer_ - 1]);
    }
  }

  void Run() { Dimension(0, static_cast<const char*>(view_.buf)); }

 private:
  void Dimension(int dimension, const char* from) {
    if (dimension == outer_) {
      CopyRun(from);
      return;
    }
    for (Py_ssize_t i = 0; i < view_.shape[dimension]; ++i) {
      Dimension(dimension + 1, from);
      from += view_.strides[dimension];
    }
  }

  // A length that the compiler knows is one load and one store.
  void CopyRun(const char* from) {
    switch (run_) {
      case 1: std::memcpy(to_, from, 1); break;
      case 2: std::memcpy(to_, from, 2); break;
      case 4: std::memcpy(to_, from, 4); break;
      case 8: std::memcpy(to_, from, 8); break;
      default: std::memcpy(to_, from, run_);
    }
    to_ += run_;
  }

  const Py_buffer& view_;
  std::uint8_t* to_;
  std::size_t run_;
  int outer_;
};

const char* TypeName(PyObject* object) { return Py_TYPE(object)->tp_name; }

constexpr const char* kPicklable =
    "plain data and objects of classes that a module has, or a codec of your own (shmcomm.register_codec)";

std::string CannotSend(const std::string& channel, const char* how, PyObject* object) {
  return channel + ": cannot " + how + " the " + TypeName(object) + " to send";
}

}  // namespace

bool ParseSerializer(PyObject* name, const Serializer& otherwise, Serializer* serializer) {
  *serializer = otherwise;
  if (name == nullptr || name == Py_None) return true;
  const CodecFunctions* codecs = Codecs();
  if (codecs == nullptr) return false;
  if (PyUnicode_Check(name)) {
    *serializer = {};
    if (PyUnicode_CompareWithASCIIString(name, "pickle") == 0) return true;
    serializer->kind = Serializer::Kind::kMsgpack;
    if (PyUnicode_CompareWithASCIIString(name, "msgpack") == 0) return true;
    serializer->kind = Serializer::Kind::kNamed;
    serializer->codec = Reference(Py_XNewRef(PyDict_GetItemWithError(codecs->by_name, name)));
    if (serializer->codec) return true;
    if (PyErr_Occurred()) return false;
  }
  PyErr_Format(PyExc_ValueError,
               "serializer is \"pickle\", \"msgpack\" or the name of a codec given to shmcomm.register_codec, not %R", name);
  return false;
}

Encoded::~Encoded() {
  for (Piece& piece : pieces_) PyBuffer_Release(&piece.view);
  Py_XDECREF(head_);
}

bool Encoded::Encode(const std::string& channel, PyObject* object, const Serializer& serializer) {
  const CodecFunctions* codecs = Codecs();
  if (codecs == nullptr) return false;
  if (PyDict_GET_SIZE(codecs->by_type) > 0) {
    auto* type = reinterpret_cast<PyObject*>(Py_TYPE(object));
    const Reference codec(Py_XNewRef(PyDict_GetItemWithError(codecs->by_type, type)));
    if (codec) return Named(channel, codec.get(), object);
    if (PyErr_Occurred()) return false;
  }
  if (serializer.kind == Serializer::Kind::kNamed) return Named(channel, serializer.codec.get(), object);
  if (IsBytesLike(object)) return Bytes(object);
  if (IsExactArray(object)) return Array(channel, object);
  return serializer.kind == Serializer::Kind::kMsgpack ? Msgpack(channel, object) : Pickle(channel, object);
}

Encoded::Piece* Encoded::Add(PyObject* object, int flags, std::size_t at) {
  Piece& piece = pieces_.emplace_back();
  piece.at = at;
  if (PyObject_GetBuffer(object, &piece.view, flags) == 0) return &piece;
  pieces_.pop_back();
  return nullptr;
}

void Encoded::PutTail(const void* data, std::size_t bytes) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  tail_.insert(tail_.end(), from, from + bytes);
}

bool Encoded::Bytes(PyObject* object) {
  codec_ = Codec::kBytes;
  pieces_.reserve(1);
  const int flags = PyMemoryView_Check(object) ? PyBUF_FULL_RO : PyBUF_SIMPLE;
  Piece* piece = Add(object, flags, 0);
  if (piece == nullptr) return false;
  piece->is_contiguous = PyBuffer_IsContiguous(&piece->view, 'C') != 0;
  bytes_ = static_cast<std::size_t>(piece->view.len);
  return true;
}

bool Encoded::Array(const std::string& channel, PyObject* array) {
  pieces_.reserve(1);
  const Reference dtype(PyObject_GetAttrString(array, "dtype"));
  const Reference shape(PyObject_GetAttrString(array, "shape"));
  if (!dtype || !shape) return false;
  Piece* piece = Add(array, PyBUF_STRIDES, 0);
  if (piece == nullptr) {  // a dtype without a buffer
    PyErr_Clear();
    return Pickle(channel, array);
  }
  const bool is_c = PyBuffer_IsContiguous(&piece->view, 'C') != 0;
  const bool is_fortran = !is_c && PyBuffer_IsContiguous(&piece->view, 'F') != 0;
  Reference head(Call(Codecs()->array_header, {dtype.get(), shape.get(), is_fortran ? Py_True : Py_False}));
  if (!head) return false;
  if (head.get() == Py_None) {  // Python objects, or fields that a .npy file cannot describe
    PyBuffer_Release(&piece->view);
    pieces_.clear();
    return Pickle(channel, array);
  }
  codec_ = Codec::kNdarray;
  piece->is_contiguous = is_c || is_fortran;
  piece->at = static_cast<std::size_t>(PyBytes_GET_SIZE(head.get()));
  bytes_ = Aligned(piece->at + static_cast<std::size_t>(piece->view.len));
  head_ = head.Release();
  return true;
}

bool Encoded::Pickle(const std::string& channel, PyObject* object) {
  static PyObject* const names = Py_BuildValue("(ss)", "protocol", "buffer_callback");
  static PyObject* const protocol = PyLong_FromLong(5);
  const Reference buffers(PyList_New(0));
  const Reference append(buffers ? PyObject_GetAttrString(buffers.get(), "append") : nullptr);
  if (!append) return false;
  PyObject* arguments[] = {object, protocol, append.get()};
  head_ = PyObject_Vectorcall(Codecs()->dumps, arguments, 1, names);
  if (head_ == nullptr) {
    WrapAsSerializationError(CannotSend(channel, "pickle", object), kPicklable);
    return false;
  }
  codec_ = Codec::kPickle;
  if (OutOfBand(buffers.get(), static_cast<std::size_t>(PyBytes_GET_SIZE(head_)))) return true;
  WrapAsSerializationError(CannotSend(channel, "take the buffers of", object), "copies of what it holds, in one piece each");
  return false;
}

/// The buffers follow the pickle; where they are, how long it is and how many they are stands at the end.
bool Encoded::OutOfBand(PyObject* buffers, std::size_t pickle_bytes) {
  const auto count = static_cast<std::uint32_t>(PyList_GET_SIZE(buffers));
  pieces_.reserve(count);
  std::size_t end = pickle_bytes;
  for (std::uint32_t i = 0; i < count; ++i) {
    Piece* piece = Add(PyList_GET_ITEM(buffers, i), PyBUF_ANY_CONTIGUOUS, Aligned(end));
    if (piece == nullptr) return false;
    const std::uint64_t place[] = {piece->at, static_cast<std::uint64_t>(piece->view.len)};
    PutTail(place, sizeof(place));
    end = piece->at + static_cast<std::size_t>(piece->view.len);
  }
  const std::uint32_t last[] = {static_cast<std::uint32_t>(pickle_bytes), count};
  PutTail(last, sizeof(last));
  // The message ends on a 64-byte line: its buffers are aligned where its length is a multiple of that.
  bytes_ = count == 0 ? end + tail_.size() : Aligned(end + tail_.size());
  tail_at_ = bytes_ - tail_.size();
  return true;
}

bool Encoded::Msgpack(const std::string& channel, PyObject* object) {
  head_ = Call(Codecs()->pack, {object});
  if (head_ == nullptr) {
    WrapAsSerializationError(CannotSend(channel, "pack (msgpack)", object),
                             "values that msgpack knows, serializer=\"pickle\", or a codec of your own (shmcomm.register_codec)");
    return false;
  }
  codec_ = Codec::kMsgpack;
  bytes_ = static_cast<std::size_t>(PyBytes_GET_SIZE(head_));
  return true;
}

bool Encoded::Named(const std::string& channel, PyObject* codec, PyObject* object) {
  const Reference encoded(Call(PyTuple_GET_ITEM(codec, 1), {object}));
  pieces_.reserve(1);
  Piece* piece = encoded ? Add(encoded.get(), PyBUF_SIMPLE, 0) : nullptr;
  Py_ssize_t name_bytes = 0;
  const char* name = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(codec, 0), &name_bytes);
  if (piece == nullptr || name == nullptr) {
    WrapAsSerializationError(CannotSend(channel, "encode", object), "mend what was given to shmcomm.register_codec, or send otherwise");
    return false;
  }
  codec_ = Codec::kNamed;
  const auto length = static_cast<std::uint32_t>(name_bytes);
  PutTail(name, length);
  PutTail(&length, sizeof(length));
  tail_at_ = static_cast<std::size_t>(piece->view.len);
  bytes_ = tail_at_ + tail_.size();
  return true;
}

const void* Encoded::plain() const {
  if (!tail_.empty()) return nullptr;
  if (head_ != nullptr) return pieces_.empty() ? PyBytes_AS_STRING(head_) : nullptr;
  static constexpr char kNothing = 0;
  if (!pieces_.front().is_contiguous) return nullptr;
  return pieces_.front().view.buf == nullptr ? &kNothing : pieces_.front().view.buf;
}

void Encoded::WriteTo(std::uint8_t* to) const {
  std::size_t end = 0;
  // What lies between the pieces would be left of earlier messages.
  const auto reach = [&](std::size_t at) {
    std::memset(to + end, 0, at - end);
    end = at;
  };
  if (head_ != nullptr) {
    end = static_cast<std::size_t>(PyBytes_GET_SIZE(head_));
    std::memcpy(to, PyBytes_AS_STRING(head_), end);
  }
  for (const Piece& piece : pieces_) {
    reach(piece.at);
    if (piece.view.len == 0) continue;
    if (piece.is_contiguous) {
      std::memcpy(to + end, piece.view.buf, static_cast<std::size_t>(piece.view.len));
    } else {
      StridedCopy(piece.view, to + end).Run();
    }
    end += static_cast<std::size_t>(piece.view.len);
  }
  reach(tail_.empty() ? bytes_ : tail_at_);
  if (!tail_.empty()) std::memcpy(to + end, tail_.data(), tail_.size());
}

}  // namespace shmcomm::python
