# SPDX-License-Identifier: Apache-2.0
"""A schema as it is meant: every name resolved, every offset, id, default and option decided.

Types refer to each other by qualified name, so the model is a plain tree of frozen values even where a table contains
itself. Look a name up in `Schema.records` or `Schema.enums`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shmcomm_gen.scalars import Scalar
from shmcomm_gen.source import Span


@dataclass(frozen=True)
class ScalarType:
    """A number or boolean. `enum` names the enum it belongs to, or is empty. A tag says which member a union holds;
    then `enum` names the union."""

    scalar: Scalar
    enum: str = ""
    is_tag: bool = False


@dataclass(frozen=True)
class StringType:
    pass


@dataclass(frozen=True)
class RecordType:
    """A table or a struct by its qualified name."""

    name: str
    is_struct: bool


@dataclass(frozen=True)
class UnionType:
    """A union by its qualified name; the field before it is its tag."""

    name: str


@dataclass(frozen=True)
class VectorType:
    """`is_64`: its length is 64 bits wide."""

    element: ScalarType | StringType | RecordType | UnionType
    is_64: bool = False


@dataclass(frozen=True)
class ArrayType:
    element: ScalarType | RecordType
    length: int


Element = ScalarType | StringType | RecordType | UnionType
Type = ScalarType | StringType | RecordType | UnionType | VectorType | ArrayType
Default = int | float
Attributes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Field:
    """`offset` is the place in the struct, or in the table's vtable. `padding` follows the field; structs only.

    `is_null` is a scalar that may be absent (`= null`). `content` is the default of a string, or `[]` of a vector; None
    where it is absent by default. `is_far` fields are reached by 64-bit offsets. `nested` is the qualified name of the
    table whose message a vector of bytes holds (nested_flatbuffer), or empty."""

    name: str
    type: Type
    id: int
    offset: int
    padding: int
    default: Default
    deprecated: bool
    required: bool
    key: bool
    attributes: Attributes
    doc: tuple[str, ...]
    span: Span
    is_null: bool = False
    content: str | None = None
    is_far: bool = False
    nested: str = ""

    @property
    def is_tag(self) -> bool:
        """Declared by nobody: it stands before a union and says which member follows."""
        element = self.type.element if isinstance(self.type, VectorType) else self.type
        return isinstance(element, ScalarType) and element.is_tag

    def attribute(self, name: str) -> str | None:
        return next((text for key, text in self.attributes if key == name), None)


@dataclass(frozen=True)
class Record:
    """A table or a struct, fields in order of id. `size` is zero and `alignment` one for tables, as in reflection."""

    name: str
    is_struct: bool
    fields: tuple[Field, ...]
    size: int
    alignment: int
    attributes: Attributes
    doc: tuple[str, ...]
    span: Span

    @property
    def has_arrays(self) -> bool:
        return any(isinstance(field.type, ArrayType) for field in self.fields)


@dataclass(frozen=True)
class EnumValue:
    name: str
    number: int
    doc: tuple[str, ...]
    span: Span
    attributes: Attributes = ()


@dataclass(frozen=True)
class EnumType:
    """Values in the order they were written."""

    name: str
    underlying: Scalar
    values: tuple[EnumValue, ...]
    is_bit_flags: bool
    attributes: Attributes
    doc: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class UnionMember:
    """`type` is None of NONE, which every union has."""

    name: str
    number: int
    type: RecordType | StringType | None
    attributes: Attributes
    doc: tuple[str, ...]


@dataclass(frozen=True)
class Union:
    """Members by number, NONE among them. `is_plain`: the tag is the byte it always was, no type was written."""

    name: str
    tag: Scalar
    is_plain: bool
    members: tuple[UnionMember, ...]
    attributes: Attributes
    doc: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Call:
    name: str
    request: str
    response: str
    attributes: Attributes
    doc: tuple[str, ...]


@dataclass(frozen=True)
class Service:
    """An rpc_service: carried into the binary schema, generated for nobody."""

    name: str
    calls: tuple[Call, ...]
    attributes: Attributes
    doc: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Qos:
    """The options of a channel, all decided. Durations are nanoseconds, zero for none. Publishers are also pushers and
    requesters, subscribers also pullers and repliers; the last four are of reqrep alone, whose max_size is the request's,
    max_attempts is of pushpull."""

    history: int
    capacity: int
    max_size: int
    reliability: str
    on_full: str
    deadline_ns: int
    lifespan_ns: int
    max_publishers: int
    max_subscribers: int
    max_borrowed: int
    max_loans: int
    verify: str
    prefault: bool
    max_attempts: int = 15
    max_reply_size: int = 0
    timeout_ns: int = 0
    max_in_flight: int = 0
    idempotent: bool = False

    @property
    def at_most_once(self) -> bool:
        return self.max_attempts == 1


@dataclass(frozen=True)
class Channel:
    """A channel of the main file. `name` is what the runtime opens, `identifier` what endpoints are named for. `reply` is
    empty but for reqrep, where `message` is the request."""

    identifier: str
    namespace: str
    name: str
    message: str
    qos: Qos
    doc: tuple[str, ...]
    span: Span
    pattern: str = "pubsub"
    reply: str = ""

    @property
    def messages(self) -> tuple[str, ...]:
        return (self.message, self.reply) if self.reply else (self.message,)

    @property
    def stem(self) -> str:
        """`front_camera` -> `FrontCamera`."""
        return pascal_case(self.identifier)


@dataclass(frozen=True)
class SchemaFile:
    """One file of the closure. `types` are the qualified names it declares, in order; `attributes` those it uses or
    declares beside FlatBuffers' own; `includes` the names of the files it includes."""

    name: str
    includes: tuple[str, ...]
    types: tuple[str, ...]
    attributes: tuple[str, ...]
    root_type: str
    file_identifier: str
    file_extension: str
    native_includes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0] or self.name


@dataclass(frozen=True)
class Schema:
    """The closure of one main file: all types of all files, and the main file's channels."""

    files: tuple[SchemaFile, ...]
    records: Mapping[str, Record]
    enums: Mapping[str, EnumType]
    unions: Mapping[str, Union]
    services: Mapping[str, Service]
    channels: tuple[Channel, ...]

    @property
    def main(self) -> SchemaFile:
        return self.files[0]


# Who stands at the two ends of a channel, as generated names end.
ROLES = {"pubsub": ("Publisher", "Subscriber"), "pushpull": ("Pusher", "Puller"), "reqrep": ("Requester", "Replier")}


# Members of Qos that the pattern knows; the others keep their defaults.
QOS_OF = {
    pattern: tuple(members.split())
    for pattern, members in {
        "pubsub": (
            "history capacity max_size reliability on_full deadline_ns lifespan_ns max_publishers max_subscribers "
            "max_borrowed max_loans verify prefault"
        ),
        "pushpull": (
            "capacity max_size on_full lifespan_ns max_publishers max_subscribers max_borrowed max_loans verify prefault "
            "max_attempts"
        ),
        "reqrep": (
            "capacity max_size max_reply_size on_full timeout_ns max_in_flight max_publishers max_subscribers max_borrowed "
            "max_loans verify prefault idempotent"
        ),
    }.items()
}


def pascal_case(identifier: str) -> str:
    """A name for C++ and Python: `_2nd` begins with a digit once its underscore is gone, and keeps it."""
    joined = "".join(part[:1].upper() + part[1:] for part in identifier.split("_"))
    return joined if joined[:1].isalpha() else f"_{joined}"


def short_name(qualified: str) -> str:
    return qualified.rpartition(".")[2]


def namespace_of(qualified: str) -> str:
    return qualified.rpartition(".")[0]


def qualify(namespace: str, name: str) -> str:
    return f"{namespace}.{name}" if namespace else name
