// SPDX-License-Identifier: Apache-2.0
#include "untyped_decode.h"

#include <cstring>
#include <utility>

#include "errors.h"
#include "reference.h"
#include "region.h"
#include "slot_buffer.h"
#include "untyped_codecs.h"

namespace shmcomm::python {
namespace {

using Views = DecodeRules::Views;

// A message up to this size is copied when it is taken: that costs less than keeping its slot borrowed.
constexpr std::size_t kSmallBytes = 1024;

// Of a pickle's tail: its length and the number of buffers; before that, where each buffer is and its length.
constexpr std::size_t kPickleTailBytes = 8;
constexpr std::size_t kBufferPlaceBytes = 16;

struct Message {
  Region region;
  Codec codec;
  std::uint64_t sequence;
};

PyObject* Corrupt(const Message& message, const DecodeRules& rules) {
  SetError(ErrorKind::kCorruption, "%s: message %llu of %llu bytes is no %s; it was dropped: go on, and see what else writes there", rules.channel.c_str(),
           static_cast<unsigned long long>(message.sequence), static_cast<unsigned long long>(message.region.size),
           NameOf(message.codec));
  return nullptr;
}

void FailToDecode(const Message& message, const DecodeRules& rules) {
  WrapAsSerializationError(
      rules.channel + ": cannot decode message " + std::to_string(message.sequence) + " (" + NameOf(message.codec) + ")",
      "let this program import and know what the sender's does; or go on with the next message");
}

PyObject* CopiedBytes(const Region& region, std::size_t from, std::size_t bytes) {
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(region.base + from), static_cast<Py_ssize_t>(bytes));
}

/// A memoryview of `bytes` bytes of the buffer.
PyObject* Slice(PyObject* buffer, std::size_t from, std::size_t bytes) {
  const Reference view(PyMemoryView_FromObject(buffer));
  return view ? PySequence_GetSlice(view.get(), static_cast<Py_ssize_t>(from), static_cast<Py_ssize_t>(from + bytes))
              : nullptr;
}

struct PickleTail {
  std::uint32_t pickle_bytes = 0;
  std::uint32_t buffers = 0;
  std::size_t places_at = 0;
};

/// False where the tail does not fit the message.
bool ReadTail(const Region& region, PickleTail* tail) {
  if (region.size < kPickleTailBytes) return false;
  const std::size_t at = region.size - kPickleTailBytes;
  if (!region.Load(at, &tail->pickle_bytes) || !region.Load(at + 4, &tail->buffers)) return false;
  const std::uint64_t places = std::uint64_t{tail->buffers} * kBufferPlaceBytes;
  if (places > at || tail->pickle_bytes > at - places) return false;
  tail->places_at = at - places;
  return true;
}

/// The buffers of a pickle, as memoryviews of `holder`.
PyObject* BuffersOf(const Region& region, const PickleTail& tail, PyObject* holder) {
  Reference list(PyList_New(0));
  for (std::uint32_t i = 0; list && i < tail.buffers; ++i) {
    std::uint64_t at = 0, bytes = 0;
    const std::size_t place = tail.places_at + i * kBufferPlaceBytes;
    if (!region.Load(place, &at) || !region.Load(place + 8, &bytes) || !region.Holds(at, bytes)) return nullptr;
    const Reference view(Slice(holder, at, bytes));
    if (!view || PyList_Append(list.get(), view.get()) != 0) return nullptr;
  }
  return list.Release();
}

/// `holder` is a buffer over the region. A pickle in a slot is read from a copy, because its decoder reads what it checked
/// a second time; its buffers are views. What follows a pickle does not disturb its decoder.
PyObject* DecodePickle(const Message& message, const DecodeRules& rules, PyObject* holder) {
  static PyObject* const names = Py_BuildValue("(s)", "buffers");
  PickleTail tail;
  if (!ReadTail(message.region, &tail)) return Corrupt(message, rules);
  const Reference buffers(BuffersOf(message.region, tail, holder));
  if (!buffers) return PyErr_Occurred() ? nullptr : Corrupt(message, rules);
  const bool is_private = PyBytes_CheckExact(holder) || PyByteArray_CheckExact(holder);
  const Reference pickle(is_private ? Py_NewRef(holder) : CopiedBytes(message.region, 0, tail.pickle_bytes));
  if (!pickle) return nullptr;
  PyObject* arguments[] = {pickle.get(), buffers.get()};
  PyObject* object = PyObject_Vectorcall(Codecs()->loads, arguments, 1, names);
  if (object == nullptr) FailToDecode(message, rules);
  return object;
}

PyObject* RefusePickle(const Message& message, const DecodeRules& rules) {
  SetError(ErrorKind::kSerialization,
           "%s: message %llu is a pickle, which could run any program, and it was not sent by this user; allow_pickle=True "
           "decodes it all the same",
           rules.channel.c_str(), static_cast<unsigned long long>(message.sequence));
  return nullptr;
}

PyObject* DecodeMsgpack(const Message& message, const DecodeRules& rules) {
  const Reference packed(CopiedBytes(message.region, 0, message.region.size));
  if (!packed) return nullptr;
  PyObject* object = Call(Codecs()->unpack, {packed.get()});
  if (object == nullptr) FailToDecode(message, rules);
  return object;
}

/// Bytes of the head of a .npy file; 0 where there is none.
std::size_t ArrayHeadBytes(const Region& region) {
  constexpr char kMagic[] = "\x93NUMPY";
  char magic[6];
  std::uint8_t major = 0;
  if (!region.Holds(0, 12)) return 0;
  std::memcpy(magic, region.base, sizeof(magic));
  if (std::memcmp(magic, kMagic, sizeof(magic)) != 0 || !region.Load(6, &major)) return 0;
  std::uint16_t short_length = 0;
  std::uint32_t length = 0;
  if (major == 1 && region.Load(8, &short_length)) return std::size_t{10} + short_length;
  return region.Load(8, &length) ? std::size_t{12} + length : 0;
}

PyObject* ArrayClass() {
  static PyObject* found = nullptr;
  if (found != nullptr) return found;
  const Reference numpy(PyImport_ImportModule("numpy"));
  if (numpy) found = PyObject_GetAttrString(numpy.get(), "ndarray");
  return found;
}

PyObject* DecodeArray(const Message& message, const DecodeRules& rules, PyObject* holder) {
  const std::size_t head_bytes = ArrayHeadBytes(message.region);
  if (head_bytes == 0 || head_bytes > message.region.size) return Corrupt(message, rules);
  const Reference head(CopiedBytes(message.region, 0, head_bytes));
  if (!head || ArrayClass() == nullptr) return nullptr;
  const Reference parsed(Call(Codecs()->parse_array_header, {head.get()}));
  if (!parsed) {
    FailToDecode(message, rules);
    return nullptr;
  }
  PyObject* const* fields = &PyTuple_GET_ITEM(parsed.get(), 0);  // dtype, shape, order, where the data begins, its bytes
  const unsigned long long bytes = PyLong_AsUnsignedLongLong(fields[4]);
  if (PyErr_Occurred()) PyErr_Clear();  // more than 2^64: more than there are
  if (!message.region.Holds(head_bytes, bytes)) return Corrupt(message, rules);
  return Call(ArrayClass(), {fields[1], fields[0], holder, fields[3], Py_None, fields[2]});
}

PyObject* UnknownCodec(const Message& message, const DecodeRules& rules, PyObject* name) {
  SetError(ErrorKind::kSerialization, "%s: message %llu is encoded with codec %R, which this program does not know; %s",
           rules.channel.c_str(), static_cast<unsigned long long>(message.sequence), name,
           "give it to shmcomm.register_codec before receiving");
  return nullptr;
}

PyObject* DecodeNamed(const Message& message, const DecodeRules& rules, PyObject* holder) {
  std::uint32_t name_bytes = 0;
  const Region& region = message.region;
  if (region.size < 4 || !region.Load(region.size - 4, &name_bytes) || name_bytes > region.size - 4) {
    return Corrupt(message, rules);
  }
  const std::size_t payload = region.size - 4 - name_bytes;
  const Reference name(PyUnicode_DecodeUTF8(reinterpret_cast<const char*>(region.base + payload), name_bytes, "replace"));
  if (!name) return nullptr;
  PyObject* codec = PyDict_GetItemWithError(Codecs()->by_name, name.get());
  if (codec == nullptr) return PyErr_Occurred() ? nullptr : UnknownCodec(message, rules, name.get());
  const Reference view(Slice(holder, 0, payload));
  if (!view) return nullptr;
  const Reference known(Py_NewRef(codec));  // decoding may register another
  PyObject* object = Call(PyTuple_GET_ITEM(codec, 2), {view.get()});
  if (object == nullptr) FailToDecode(message, rules);
  return object;
}

PyObject* DecodeBytes(const DecodeRules& rules, PyObject* holder) {
  if (rules.views != Views::kOwned) return PyMemoryView_FromObject(holder);
  return PyBytes_FromObject(holder);
}

PyObject* DecodeIn(const Message& message, const DecodeRules& rules, PyObject* holder) {
  switch (message.codec) {
    case Codec::kBytes: return DecodeBytes(rules, holder);
    case Codec::kNdarray: return DecodeArray(message, rules, holder);
    case Codec::kPickle: return DecodePickle(message, rules, holder);
    case Codec::kMsgpack: return DecodeMsgpack(message, rules);
    case Codec::kNamed: return DecodeNamed(message, rules, holder);
    default: break;
  }
  const Reference number(PyLong_FromUnsignedLong(static_cast<unsigned long>(message.codec)));
  return number ? UnknownCodec(message, rules, number.get()) : nullptr;
}

bool MayDecode(const Message& message, const DecodeRules& rules) {
  if (Codecs() == nullptr) return false;
  return message.codec != Codec::kPickle || rules.may_unpickle || RefusePickle(message, rules) != nullptr;
}

/// A private copy of the message: bytes, or writable where objects of their own are wanted.
PyObject* CopyOf(const Region& region, Codec codec, Views views) {
  if (views == Views::kOwned && codec != Codec::kBytes) {
    return PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(region.base), static_cast<Py_ssize_t>(region.size));
  }
  return CopiedBytes(region, 0, region.size);
}

const std::uint8_t* StartOf(PyObject* copy) {
  const char* start = PyBytes_Check(copy) ? PyBytes_AS_STRING(copy) : PyByteArray_AS_STRING(copy);
  return reinterpret_cast<const std::uint8_t*>(start);
}

/// Whether views of the message would be views of its slot.
bool IsWorthBorrowing(const Message& message, Views views) {
  if (views != Views::kShared || message.region.size <= kSmallBytes || message.codec == Codec::kMsgpack) return false;
  PickleTail tail;
  return message.codec != Codec::kPickle || !ReadTail(message.region, &tail) || tail.buffers > 0;
}

}  // namespace

bool ParseCopy(PyObject* value, Views otherwise, Views* views) {
  const int is_copy = value == nullptr ? 0 : PyObject_IsTrue(value);
  *views = is_copy == 1 ? Views::kOwned : otherwise;
  return is_copy >= 0;
}

PyObject* DecodeSample(shmcomm::Sample sample, const DecodeRules& rules) {
  const Message message{{sample.data(), sample.size()}, sample.codec(), sample.sequence()};
  if (!IsWorthBorrowing(message, rules.views)) {
    return DecodeCopy(sample.data(), sample.size(), sample.codec(), sample.sequence(), rules);
  }
  if (!MayDecode(message, rules)) return nullptr;
  const Reference holder(NewSlotBuffer(std::move(sample)));
  return holder ? DecodeIn(message, rules, holder.get()) : nullptr;
}

PyObject* DecodeCopy(const std::uint8_t* data, std::size_t size, Codec codec, std::uint64_t sequence, const DecodeRules& rules) {
  Message message{{data, size}, codec, sequence};
  if (!MayDecode(message, rules)) return nullptr;
  const Reference holder(CopyOf(message.region, codec, rules.views));
  if (!holder) return nullptr;
  message.region.base = StartOf(holder.get());
  return DecodeIn(message, rules, holder.get());
}

const char* NameOf(Codec codec) {
  switch (codec) {
    case Codec::kFlatBuffer: return "FlatBuffer";
    case Codec::kStruct: return "struct";
    case Codec::kBytes: return "bytes";
    case Codec::kMsgpack: return "msgpack";
    case Codec::kNdarray: return "array";
    case Codec::kPickle: return "pickle";
    case Codec::kNamed: return "registered codec";
    case Codec::kStatus: return "error";
  }
  return "unknown codec";
}

}  // namespace shmcomm::python
