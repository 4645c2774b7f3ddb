# SPDX-License-Identifier: Apache-2.0
"""Python: a package of facts (`__init__.py`) beside its binary schema, and the same described for type checkers.

At run time all names, types and documentation come from the schema; only `__init__.pyi` spells them out.
"""

from __future__ import annotations

import json
import keyword
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shmcomm_gen.diagnostics import Related, Sink
from shmcomm_gen.model import ROLES, EnumType, EnumValue, Record, Schema, Union, UnionMember, namespace_of, short_name
from shmcomm_gen.source import Span
from shmcomm_gen.targets.annotations import Annotations
from shmcomm_gen.targets.pychannels import ChannelView, ReceivedView, channel_views
from shmcomm_gen.targets.pyfields import (
    BUILTINS,
    FieldView,
    contents,
    docstring,
    field_view,
    is_reserved,
    signature,
    with_builtins_spelled_out,
)
from shmcomm_gen.templating import render

# What the package and its stub are written with. A type of that name is spelled with an underscore behind it.
_OF_THE_PACKAGE = frozenset(
    "int float bool str bytes bytearray memoryview dict tuple property _schema _Schema _core _Iterator _Sequence "
    "_timedelta _IntEnum _IntFlag _Any _overload _np _npt _Publisher _Subscriber _Pusher _Puller _Requester _Replier "
    "_Callable _Self _Elements".split()
)


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
    def received(self) -> tuple[ReceivedView, ...]:
        return tuple(dict.fromkeys(sample for channel in self.channels for sample in channel.samples))

    @property
    def loans(self) -> tuple[RecordView, ...]:
        """The records that can be lent."""
        carried = {channel.qualified for channel in self.channels if channel.reply is None}
        return tuple(record for record in self.records if record.qualified in carried)

    @property
    def exports(self) -> tuple[str, ...]:
        endpoints = (endpoint.name for channel in self.channels for endpoint in channel.endpoints)
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
    endpoints = {channel.stem + role for channel in schema.channels for role in ROLES[channel.pattern]}
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
        channels=channel_views(schema, annotations),
    )


def _enum(enum: EnumType, names: Mapping[str, str]) -> EnumView:
    return _enum_view(enum, names, enum.values, "_IntFlag" if enum.is_bit_flags else "_IntEnum")


def _union(union: Union, names: Mapping[str, str]) -> EnumView:
    """The members' tags."""
    return _enum_view(union, names, union.members, "_IntEnum")


def _enum_view(
    declared: EnumType | Union, names: Mapping[str, str], values: Sequence[EnumValue | UnionMember], base: str
) -> EnumView:
    members = [EnumMember(value.name, value.number, docstring(value.doc, "")) for value in values]
    return EnumView(
        name=names[declared.name],
        qualified=declared.name,
        base=base,
        members=tuple(member for member in members if not _is_hidden(member.name)),
        unreachable=tuple(member.name for member in members if _is_hidden(member.name)),
        doc=docstring(declared.doc, declared.name),
    )


def _record(record: Record, annotations: Annotations) -> RecordView:
    fields = [field for field in record.fields if not field.deprecated]
    is_hiding = any(field.name in BUILTINS for field in fields)
    spelled = with_builtins_spelled_out if is_hiding else str
    views = tuple(field_view(field, record, annotations, spelled) for field in fields if not is_reserved(field.name))
    return RecordView(
        name=annotations.names[record.name],
        qualified=record.name,
        kind="struct" if record.is_struct else "table",
        fields=views,
        settable=tuple(view for view in views if view.set),
        signature=spelled(signature("cls", record, annotations)),
        unreachable=tuple(field.name for field in fields if is_reserved(field.name)),
        doc=docstring(record.doc, record.name),
        property=spelled("property"),
        contents=contents(fields),
    )


def _is_hidden(name: str) -> bool:
    """Whether Python's enums refuse a member of this name as an attribute."""
    return name == "mro" or (name.startswith("_") and name.endswith("_")) or is_reserved(name)
