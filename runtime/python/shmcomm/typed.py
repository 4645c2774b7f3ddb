# SPDX-License-Identifier: Apache-2.0
"""What a generated package is made of: the classes of a binary schema and the endpoints of its channels.

Messages are instances of a class for each table and struct, endpoints of a class for each end of a channel. The examples in here
are of a package `robot`, whose channel file has these lines, beside others:

    struct Imu { stamp_ns:uint64; accel:Vec3; gyro:Vec3; cov:[float:9]; }
    table Image { stamp_ns:uint64; width:uint32; height:uint32; encoding:Encoding = Rgb8; data:[ubyte] (required); }
    channel imu : pubsub<Imu> (sensor_data);
    channel camera = "front/camera" : pubsub<Image> { capacity: 8; max_size: 8MiB; }
    channel drive : reqrep<Twist, Ack> { timeout: 100ms; max_in_flight: 4; }
    channel tiles : pushpull<Job> { capacity: 64; max_size: 1MiB; on_full: block; }

>>> with CameraSubscriber() as sub, CameraPublisher() as pub:
...     _ = pub.send(width=2, height=1, data=b"ab")
...     sub.recv(timeout=100).width
2
"""

from __future__ import annotations

from collections.abc import Container
from enum import IntEnum, IntFlag
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from shmcomm import _core
from shmcomm._core import Call, Job, Record, Request, decode, encode
from shmcomm.calls import Replier, Requester
from shmcomm.endpoints import Publisher, Subscriber
from shmcomm.jobs import Puller, Pusher
from shmcomm.roles import tell_of_others

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Call",
    "Job",
    "Publisher",
    "Puller",
    "Pusher",
    "Record",
    "Replier",
    "Request",
    "Requester",
    "Schema",
    "Subscriber",
    "decode",
    "encode",
]

_HOW_MESSAGES_ARE_USED = (
    "Made of its fields as keywords, or received and read where it lies. Immutable. help(shmcomm.typed.Record) tells the rest."
)

tell_of_others([Publisher, Subscriber, Pusher, Puller, Requester, Replier])

# By pattern: what a received message is called, and what it is besides its type.
_RECEIVED: dict[str, tuple[str, type[Record]]] = {
    "pubsub": ("Sample", _core.Sample),
    "pushpull": ("Job", _core.Job),
    "reqrep": ("Request", _core.Request),
}


class Schema:
    """The types and channels of one `.bfbs`. A generated module holds one and takes its names from it."""

    def __init__(self, bfbs: bytes, *, module: str) -> None:
        self._module = module
        self._core = _core.Schema(bfbs)
        self._core.set_factory(self)

    @classmethod
    def beside(cls, file: str, name: str, *, module: str) -> Schema:
        """The schema in the file `name` in the folder of `file`; classes say they are of `module`."""
        return cls(Path(file).with_name(name).read_bytes(), module=module)

    def enum(self, name: str) -> type[IntEnum] | type[IntFlag]:
        """The enum `robot.Encoding` as an IntEnum, an IntFlag if it has bit_flags."""
        return self._core.enum_of(name)

    def struct(self, name: str) -> type[Record]:
        """The class of a struct, `robot.Vec3`."""
        return self._class_of(name, is_struct=True)

    def table(self, name: str, /, **contents: str | tuple[()]) -> type[Record]:
        """The class of a table, `robot.Image`. `contents` are the defaults of its strings and vectors."""
        for field, content in contents.items():
            self._core.set_content(name, field, content)
        return self._class_of(name, is_struct=False)

    def channel(self, **options: Any) -> _core.Channel:
        """A channel as declared: name, pattern, message, fingerprint, declared_at and every quality of service."""
        message = self._core.class_of(options["message"])
        kind, base = _RECEIVED[options["pattern"]]
        received = self._variant(message, kind, base, f"A received {options['message']}.")
        written = self._variant(message, "Loan", _core.Loan, f"A {options['message']} being written in shared memory.")
        answer = None
        if "reply" in options:
            answer = self._variant(self._core.class_of(options["reply"]), "Sample", _core.Sample, f"A received {options['reply']}.")
        return _core.Channel(self._core, received, written, options, answer)

    def _variant(self, message: type[Record], suffix: str, base: type[Record], doc: str) -> type[Record]:
        """A class of messages with an origin. The message comes first: a field called `sequence` is that field."""
        body = {"__slots__": (), "__module__": self._module, "__doc__": doc}
        return type(message.__name__ + suffix, (message, base), body)

    def publisher(self, name: str, channel: _core.Channel) -> type[Publisher]:
        """The class of a pubsub channel's sending end."""
        return type(name, (Publisher,), self._endpoint_body(Publisher, channel))

    def subscriber(self, name: str, channel: _core.Channel) -> type[Subscriber]:
        """The class of a pubsub channel's receiving end."""
        return type(name, (Subscriber,), self._endpoint_body(Subscriber, channel))

    def pusher(self, name: str, channel: _core.Channel) -> type[Pusher]:
        """The class of the end of a pushpull channel that gives out jobs."""
        return type(name, (Pusher,), self._endpoint_body(Pusher, channel))

    def puller(self, name: str, channel: _core.Channel) -> type[Puller]:
        """The class of the end of a pushpull channel that takes jobs."""
        return type(name, (Puller,), self._endpoint_body(Puller, channel))

    def requester(self, name: str, channel: _core.Channel) -> type[Requester]:
        """The class of a reqrep channel's asking end."""
        body = self._endpoint_body(Requester, channel)
        body["_has_field_timeout"] = hasattr(self._core.class_of(channel.message), "timeout")
        return type(name, (Requester,), body)

    def replier(self, name: str, channel: _core.Channel) -> type[Replier]:
        """The class of a reqrep channel's answering end."""
        return type(name, (Replier,), self._endpoint_body(Replier, channel))

    def _endpoint_body(self, base: type, channel: _core.Channel) -> dict[str, Any]:
        text = f"Channel '{channel.name}', {channel.pattern}<{', '.join(channel.messages)}>.\n\n{_undented(base.__doc__ or '')}"
        return {"__module__": self._module, "__doc__": text, "_channel": channel, "_schema": self}

    def _class_of(self, name: str, *, is_struct: bool) -> type[Record]:
        if self._core.is_struct(name) is not is_struct:
            raise KeyError(f"'{name}' is a {self._kind(name)}")
        return self._core.class_of(name)

    # What follows is called by the extension, once for each type, when the type is first needed.

    def make_type(self, name: str) -> type[Record]:
        """The class of a table or struct: nothing but native accessors."""
        fields: dict[str, Any] = {field.__name__: field for field in self._core.fields(name)}
        body = {
            "__slots__": (),
            "__module__": self._module,
            "__doc__": f"{self._core.type_doc(name) or f'The {self._kind(name)} {name}.'}\n\n{_HOW_MESSAGES_ARE_USED}",
        }
        made = type(_short(name), (Record,), body | fields)
        self._core.bind(name, made)
        return made

    def make_enum(self, name: str) -> type[IntEnum] | type[IntFlag]:
        """The class of an enum."""
        kind: Any = IntFlag if self._core.is_flags(name) else IntEnum
        made: type[IntEnum] | type[IntFlag]
        members = dict(self._core.members(name))
        accepted = {member: _accepted(member, members) for member in members}
        made = kind(_short(name), {accepted[member]: value for member, value in members.items()}, module=self._module)
        for member, instead in accepted.items():
            if instead != member:  # Reached by its own name as Mode["mro"], like one that is a word of Python.
                made[instead]._name_ = member
                made._member_map_[member] = made[instead]
        made.__doc__ = self._core.enum_doc(name) or f"The enum {name}."
        return made

    def struct_dtype(self, name: str) -> np.dtype[Any]:
        """The NumPy dtype that lies exactly over a struct, padding included."""
        import numpy as np

        fields = self._core.fields(name)
        return np.dtype(
            {
                "names": [field.__name__ for field in fields],
                "formats": [self._format(field) for field in fields],
                "offsets": [field.offset for field in fields],
                "itemsize": self._core.struct_bytes(name),
            }
        )

    def scalar_dtype(self, name: str) -> np.dtype[Any]:
        """The NumPy dtype of a scalar; messages are little-endian, as every supported machine is."""
        import numpy as np

        return np.dtype(name)

    def _format(self, field: _core.Field) -> Any:
        dtype = self.struct_dtype(field.type_name) if field.is_struct else self.scalar_dtype(field.type_name)
        return (dtype, (field.count,)) if field.count else dtype

    def _kind(self, name: str) -> str:
        return "struct" if self._core.is_struct(name) else "table"


def _accepted(name: str, taken: Container[str]) -> str:
    """The name of an enum's value, or another where Python's enums keep it for themselves: `mro`, `_x_`, `__x__`."""
    instead = name
    while instead == "mro" or (instead.startswith("_") and instead.endswith("_")) or (instead != name and instead in taken):
        instead = f"value{instead}"
    return instead


def _undented(doc: str) -> str:
    first, _, others = doc.partition("\n")
    return f"{first}\n{dedent(others)}"


def _short(name: str) -> str:
    return name.rpartition(".")[2]
