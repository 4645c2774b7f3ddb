// SPDX-License-Identifier: Apache-2.0
// The sending end of a channel without a schema.
#include "shmcomm/publisher.h"

#include "endpoints.h"
#include "untyped_sender.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

struct PublisherEnd {
  using Endpoint = Publisher;
  using Options = PublisherOptions;
  using Stats = PublisherStats;
  static constexpr Pattern kPattern = Pattern::kPubSub;
  static constexpr const char* kName = "publisher";

  static absl::StatusOr<Publisher> Open(const ChannelSpec& spec, PublisherOptions options) {
    options.publish_timeout = absl::ZeroDuration();  // waited for here, where Ctrl-C is seen
    return Publisher::Open(spec, options);
  }
  static absl::Status GiveCopy(Publisher& self, const void* data, std::size_t bytes, Codec codec) {
    return self.PublishCopy(data, bytes, codec);
  }
  static absl::Status GiveRaw(Publisher& self, shmcomm::Loan loan, Codec codec) {
    return self.PublishRaw(std::move(loan), codec);
  }
};

using Ends = UntypedSender<PublisherEnd>;

nb::tuple Counters(const Ends::Handle& self) {
  const PublisherStats stats = Ends::StatsOf(self);
  return nb::make_tuple(stats.sent, stats.bytes, stats.errors, stats.deadlines_missed);
}

PyMethodDef send = {
    "send", AsFunction(Ends::Send), METH_FASTCALL | METH_KEYWORDS,
    "send($self, message, /, *, timeout=None, serializer=None)\n--\n\n"
    "Publishes one message: bytes as they are, a NumPy array with its dtype and shape, anything else pickled.\n\n"
    "The data is copied once, into shared memory. On a reliable channel whose ring is full it waits up to `timeout` (an int\n"
    "of milliseconds or a timedelta; the publisher's own if not given) without holding up other threads; otherwise it\n"
    "never waits. `serializer` is \"pickle\", \"msgpack\" or the name of a registered codec, for this message.\n\n"
    "Returns True, or False if a reliable ring stayed full: the message was then not sent.\n"
    "Errors: SHMSerializationError, SHMMessageTooLargeError, SHMBufferFullError (shared memory is full),\n"
    "SHMConnectionError (closed, forked).\n"
    "Cost: what is sent is encoded and copied once, into shared memory; a system call only to wake who sleeps, or for memory on first use. About a microsecond for a small message.\n\n"
    ">>> with Publisher(\"doc/send\") as pub:\n"
    "...     pub.send({\"cmd\": \"move\", \"pos\": [1.0, 2.0, 3.0]}), pub.send(b\"raw\"), pub.send([1, 2], serializer=\"msgpack\")\n"
    "(True, True, True)\n"};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<Ends::Handle>)},
    {0, nullptr},
};

}  // namespace

void AddUntypedPublisher(nb::module_& module) {
  nb::class_<Ends::Handle> python_class(module, "UntypedPublisher", nb::type_slots(slots),
                                        "The sending end of a channel without a schema.");
  Ends::AddMembers(python_class);
  python_class.def("counters", Counters, "(sent, bytes, errors, deadlines_missed)");
  AddFastMethod(python_class, send);
}

}  // namespace shmcomm::python
