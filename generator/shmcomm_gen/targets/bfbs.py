# SPDX-License-Identifier: Apache-2.0
"""The binary schema (`.bfbs`): the model in FlatBuffers' reflection format, equal to what flatc 2.0.8 writes with
`-b --schema --bfbs-comments --bfbs-builtins`. It needs no flatc, and every tool decodes a live channel with it.

`_SLOTS` gives the vtable slots of reflection.fbs. Objects, enums and fields are sorted by name, as the format demands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import flatbuffers  # type: ignore[import-untyped]

from shmcomm_gen.model import (
    ArrayType,
    Attributes,
    Call,
    EnumType,
    EnumValue,
    Field,
    Record,
    RecordType,
    ScalarType,
    Schema,
    SchemaFile,
    Service,
    Type,
    Union,
    UnionMember,
    UnionType,
    VectorType,
)

_SLOTS: Mapping[str, Mapping[str, int]] = {
    "Type": {"base_type": 0, "element": 1, "index": 2, "fixed_length": 3, "base_size": 4, "element_size": 5},
    "KeyValue": {"key": 0, "value": 1},
    "EnumVal": {"name": 0, "value": 1, "union_type": 3, "documentation": 4, "attributes": 5},
    "Enum": {
        "name": 0, "values": 1, "is_union": 2, "underlying_type": 3, "attributes": 4, "documentation": 5,
        "declaration_file": 6,
    },
    "RPCCall": {"name": 0, "request": 1, "response": 2, "attributes": 3, "documentation": 4},
    "Service": {"name": 0, "calls": 1, "attributes": 2, "documentation": 3, "declaration_file": 4},
    "Field": {
        "name": 0, "type": 1, "id": 2, "offset": 3, "default_integer": 4, "default_real": 5, "deprecated": 6,
        "required": 7, "key": 8, "attributes": 9, "documentation": 10, "optional": 11, "padding": 12, "offset64": 13,
    },
    "Object": {
        "name": 0, "fields": 1, "is_struct": 2, "minalign": 3, "bytesize": 4, "attributes": 5, "documentation": 6,
        "declaration_file": 7,
    },
    "SchemaFile": {"filename": 0, "included_filenames": 1},
    "Schema": {
        "objects": 0, "enums": 1, "file_ident": 2, "file_ext": 3, "root_table": 4, "services": 5,
        "advanced_features": 6, "fbs_files": 7,
    },
}  # fmt: skip

_NONE, _TAG, _STRING, _VECTOR, _OBJ, _UNION, _ARRAY, _VECTOR64 = 0, 1, 13, 14, 15, 16, 17, 18
_OFFSET_BYTES, _FAR_OFFSET_BYTES = 4, 8
_ARRAYS, _UNION_VECTORS, _OPTIONAL_SCALARS, _DEFAULT_CONTENTS = 1, 2, 4, 8


class _Builder(Protocol):
    """What this file uses of flatbuffers.Builder, which carries no types of its own."""

    def CreateString(self, text: str) -> int: ...
    def StartObject(self, slots: int) -> None: ...
    def EndObject(self) -> int: ...
    def PrependUOffsetTRelativeSlot(self, slot: int, value: int, default: int) -> None: ...
    def PrependBoolSlot(self, slot: int, value: bool, default: bool) -> None: ...
    def PrependInt8Slot(self, slot: int, value: int, default: int) -> None: ...
    def PrependUint16Slot(self, slot: int, value: int, default: int) -> None: ...
    def PrependInt32Slot(self, slot: int, value: int, default: int) -> None: ...
    def PrependUint32Slot(self, slot: int, value: int, default: int) -> None: ...
    def PrependInt64Slot(self, slot: int, value: int, default: int) -> None: ...
    def PrependUint64Slot(self, slot: int, value: int, default: int) -> None: ...
    def PrependFloat64Slot(self, slot: int, value: float, default: float) -> None: ...
    def StartVector(self, size: int, count: int, alignment: int) -> None: ...
    def PrependUOffsetTRelative(self, offset: int) -> None: ...
    def EndVector(self) -> int: ...
    def Finish(self, root: int, file_identifier: bytes) -> None: ...
    def Output(self) -> bytearray: ...


def bfbs_bytes(schema: Schema) -> bytes:
    return _Writer(schema, cast(_Builder, flatbuffers.Builder(4096))).schema_bytes()


@dataclass(frozen=True)
class _Writer:
    schema: Schema
    builder: _Builder
    objects: Mapping[str, int] = field(init=False)
    enums: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "objects", {name: i for i, name in enumerate(sorted(self.schema.records))})
        enums = sorted([*self.schema.enums, *self.schema.unions])
        object.__setattr__(self, "enums", {name: i for i, name in enumerate(enums)})

    def schema_bytes(self) -> bytes:
        main = self.schema.main
        objects = {name: self._object(self.schema.records[name]) for name in self.objects}
        root = self._table(
            "Schema",
            objects=self._vector(list(objects.values())),
            enums=self._vector([self._enum_or_union(name) for name in self.enums]),
            file_ident=self.builder.CreateString(main.file_identifier),
            file_ext=self.builder.CreateString(main.file_extension),
            root_table=objects.get(main.root_type, 0),
            services=self._vector([self._service(service, objects) for _, service in sorted(self.schema.services.items())]),
            advanced_features=_features(self.schema),
            fbs_files=self._vector([self._file(f) for f in sorted(self.schema.files, key=lambda f: f.name)]),
        )
        self.builder.Finish(root, b"BFBS")
        return bytes(self.builder.Output())

    # ---- the parts of reflection.fbs ----

    def _object(self, record: Record) -> int:
        fields = [self._field(f, record) for f in sorted(record.fields, key=lambda f: f.name)]
        return self._table(
            "Object",
            name=self.builder.CreateString(record.name),
            fields=self._vector(fields),
            is_struct=record.is_struct,
            minalign=record.alignment,
            bytesize=record.size,
            attributes=self._attributes(record.attributes),
            documentation=self._documentation(record.doc),
            declaration_file=self._file_name(record.span.source.path.name),
        )

    def _field(self, field: Field, record: Record) -> int:
        is_scalar = isinstance(field.type, ScalarType)
        is_float = isinstance(field.type, ScalarType) and field.type.scalar.is_float
        return self._table(
            "Field",
            name=self.builder.CreateString(field.name),
            type=self._type(field.type),
            id=field.id,
            offset=field.offset,
            default_integer=0 if is_float else _as_signed(int(field.default)),
            default_real=float(field.default) if is_float else 0.0,
            deprecated=field.deprecated,
            required=field.required,
            key=field.key,
            attributes=self._attributes(field.attributes),
            documentation=self._documentation(field.doc),
            optional=field.is_null if is_scalar else not field.required and field.content is None,
            padding=field.padding,
            offset64=field.is_far,
        )

    def _enum_or_union(self, name: str) -> int:
        return self._enum(self.schema.enums[name]) if name in self.schema.enums else self._union(self.schema.unions[name])

    def _enum(self, enum: EnumType) -> int:
        values = [self._enum_value(value) for value in sorted(enum.values, key=lambda v: v.number)]
        return self._table(
            "Enum",
            name=self.builder.CreateString(enum.name),
            values=self._vector(values),
            underlying_type=self._type(ScalarType(enum.underlying, enum.name)),
            attributes=self._attributes(enum.attributes),
            documentation=self._documentation(enum.doc),
            declaration_file=self._file_name(enum.span.source.path.name),
        )

    def _enum_value(self, value: EnumValue) -> int:
        return self._table(
            "EnumVal",
            name=self.builder.CreateString(value.name),
            value=_as_signed(value.number),
            union_type=self._no_type(),
            documentation=self._documentation(value.doc),
            attributes=self._attributes(value.attributes),
        )

    def _no_type(self) -> int:
        return self._table("Type", base_type=_NONE, element=_NONE, index=-1, base_size=1, element_size=1)

    def _union(self, union: Union) -> int:
        return self._table(
            "Enum",
            name=self.builder.CreateString(union.name),
            values=self._vector([self._union_member(member) for member in union.members]),
            is_union=True,
            underlying_type=self._type(ScalarType(union.tag, union.name, is_tag=union.is_plain)),
            attributes=self._attributes(union.attributes),
            documentation=self._documentation(union.doc),
            declaration_file=self._file_name(union.span.source.path.name),
        )

    def _union_member(self, member: UnionMember) -> int:
        return self._table(
            "EnumVal",
            name=self.builder.CreateString(member.name),
            value=_as_signed(member.number),
            union_type=self._type(member.type) if member.type else self._no_type(),
            documentation=self._documentation(member.doc),
            attributes=self._attributes(member.attributes),
        )

    def _service(self, service: Service, objects: Mapping[str, int]) -> int:
        return self._table(
            "Service",
            name=self.builder.CreateString(service.name),
            calls=self._vector([self._call(call, objects) for call in service.calls]),
            attributes=self._attributes(service.attributes),
            documentation=self._documentation(service.doc),
            declaration_file=self._file_name(service.span.source.path.name),
        )

    def _call(self, call: Call, objects: Mapping[str, int]) -> int:
        return self._table(
            "RPCCall",
            name=self.builder.CreateString(call.name),
            request=objects[call.request],
            response=objects[call.response],
            attributes=self._attributes(call.attributes),
            documentation=self._documentation(call.doc),
        )

    def _file(self, file: SchemaFile) -> int:
        return self._table(
            "SchemaFile",
            filename=self._file_name(file.name),
            included_filenames=self._vector([self._file_name(name) for name in sorted(file.includes)]),
        )

    def _file_name(self, name: str) -> int:
        """flatc writes paths from the main schema's folder, which it calls `//`; names alone depend on no machine."""
        return self.builder.CreateString(f"//{name}")

    def _type(self, type_: Type) -> int:
        base_type, base_size, index = self._base(type_)
        element, element_size, fixed_length = _NONE, 1, 0
        if isinstance(type_, VectorType | ArrayType):
            element, element_size, index = self._base(type_.element)
            fixed_length = type_.length if isinstance(type_, ArrayType) else 0
        return self._table(
            "Type",
            base_type=base_type,
            element=element,
            index=index,
            fixed_length=fixed_length,
            base_size=base_size,
            element_size=element_size,
        )

    def _base(self, type_: Type) -> tuple[int, int, int]:
        """BaseType, its size (that of an offset for all that is not scalar) and the index of a record or enum."""
        if isinstance(type_, ScalarType) and type_.is_tag:
            return _TAG, 1, self.enums[type_.enum]
        if isinstance(type_, ScalarType):
            return type_.scalar.base_type, type_.scalar.size, self.enums.get(type_.enum, -1)
        if isinstance(type_, RecordType):
            return _OBJ, _OFFSET_BYTES, self.objects[type_.name]
        if isinstance(type_, UnionType):
            return _UNION, _OFFSET_BYTES, self.enums[type_.name]
        if isinstance(type_, VectorType):
            return (_VECTOR64, _FAR_OFFSET_BYTES, -1) if type_.is_64 else (_VECTOR, _OFFSET_BYTES, -1)
        return (_ARRAY if isinstance(type_, ArrayType) else _STRING), _OFFSET_BYTES, -1

    def _attributes(self, attributes: Attributes) -> int:
        """Absent, not empty, where there are none."""
        create = self.builder.CreateString
        pairs = [self._table("KeyValue", key=create(key), value=create(value)) for key, value in attributes]
        return self._vector(pairs) if pairs else 0

    def _documentation(self, lines: Sequence[str]) -> int:
        return self._vector([self.builder.CreateString(line) for line in lines])

    # ---- the parts of the wire ----

    def _vector(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(_OFFSET_BYTES, len(offsets), _OFFSET_BYTES)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def _table(self, table: str, **values: int | float | bool) -> int:
        slots = _SLOTS[table]
        self.builder.StartObject(max(slots.values()) + 1)
        for name, value in values.items():
            self._put(table, name, slots[name], value)
        return self.builder.EndObject()

    def _put(self, table: str, name: str, slot: int, value: int | float | bool) -> None:
        """Scalars by their type in reflection.fbs; the rest are offsets, zero for absent."""
        put = self.builder
        match (table, name):
            case ("Type", "base_type" | "element"):
                put.PrependInt8Slot(slot, int(value), 0)
            case ("Type", "index"):
                put.PrependInt32Slot(slot, int(value), -1)
            case ("Type", "base_size"):
                put.PrependUint32Slot(slot, int(value), 4)
            case ("Type", "element_size"):
                put.PrependUint32Slot(slot, int(value), 0)
            case ("Type", "fixed_length") | ("Field", "id" | "offset" | "padding"):
                put.PrependUint16Slot(slot, int(value), 0)
            case ("EnumVal", "value") | ("Field", "default_integer"):
                put.PrependInt64Slot(slot, int(value), 0)
            case ("Field", "default_real"):
                put.PrependFloat64Slot(slot, float(value), 0.0)
            case (_, "deprecated" | "required" | "key" | "optional" | "is_struct" | "is_union" | "offset64") if isinstance(value, bool):
                put.PrependBoolSlot(slot, value, False)
            case (_, "minalign" | "bytesize"):
                put.PrependInt32Slot(slot, int(value), 0)
            case (_, "advanced_features"):
                put.PrependUint64Slot(slot, int(value), 0)
            case _:
                put.PrependUOffsetTRelativeSlot(slot, int(value), 0)


def _features(schema: Schema) -> int:
    """The flags by which a reader knows early that it does not understand a schema."""
    flags = 0
    for record in schema.records.values():
        flags |= _ARRAYS if record.has_arrays else 0
        for field in record.fields:
            is_union_vector = isinstance(field.type, VectorType) and isinstance(field.type.element, UnionType)
            flags |= _UNION_VECTORS if is_union_vector else 0
            flags |= _OPTIONAL_SCALARS if field.is_null else 0
            flags |= _DEFAULT_CONTENTS if field.content is not None else 0
    return flags


def _as_signed(number: int) -> int:
    """Reflection keeps 64 unsigned bits in a signed field."""
    return number - (1 << 64) if number >= 1 << 63 else number
