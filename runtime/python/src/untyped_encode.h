// SPDX-License-Identifier: Apache-2.0
// A Python object on its way into a slot. What is encoded are a few bytes of head or tail and the buffers that the object
// brings: the bulk is copied once, from where it is into shared memory. Formats: runtime/doc/message_codecs.md.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "reference.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::python {

/// Data of a message begins at multiples of this.
inline constexpr std::size_t kDataAlignment = 64;

/// Which codec an object takes that is neither bytes nor an array nor of a registered type.
struct Serializer {
  enum class Kind { kPickle, kMsgpack, kNamed };
  Kind kind = Kind::kPickle;
  Reference codec;               ///< kNamed: a tuple of the registry
};

/// False with ValueError: `name` is None (`otherwise`), "pickle", "msgpack" or the name of a registered codec.
bool ParseSerializer(PyObject* name, const Serializer& otherwise, Serializer* serializer);

/// One message, ready to be written. Holds the buffers of the object until it goes.
class Encoded {
 public:
  Encoded() = default;
  Encoded(const Encoded&) = delete;
  Encoded& operator=(const Encoded&) = delete;
  ~Encoded();

  /// False with an exception set: SHMSerializationError with the cause, where the object cannot be encoded.
  bool Encode(const std::string& channel, PyObject* object, const Serializer& serializer);

  Codec codec() const { return codec_; }
  std::size_t bytes() const { return bytes_; }
  /// The whole message where it is one piece of memory that needs no writing; else null.
  const void* plain() const;
  void WriteTo(std::uint8_t* to) const;

 private:
  struct Piece {
    Py_buffer view = {};
    std::size_t at = 0;
    bool is_contiguous = true;
  };

  bool Named(const std::string& channel, PyObject* codec, PyObject* object);
  bool Bytes(PyObject* object);
  bool Array(const std::string& channel, PyObject* array);
  bool Pickle(const std::string& channel, PyObject* object);
  bool Msgpack(const std::string& channel, PyObject* object);
  bool OutOfBand(PyObject* buffers, std::size_t pickle_bytes);

  Piece* Add(PyObject* object, int flags, std::size_t at);
  void PutTail(const void* data, std::size_t bytes);

  Codec codec_ = Codec::kBytes;
  std::size_t bytes_ = 0;
  std::size_t tail_at_ = 0;
  absl::InlinedVector<std::uint8_t, 64> tail_;
  PyObject* head_ = nullptr;              // bytes at the beginning, owned
  absl::InlinedVector<Piece, 1> pieces_;  // reserved before it is filled: a Py_buffer must not move
};

}  // namespace shmcomm::python
