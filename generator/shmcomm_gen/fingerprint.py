# SPDX-License-Identifier: Apache-2.0
"""The identity of a message type: a hash of everything that decides what its bytes mean, and of nothing else.

Documentation, the order of declarations, file names, deprecation and hints to generators do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from shmcomm_gen.model import ArrayType, EnumType, Field, Record, RecordType, ScalarType, Schema, Type, Union, UnionType, VectorType


# Attributes that say what the bytes of a field are.
_TOLD_ATTRIBUTES = ("nested_flatbuffer", "flexbuffer", "force_align")


def fingerprint(message: str, schema: Schema) -> int:
    """The first 8 bytes, big-endian, of the SHA-256 of the canonical text."""
    digest = hashlib.sha256(canonical_text(message, schema).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def canonical_text(message: str, schema: Schema) -> str:
    """The message's name, then every type it reaches, sorted by name, a line a type."""
    names = sorted(reachable(message, schema))
    lines = [_line(name, schema) for name in names]
    return "\n".join([f"message {message}", *lines]) + "\n"


def _line(name: str, schema: Schema) -> str:
    if name in schema.records:
        return _record_line(schema.records[name])
    return _enum_line(schema.enums[name]) if name in schema.enums else _union_line(schema.unions[name])


def reachable(message: str, schema: Schema) -> set[str]:
    """The names of all records and enums in the closure of `message`, itself included."""
    found: set[str] = set()
    waiting = [message]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in schema.records:
            waiting.extend(mention for f in schema.records[name].fields for mention in _mentions(f.type))
        elif name in schema.unions:
            waiting.extend(mention for m in schema.unions[name].members if m.type for mention in _mentions(m.type))
    return found


def _mentions(type_: Type) -> Iterator[str]:
    if isinstance(type_, VectorType | ArrayType):
        yield from _mentions(type_.element)
    elif isinstance(type_, RecordType | UnionType):
        yield type_.name
    elif isinstance(type_, ScalarType) and type_.enum:
        yield type_.enum


def _record_line(record: Record) -> str:
    kind = f"struct[{record.size},{record.alignment}]" if record.is_struct else "table"
    fields = ";".join(_field_text(field, record.is_struct) for field in record.fields)
    return f"{kind} {record.name} {{{fields}}}"


def _field_text(field: Field, in_struct: bool) -> str:
    text = f"{field.id}:{field.name}:{type_text(field.type)}{'.type' if field.is_tag else ''}"
    if in_struct:
        return f"{text}@{field.offset}"
    if field.is_null:
        text += "=null"
    elif field.content is not None:
        text += f"={json.dumps(field.content)}"
    elif isinstance(field.type, ScalarType):
        text += f"={float(field.default).hex() if field.type.scalar.is_float else field.default}"
    text += " required" if field.required else ""
    text += " far" if field.is_far else ""
    text += " 64" if isinstance(field.type, VectorType) and field.type.is_64 else ""
    told = ((name, field.attribute(name)) for name in _TOLD_ATTRIBUTES)
    return text + "".join(f" {name}:{value}" for name, value in told if value is not None)


def _enum_line(enum: EnumType) -> str:
    values = ";".join(f"{v.name}={v.number}" for v in sorted(enum.values, key=lambda v: v.number))
    return f"enum {enum.name}:{enum.underlying.spelling}{' flags' if enum.is_bit_flags else ''} {{{values}}}"


def _union_line(union: Union) -> str:
    members = ";".join(f"{m.name}={m.number}:{type_text(m.type)}" for m in union.members if m.type)
    return f"union {union.name}:{union.tag.spelling} {{{members}}}"


def type_text(type_: Type) -> str:
    """A type as the schema language writes it, names qualified."""
    if isinstance(type_, VectorType):
        return f"[{type_text(type_.element)}]"
    if isinstance(type_, ArrayType):
        return f"[{type_text(type_.element)}:{type_.length}]"
    if isinstance(type_, RecordType | UnionType):
        return type_.name
    if isinstance(type_, ScalarType):
        return type_.enum or type_.scalar.spelling
    return "string"
