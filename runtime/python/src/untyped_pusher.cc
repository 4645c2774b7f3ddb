// SPDX-License-Identifier: Apache-2.0
// The end of a channel without a schema that gives out jobs.
#include "shmcomm/pusher.h"

#include "endpoints.h"
#include "untyped_sender.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

struct PusherEnd {
  using Endpoint = Pusher;
  using Options = PusherOptions;
  using Stats = PusherStats;
  static constexpr Pattern kPattern = Pattern::kPushPull;
  static constexpr const char* kName = "pusher";

  static absl::StatusOr<Pusher> Open(const ChannelSpec& spec, const PusherOptions& options) {
    return Pusher::Open(spec, options);
  }
  static absl::Status GiveCopy(Pusher& self, const void* data, std::size_t bytes, Codec codec) {
    return self.PushCopy(data, bytes, codec, absl::ZeroDuration());
  }
  static absl::Status GiveRaw(Pusher& self, shmcomm::Loan loan, Codec codec) {
    return self.PushRaw(std::move(loan), codec, absl::ZeroDuration());
  }
};

using Ends = UntypedSender<PusherEnd>;

nb::tuple Counters(const Ends::Handle& self) {
  const PusherStats stats = Ends::StatsOf(self);
  return nb::make_tuple(stats.sent, stats.bytes, stats.errors, stats.dead_letters);
}

PyMethodDef send = {
    "send", AsFunction(Ends::Send), METH_FASTCALL | METH_KEYWORDS,
    "send($self, message, /, *, timeout=None, serializer=None)\n--\n\n"
    "Gives out one job, encoded as Publisher.send does.\n\n"
    "Where the channel is full of jobs that are not done, it waits up to `timeout` (an int of milliseconds or a timedelta; the\n"
    "pusher's own if not given) without holding up other threads; Ctrl-C ends the wait.\n\n"
    "Returns True, or False if the channel stayed full: the job was then not sent.\n"
    "Errors: SHMSerializationError, SHMMessageTooLargeError, SHMBufferFullError (shared memory is full),\n"
    "SHMConnectionError (closed, forked).\n"
    "Cost: what is sent is encoded and copied once, into shared memory; a system call only to wake who sleeps, or for memory on first use; and to sleep while there is no room.\n\n"
    ">>> with Pusher(\"doc/push\") as jobs:\n"
    "...     jobs.send({\"tile\": 7}), jobs.send(b\"raw\", timeout=100)\n"
    "(True, True)\n"};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<Ends::Handle>)},
    {0, nullptr},
};

}  // namespace

void AddUntypedPusher(nb::module_& module) {
  nb::class_<Ends::Handle> python_class(module, "UntypedPusher", nb::type_slots(slots),
                                        "The end of a channel without a schema that gives out jobs.");
  Ends::AddMembers(python_class);
  python_class.def("counters", Counters, "(sent, bytes, errors, dead_letters)");
  AddFastMethod(python_class, send);
}

}  // namespace shmcomm::python
