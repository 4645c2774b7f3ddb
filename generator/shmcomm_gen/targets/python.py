# SPDX-License-Identifier: Apache-2.0
"""Python: a package of facts (`__init__.py`) beside its binary schema, and the same described for type checkers.

At run time all names, types and documentation come from the schema; only `__init__.pyi` spells them out.
"""

from __future__ import annotations

import json
import keyword
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shmcomm_gen.diagnostics import Related, Sink
from shmcomm_gen.fingerprint import fingerprint
from shmcomm_gen.model import (
    ROLES,
    ArrayType,
    Channel,
    EnumType,
    EnumValue,
    Field,
    Qos,
    Record,
    RecordType,
    ScalarType,
    Schema,
    Type,
    Union,
    UnionMember,
    VectorType,
    namespace_of,
    short_name,
)
from shmcomm_gen.source import Span
from shmcomm_gen.targets.annotations import Annotations
from shmcomm_gen.templating import render

# What the classes of the runtime define themselves; a field of the same name comes first.
_OF_A_RECORD = ("to_dict",)
_OF_A_SAMPLE = ("sequence", "lost", "publish_ns", "publisher")

# What the package and its stub are written with. A type of that name is spelled with an underscore behind it.
_OF_THE_PACKAGE = frozenset(
    "int float bool str bytes bytearray memoryview dict tuple property _schema _Schema _core _Iterator _Sequence "
    "_timedelta _IntEnum _IntFlag _Any _overload _np _npt _Publisher _Subscriber _Self _Elements".split()
)
# A field of such a name hides the builtin from the annotations beside it.
_BUILTINS = frozenset("int float bool str bytes bytearray memoryview dict tuple property".split())
_LONGEST_SIGNATURE = 100

_Parameter = Callable[[Field, bool, Annotations], str]


@dataclass(frozen=True)
class FieldView:
    """A property and its annotation. `remark` quiets a checker where the name hides a method of every record. `set` is what
    a loan takes, empty where it takes nothing; `loaned` is what it gives: vectors are those that were asked for. `doc` is
    empty where the schema says nothing."""

    name: str
    read: str
    remark: str
    set: str
    loaned: str
    doc: str


@dataclass(frozen=True)
class RecordView:
    """`unreachable` are fields whose names are words of Python: only getattr reads them."""

    name: str
    qualified: str
    kind: str
    fields: tuple[FieldView, ...]
    settable: tuple[FieldView, ...]
    signature: str
    unreachable: tuple[str, ...]
    doc: str
    sample_remark: str
    property: str
    contents: str


@dataclass(frozen=True)
class EnumMember:
    name: str
    number: int
    doc: str


@dataclass(frozen=True)
class EnumView:
    name: str
    qualified: str
    base: str
    members: tuple[EnumMember, ...]
    unreachable: tuple[str, ...]
    doc: str


@dataclass(frozen=True)
class ChannelView:
    identifier: str
    name: str
    publisher: str
    subscriber: str
    message: str
    qualified: str
    fingerprint: str
    declared_at: str
    facts: tuple[str, ...]
    doc: str
    signature: str
    loan_signature: str


@dataclass(frozen=True)
class PackageView:
    label: str
    bfbs: str
    enums: tuple[EnumView, ...]
    records: tuple[RecordView, ...]
    channels: tuple[ChannelView, ...]

    @property
    def spells_builtins(self) -> bool:
        return any(record.property != "property" for record in self.records)

    @property
    def messages(self) -> tuple[RecordView, ...]:
        """The records that some channel carries."""
        carried = {channel.qualified for channel in self.channels}
        return tuple(record for record in self.records if record.qualified in carried)

    @property
    def exports(self) -> tuple[str, ...]:
        endpoints = (name for channel in self.channels for name in (channel.publisher, channel.subscriber))
        enums, records = (view.name for view in self.enums), (view.name for view in self.records)
        return tuple(json.dumps(name) for name in (*enums, *records, *endpoints))


def package_files(schema: Schema) -> dict[str, str]:
    """The texts of the package, by file name. The binary schema is another target."""
    view = _package(schema)
    return {
        "__init__.py": render("python.py.j2", package=view),
        "__init__.pyi": render("python.pyi.j2", package=view),
        "py.typed": "",
    }


def python_names(schema: Schema) -> Mapping[str, str]:
    """What each type is called in the package: its short name; where two share one, or an endpoint has it, that of the
    main file's own type, and of the others the qualified name with underscores."""
    qualified = [*schema.records, *schema.enums, *schema.unions]
    own = set(schema.main.types)
    endpoints = {channel.stem + role for channel in generated_channels(schema) for role in ROLES[channel.pattern]}
    count = Counter(short_name(name) for name in qualified)
    own_count = Counter(short_name(name) for name in qualified if name in own)

    def is_short(name: str) -> bool:
        short = short_name(name)
        if short in endpoints or keyword.iskeyword(short) or short in _OF_THE_PACKAGE or short.startswith("_channel_"):
            return False
        return count[short] == 1 or (name in own and own_count[short] == 1)

    return {name: short_name(name) if is_short(name) else _long_name(name) for name in qualified}


def check_python_names(schema: Schema, sink: Sink) -> None:
    """The package is one scope: two types may still meet where namespaces become underscores."""
    first: dict[str, str] = {}
    for qualified, name in python_names(schema).items():
        earlier = first.setdefault(name, qualified)
        if earlier != qualified:
            sink.error("S009", f"in Python '{qualified}' and '{earlier}' are both '{name}'", _span(qualified, schema),
                       "rename one of the two", Related(_span(earlier, schema), f"'{earlier}'"))  # fmt: skip


def _span(name: str, schema: Schema) -> Span:
    groups: tuple[Mapping[str, Record | EnumType | Union], ...] = (schema.records, schema.enums, schema.unions)
    return next(group[name].span for group in groups if name in group)


def _long_name(name: str) -> str:
    return name.replace(".", "_") if namespace_of(name) else name + "_"


def _package(schema: Schema) -> PackageView:
    names = python_names(schema)
    annotations = Annotations(names, schema.unions)
    return PackageView(
        label=schema.main.name,
        bfbs=f"{schema.main.stem}.bfbs",
        enums=(
            *(_enum(enum, names) for enum in schema.enums.values()),
            *(_union(union, names) for union in schema.unions.values()),
        ),
        records=tuple(_record(record, annotations) for record in schema.records.values()),
        channels=tuple(_channel(channel, schema, annotations) for channel in generated_channels(schema)),
    )


def generated_channels(schema: Schema) -> tuple[Channel, ...]:
    """Endpoints of the other patterns are not there yet."""
    return tuple(channel for channel in schema.channels if channel.pattern == "pubsub")


def _enum(enum: EnumType, names: Mapping[str, str]) -> EnumView:
    return _enum_view(enum, names, enum.values, "_IntFlag" if enum.is_bit_flags else "_IntEnum")


def _union(union: Union, names: Mapping[str, str]) -> EnumView:
    """The members' tags."""
    return _enum_view(union, names, union.members, "_IntEnum")


def _enum_view(
    declared: EnumType | Union, names: Mapping[str, str], values: Sequence[EnumValue | UnionMember], base: str
) -> EnumView:
    members = [EnumMember(value.name, value.number, _docstring(value.doc, "")) for value in values]
    return EnumView(
        name=names[declared.name],
        qualified=declared.name,
        base=base,
        members=tuple(member for member in members if not _is_hidden(member.name)),
        unreachable=tuple(member.name for member in members if _is_hidden(member.name)),
        doc=_docstring(declared.doc, declared.name),
    )


def _record(record: Record, annotations: Annotations) -> RecordView:
    fields = [field for field in record.fields if not field.deprecated]
    is_hiding = any(field.name in _BUILTINS for field in fields)
    spelled = _with_builtins_spelled_out if is_hiding else str
    # A field hides what a sample says of itself; only where it is no int do the two disagree.
    has_other_meaning = any(f.name in _OF_A_SAMPLE and annotations.read_field(f) != "int" for f in fields)
    views = tuple(_field(field, record, annotations, spelled) for field in fields if not _is_reserved(field.name))
    return RecordView(
        name=annotations.names[record.name],
        qualified=record.name,
        kind="struct" if record.is_struct else "table",
        fields=views,
        settable=tuple(view for view in views if view.set),
        signature=spelled(_signature("cls", record, annotations)),
        unreachable=tuple(field.name for field in fields if _is_reserved(field.name)),
        doc=_docstring(record.doc, record.name),
        sample_remark="  # type: ignore[misc]" if has_other_meaning else "",
        property=spelled("property"),
        contents=_contents(fields),
    )


def _contents(fields: list[Field]) -> str:
    """The defaults of strings and vectors as further arguments: a binary schema does not have them."""
    given = {f.name: "()" if isinstance(f.type, VectorType) else _literal(f.content) for f in fields if f.content is not None}
    return f", **{{{', '.join(f'{_literal(name)}: {content}' for name, content in given.items())}}}" if given else ""


def _with_builtins_spelled_out(text: str) -> str:
    """Annotations as the module `_builtins` has them; a name before a colon is a parameter."""
    return re.sub(rf"\b({'|'.join(sorted(_BUILTINS))})\b(?! *:)", r"_builtins.\1", text)


def _field(field: Field, record: Record, annotations: Annotations, spelled: Callable[[str], str]) -> FieldView:
    read = spelled(annotations.read_field(field))
    has_default = (isinstance(field.type, ScalarType) and not field.is_null) or field.content is not None
    is_always_there = record.is_struct or field.required or has_default
    return FieldView(
        name=field.name,
        read=read if is_always_there else f"{read} | None",
        remark="  # type: ignore[override]" if field.name in _OF_A_RECORD else "",
        set="" if field.is_tag or not _has_place(field.type) or field.nested else spelled(annotations.write_field(field)),
        loaned=read if is_always_there or isinstance(field.type, VectorType) else f"{read} | None",
        doc=_docstring(field.doc, ""),
    )


def _has_place(type_: Type) -> bool:
    """Whether a message that is being written has room for any value: not so for text, tables and what leads to them."""
    if isinstance(type_, VectorType):
        return _has_place(type_.element)
    return isinstance(type_, ScalarType | ArrayType) or (isinstance(type_, RecordType) and type_.is_struct)


def _loaned(field: Field, in_struct: bool, annotations: Annotations) -> str:
    """A parameter of loan(), which takes the shape of a vector, too."""
    given = _given(field, in_struct, annotations)
    may_be_shape = isinstance(field.type, VectorType) and _has_place(field.type) and not field.nested
    return given.replace(": ", ": int | tuple[int, ...] | ", 1) if may_be_shape else given


def _given(field: Field, in_struct: bool, annotations: Annotations) -> str:
    """A parameter: one that must be given has no default."""
    written = annotations.write_field(field)
    if field.required:
        return f"{field.name}: {written}"
    may_be_none = not in_struct and (field.is_null or not isinstance(field.type, ScalarType))
    return f"{field.name}: {written}{' | None' if may_be_none else ''} = ..."


def _signature(receiver: str, record: Record, annotations: Annotations, given: _Parameter = _given) -> str:
    """The parameters of a call that takes all fields as keywords, one a line where they are many."""
    fields = [f for f in record.fields if not f.deprecated and not f.is_tag and not _is_reserved(f.name)]
    while any(f.name == receiver for f in fields):
        receiver = f"_{receiver}"
    parts = [receiver, "*", *(given(f, record.is_struct, annotations) for f in fields)] if fields else [receiver]
    line = ", ".join(parts)
    return line if len(line) <= _LONGEST_SIGNATURE else "\n        " + ",\n        ".join(parts) + ",\n    "


def _channel(channel: Channel, schema: Schema, annotations: Annotations) -> ChannelView:
    what = f"Channel '{channel.name}', pubsub<{short_name(channel.message)}>."
    return ChannelView(
        identifier=channel.identifier,
        name=_literal(channel.name),
        publisher=channel.stem + "Publisher",
        subscriber=channel.stem + "Subscriber",
        message=annotations.names[channel.message],
        qualified=channel.message,
        fingerprint=f"0x{fingerprint(channel.message, schema):016x}",
        declared_at=_literal(channel.span.place),
        facts=_facts(channel.qos),
        doc=_docstring((*channel.doc, what), ""),
        signature=_signature("self", schema.records[channel.message], annotations),
        loan_signature=_signature("self", schema.records[channel.message], annotations, _loaned),
    )


def _facts(qos: Qos) -> tuple[str, ...]:
    """The options as keyword arguments, three short lines of them."""
    return (
        f"history={qos.history}, capacity={qos.capacity}, max_size={qos.max_size}, "
        f'reliability="{qos.reliability}", on_full="{qos.on_full}",',
        f"deadline_ns={qos.deadline_ns}, lifespan_ns={qos.lifespan_ns}, "
        f"max_publishers={qos.max_publishers}, max_subscribers={qos.max_subscribers},",
        f'max_borrowed={qos.max_borrowed}, max_loans={qos.max_loans}, verify="{qos.verify}", prefault={qos.prefault},',
    )


def _literal(text: str) -> str:
    """A string literal of Python, which is JSON's where nothing beyond ASCII is escaped."""
    return json.dumps(text, ensure_ascii=False)


def _docstring(doc: tuple[str, ...], otherwise: str) -> str:
    text = " ".join(line.strip() for line in doc).strip() or otherwise
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _is_hidden(name: str) -> bool:
    """Whether Python's enums refuse a member of this name as an attribute."""
    return name == "mro" or (name.startswith("_") and name.endswith("_")) or _is_reserved(name)


def _is_reserved(name: str) -> bool:
    return keyword.iskeyword(name) or (name.startswith("__") and name.endswith("__"))
