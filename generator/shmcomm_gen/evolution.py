# SPDX-License-Identifier: Apache-2.0
"""Can a program built from one schema read every message of a program built from another? FlatBuffers' evolution rules,
from writer to reader, with the verdicts and words of the runtime, which asks the same when a channel is opened
(runtime/src/channel/compatibility.h has the table). A test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shmcomm_gen.fingerprint import type_text
from shmcomm_gen.model import (
    ArrayType,
    EnumType,
    EnumValue,
    Field,
    Record,
    RecordType,
    ScalarType,
    Schema,
    StringType,
    Type,
    Union,
    UnionMember,
    UnionType,
    VectorType,
)
from shmcomm_gen.scalars import Scalar
from shmcomm_gen.source import Span


@dataclass(frozen=True)
class Difference:
    """`subject` is the type and the member it is about; the spans are where that stands, as far as it does."""

    text: str
    is_breaking: bool
    subject: tuple[str, str]
    writer: Span | None = None
    reader: Span | None = None


Enumeration = EnumType | Union
Member = EnumValue | UnionMember


def compare(writer: Schema, reader: Schema, root: str) -> tuple[Difference, ...]:
    """All in which the two mean something else by the type `root`, which both have, and by what it contains."""
    comparison = _Comparison(writer, reader)
    comparison.meet(root, root)
    comparison.run()
    return tuple(comparison.found)


@dataclass
class _Comparison:
    """Walks the pairs of types that a reader would use for the same bytes, breadth first."""

    writer: Schema
    reader: Schema
    found: list[Difference] = field(default_factory=list)
    _queue: dict[tuple[str, str], None] = field(default_factory=dict)
    _spans: tuple[Span | None, Span | None] = (None, None)
    _label: str = ""
    _type: str = ""

    def meet(self, writer: str, reader: str) -> None:
        self._queue[writer, reader] = None

    def run(self) -> None:
        done = 0
        while done < len(self._queue):
            for writer, reader in list(self._queue)[done:]:
                done += 1
                self._compare_pair(writer, reader)

    def _compare_pair(self, writer: str, reader: str) -> None:
        theirs, ours = _declaration(self.writer, writer), _declaration(self.reader, reader)
        self._label, self._type, self._spans = f"{_kind(theirs)} {writer}", writer, (theirs.span, ours.span)
        if isinstance(theirs, Record) and isinstance(ours, Record):
            if theirs.is_struct != ours.is_struct:
                self._say(True, f"is a {_kind(ours)} to the reader")
            elif theirs.is_struct:
                self._compare_structs(theirs, ours)
            else:
                self._compare_tables(theirs, ours)
        elif not isinstance(theirs, Record) and not isinstance(ours, Record):
            self._compare_enums(theirs, ours)
        else:
            self._say(True, f"is a {_kind(ours)} to the reader")

    def _say(self, is_breaking: bool, text: str, writer: object = None, reader: object = None) -> None:
        """`writer` and `reader` are the members it is about, where it is about members."""
        name = next((one.name for one in (writer, reader) if isinstance(one, Field | EnumValue | UnionMember)), "")
        spans = (_span(writer) or self._spans[0], _span(reader) or self._spans[1])
        self.found.append(Difference(f"{self._label}: {text}", is_breaking, (self._type, name), *spans))

    # ---- types

    def _match(self, writer: Type, reader: Type) -> str:
        """`same`, `names` (the same bytes under other names) or `differs`."""
        if _shape(writer) != _shape(reader):
            return "differs"
        names = (_named(writer), _named(reader))
        if all(names):
            self.meet(*names)
        return "same" if type_text(writer) == type_text(reader) else "names"

    def _change(self, writer: Type, reader: Type) -> str:
        old, new = type_text(writer), type_text(reader)
        if old == new:
            old, new = _with_kind(self.writer, writer) + old, _with_kind(self.reader, reader) + new
        return f"{old} -> {new}"

    # ---- structs: the bytes are the message, so only names may differ

    def _compare_structs(self, writer: Record, reader: Record) -> None:
        in_writer, in_reader = _by_name(writer.fields), _by_name(reader.fields)
        sizes = "" if writer.size == reader.size else f" ({writer.size} -> {reader.size} bytes)"
        is_explained = False
        for one in writer.fields:
            other = in_reader.get(one.name) or _renamed(one, reader, in_writer)
            if other is None:
                self._say(True, f"field '{one.name}' removed{sizes}", one)
                is_explained = True
            elif self._compare_struct_field(one, other, sizes):
                is_explained = True
        for one in reader.fields:
            if one.name not in in_writer and not _renamed(one, writer, in_reader):
                self._say(True, f"field '{one.name}' added{sizes}", None, one)
                is_explained = True
        if not is_explained:
            self._compare_layout(writer, reader, in_reader)

    def _compare_struct_field(self, writer: Field, reader: Field, sizes: str) -> bool:
        """Whether what differs also explains why later fields moved."""
        self._say_renamed(writer, reader)
        match = self._match(writer.type, reader.type)
        if match == "differs":
            self._say(True, f"field '{writer.name}' {self._change(writer.type, reader.type)}{sizes}", writer, reader)
            return True
        if match == "names":
            self._say_type_renamed(writer, reader)
        inner, other = _struct_in(self.writer, writer.type), _struct_in(self.reader, reader.type)
        return bool(inner and other and (inner.size, inner.alignment) != (other.size, other.alignment))

    def _compare_layout(self, writer: Record, reader: Record, in_reader: Mapping[str, Field]) -> None:
        moved = [(one, in_reader[one.name]) for one in writer.fields if one.name in in_reader]
        moved = [(one, other) for one, other in moved if one.offset != other.offset]
        for one, other in moved:
            self._say(True, f"field '{one.name}' moved from byte {one.offset} to {other.offset}", one, other)
        if moved:
            return
        if writer.size != reader.size:
            self._say(True, f"size {writer.size} -> {reader.size} bytes")
        if writer.alignment != reader.alignment:  # A reader that relies on less than it is given loses nothing.
            is_less = writer.alignment < reader.alignment
            self._say(is_less, f"alignment {writer.alignment} -> {reader.alignment} bytes")

    def _say_renamed(self, writer: Field, reader: Field) -> None:
        if writer.name != reader.name:
            self._say(False, f"field '{writer.name}' renamed '{reader.name}'", writer, reader)

    def _say_type_renamed(self, writer: Field, reader: Field) -> None:
        self._say(False, f"field '{writer.name}' {self._change(writer.type, reader.type)}, same bytes", writer, reader)

    # ---- tables: a field is its id

    def _compare_tables(self, writer: Record, reader: Record) -> None:
        in_writer, in_reader = _by_name(writer.fields), _by_name(reader.fields)
        for one in writer.fields:
            namesake, other = in_reader.get(one.name), _with_id(reader, one.id)
            if namesake and namesake.id != one.id:
                # Most likely a field inserted without ids: the reader would mistake one for another.
                if not (one.is_tag and namesake.is_tag):
                    self._say(True, f"field '{one.name}' moved from id {one.id} to {namesake.id}", one, namesake)
            elif other is None:
                if not one.is_tag:
                    self._say(False, f"field '{one.name}' removed", one)
            elif other.name not in in_writer or other.name == one.name:
                self._compare_table_field(one, other)
        for one in reader.fields:
            if _with_id(writer, one.id) is None and one.name not in in_writer and (one.required or not one.is_tag):
                self._say(one.required, f"field '{one.name}' added{', required' if one.required else ''}", None, one)

    def _compare_table_field(self, writer: Field, reader: Field) -> None:
        name = writer.name
        if not writer.is_tag:
            self._say_renamed(writer, reader)
        if writer.deprecated != reader.deprecated:
            what = "deprecated" if reader.deprecated else "no longer deprecated"
            self._say(False, f"field '{name}' {what}", writer, reader)
        if reader.required and not reader.deprecated and (not writer.required or writer.deprecated):
            self._say(True, f"field '{name}' optional -> required", writer, reader)
        if writer.deprecated or reader.deprecated:  # Nobody writes it or nobody reads it.
            if type_text(writer.type) != type_text(reader.type):
                self._say(False, f"field '{name}' {self._change(writer.type, reader.type)}, deprecated", writer, reader)
            return
        match = self._match(writer.type, reader.type)
        if match == "differs":
            self._say(True, f"field '{name}' {self._change(writer.type, reader.type)}", writer, reader)
            return
        if match == "names" and not writer.is_tag:
            self._say_type_renamed(writer, reader)
        self._compare_defaults(writer, reader)

    def _compare_defaults(self, writer: Field, reader: Field) -> None:
        """A writer leaves out a value that equals its default, and the reader then sees its own."""
        if isinstance(writer.type, ScalarType) and not _has_same_default(writer, reader):
            old, new = _default_text(self.writer, writer), _default_text(self.reader, reader)
            self._say(False, f"field '{writer.name}' default {old} -> {new}", writer, reader)

    # ---- enums and unions: the number is what is written

    def _compare_enums(self, writer: Enumeration, reader: Enumeration) -> None:
        if isinstance(writer, Union) != isinstance(reader, Union):
            self._say(True, f"is {'a union' if isinstance(reader, Union) else 'an enum'} to the reader")
            return
        theirs, ours = _members(writer), _members(reader)
        by_name, by_number = {one.name: one for one in ours}, {one.number: one for one in ours}
        noun = "member" if isinstance(writer, Union) else "value"
        for one in theirs:
            namesake, same = by_name.get(one.name), by_number.get(one.number)
            if namesake and namesake.number != one.number:
                self._say(True, f"{noun} '{one.name}' {one.number} -> {namesake.number}", one, namesake)
            elif same is None:
                self._say(True, f"{noun} '{one.name}' ({one.number}) removed", one)
            else:
                self._compare_member(one, same, noun)
        names, numbers = {one.name for one in theirs}, {one.number for one in theirs}
        for one in ours:
            if one.number not in numbers and one.name not in names:
                self._say(False, f"{noun} '{one.name}' ({one.number}) added", None, one)

    def _compare_member(self, writer: Member, reader: Member, noun: str) -> None:
        # A member is its type: two tables that happen to be laid out alike do not mean the same.
        old = writer.type if isinstance(writer, UnionMember) else None
        new = reader.type if isinstance(reader, UnionMember) else None
        if old and new and self._match(old, new) != "same":
            self._say(True, f"{noun} '{writer.name}' {self._change(old, new)}", writer, reader)
        elif writer.name != reader.name:
            self._say(False, f"{noun} '{writer.name}' renamed '{reader.name}'", writer, reader)


def _declaration(schema: Schema, name: str) -> Record | Enumeration:
    return schema.records.get(name) or schema.enums.get(name) or schema.unions[name]


def _kind(one: Record | Enumeration) -> str:
    if isinstance(one, Record):
        return "struct" if one.is_struct else "table"
    return "union" if isinstance(one, Union) else "enum"


def _span(member: object) -> Span | None:
    return member.span if isinstance(member, Field | EnumValue) else None


def _by_name(fields: Sequence[Field]) -> Mapping[str, Field]:
    return {one.name: one for one in fields}


def _members(one: Enumeration) -> Sequence[Member]:
    members: Sequence[Member] = one.members if isinstance(one, Union) else one.values
    return sorted(members, key=lambda member: member.number)


def _with_id(record: Record, number: int) -> Field | None:
    """Fields are in order of id, without gaps."""
    return record.fields[number] if number < len(record.fields) else None


def _renamed(one: Field, other: Record, known: Mapping[str, Field]) -> Field | None:
    """The field at the same place, if its own name is new: a rename, seen from either side."""
    same = _with_id(other, one.id)
    if same is None or same.offset != one.offset or same.name in known:
        return None
    return same if _shape(same.type)[:2] == _shape(one.type)[:2] else None


def _element(type_: Type) -> Type:
    return type_.element if isinstance(type_, VectorType | ArrayType) else type_


def _shape(type_: Type) -> tuple[object, ...]:
    """What decides how bytes are read, names aside: what it is, of what, how many."""
    if isinstance(type_, VectorType):
        return ("vector", _shape(type_.element), type_.is_64)
    if isinstance(type_, ArrayType):
        return ("array", _shape(type_.element), type_.length)
    if isinstance(type_, ScalarType):
        return (type_.scalar, type_.is_tag)
    return ("record", type_.is_struct) if isinstance(type_, RecordType) else (type(type_).__name__,)


def _named(type_: Type) -> str:
    element = _element(type_)
    if isinstance(element, ScalarType):
        return element.enum
    return "" if isinstance(element, StringType) else element.name if isinstance(element, RecordType | UnionType) else ""


def _struct_in(schema: Schema, type_: Type) -> Record | None:
    element = _element(type_)
    return schema.records[element.name] if isinstance(element, RecordType) else None


def _with_kind(schema: Schema, type_: Type) -> str:
    """What tells two types of one name apart."""
    element = _element(type_)
    if isinstance(type_, VectorType) and type_.is_64:
        return "vector64 "
    if isinstance(element, ScalarType):
        return f"enum:{element.scalar.spelling} " if element.enum else ""
    return f"{_kind(_declaration(schema, _named(type_)))} " if _named(type_) else ""


def _has_same_default(a: Field, b: Field) -> bool:
    is_nan = all(isinstance(one.default, float) and math.isnan(one.default) for one in (a, b))
    return a.is_null == b.is_null and (a.default == b.default or is_nan)


def _default_text(schema: Schema, one: Field) -> str:
    if one.is_null:
        return "null"
    assert isinstance(one.type, ScalarType)
    if one.type.scalar is Scalar.BOOL:
        return "true" if one.default else "false"
    values = schema.enums[one.type.enum].values if one.type.enum in schema.enums else ()
    number = f"{one.default:g}" if one.type.scalar.is_float else str(one.default)
    return next((value.name for value in values if value.number == one.default), number)
