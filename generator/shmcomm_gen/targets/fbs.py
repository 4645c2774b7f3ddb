# SPDX-License-Identifier: Apache-2.0
"""The `.fbs` flatc reads: each file of the closure without its channels, defaults and numbers spelled out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from shmcomm_gen.fingerprint import type_text
from shmcomm_gen.model import (
    Attributes,
    EnumType,
    Field,
    Record,
    ScalarType,
    Schema,
    SchemaFile,
    Service,
    StringType,
    Union,
    UnionMember,
    namespace_of,
    short_name,
)

_KEYWORD_VALUES = (
    "required", "deprecated", "key", "bit_flags", "original_order", "flexbuffer", "offset64", "vector64", "shared",
)  # fmt: skip


def fbs_text(file: SchemaFile, schema: Schema) -> str:
    return "\n".join(_lines(file, schema)) + "\n"


def _lines(file: SchemaFile, schema: Schema) -> Iterator[str]:
    yield f"// Generated from {file.name} by shmcommc; do not edit."
    yield from (f'include "{name.rpartition(".")[0]}.fbs";' for name in file.includes)
    yield from (f"native_include {_quoted(name)};" for name in file.native_includes)
    yield from (f'attribute "{name}";' for name in file.attributes)
    namespace = ""
    # flatc wants enums and unions before their use, and records in any order.
    types = sorted(file.types, key=lambda name: name in schema.records)
    for name in (*types, *file.services):
        if namespace_of(name) != namespace:
            namespace = namespace_of(name)
            yield f"namespace {namespace};" if namespace else "namespace ;"
        yield ""
        yield from declaration(name, schema)
    if file.root_type:
        yield f"\nroot_type {file.root_type};"
    if file.file_identifier:
        yield f"file_identifier {_quoted(file.file_identifier)};"
    if file.file_extension:
        yield f"file_extension {_quoted(file.file_extension)};"


def declaration(name: str, schema: Schema) -> Iterator[str]:
    """The lines of one type or service."""
    if name in schema.records:
        return _record(schema.records[name])
    if name in schema.enums:
        return _enum(schema.enums[name])
    return _union(schema.unions[name]) if name in schema.unions else _service(schema.services[name])


def _record(record: Record) -> Iterator[str]:
    yield from (f"///{line}" for line in record.doc)
    kind = "struct" if record.is_struct else "table"
    yield f"{kind} {short_name(record.name)}{_attributes(record.attributes)} {{"
    for field in record.fields:
        if field.is_tag:
            continue
        yield from (f"  ///{line}" for line in field.doc)
        yield f"  {field.name}:{type_text(field.type)}{_default(field, record)}{_attributes(field.attributes)};"
    yield "}"


def _enum(enum: EnumType) -> Iterator[str]:
    yield from (f"///{line}" for line in enum.doc)
    yield f"enum {short_name(enum.name)} : {enum.underlying.spelling}{_attributes(enum.attributes)} {{"
    for value in enum.values:
        yield from (f"  ///{line}" for line in value.doc)
        number = value.number.bit_length() - 1 if enum.is_bit_flags else value.number
        yield f"  {value.name} = {number}{_attributes(value.attributes)},"
    yield "}"


def _union(union: Union) -> Iterator[str]:
    yield from (f"///{line}" for line in union.doc)
    tag = "" if union.is_plain else f" : {union.tag.spelling}"
    yield f"union {short_name(union.name)}{tag}{_attributes(union.attributes)} {{"
    for member in union.members:
        if member.type is None:
            continue
        yield from (f"  ///{line}" for line in member.doc)
        yield f"  {_member(member)} = {member.number}{_attributes(member.attributes)},"
    yield "}"


def _member(member: UnionMember) -> str:
    """Always with its name, so that flatc makes none from the qualified type."""
    return f"{member.name}:{'string' if isinstance(member.type, StringType) else member.type.name if member.type else ''}"


def _service(service: Service) -> Iterator[str]:
    yield from (f"///{line}" for line in service.doc)
    yield f"rpc_service {short_name(service.name)}{_attributes(service.attributes)} {{"
    for call in service.calls:
        yield from (f"  ///{line}" for line in call.doc)
        yield f"  {call.name}({call.request}):{call.response}{_attributes(call.attributes)};"
    yield "}"


def _default(field: Field, record: Record) -> str:
    if field.is_null:
        return " = null"
    if field.content is not None:
        return f" = {_quoted(field.content)}" if isinstance(field.type, StringType) else " = []"
    if record.is_struct or not isinstance(field.type, ScalarType) or field.default == 0:
        return ""
    if field.type.scalar.is_float:
        return f" = {float_text(float(field.default))}"
    return f" = {field.default}"


def float_text(number: float) -> str:
    """A float as both flatc and Python read it back to the same bits."""
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return repr(number)


def _quoted(text: str) -> str:
    """A string literal; JSON's escapes are among flatc's."""
    return json.dumps(text, ensure_ascii=False)


def _attributes(attributes: Attributes) -> str:
    shown = [name if name in _KEYWORD_VALUES else _valued(name, text) for name, text in attributes]
    return f" ({', '.join(shown)})" if shown else ""


def _valued(name: str, text: str) -> str:
    if text == "0" and name not in ("id", "force_align"):
        return name
    if name == "nested_flatbuffer":
        return f"{name}: {_quoted(text)}"
    return f"{name}: {text}" if text.lstrip("-").isdigit() else f"{name}: {_quoted(text)}"
