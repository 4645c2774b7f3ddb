# SPDX-License-Identifier: Apache-2.0
"""Default values of fields: is there one, does it fit, what is it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shmcomm_gen.diagnostics import Related, Sink, declared_at, did_you_mean, one_of
from shmcomm_gen.literals import integer_of, real_of
from shmcomm_gen.model import ArrayType, Default, EnumType, ScalarType, StringType, Type, VectorType, short_name
from shmcomm_gen.scalars import Scalar
from shmcomm_gen.syntax import FieldSyntax, Value, ValueKind


@dataclass(frozen=True)
class Start:
    """What a field holds that nobody set: a number, nothing (`is_null`), or the `content` of a string or vector."""

    number: Default = 0
    is_null: bool = False
    content: str | None = None


def resolve_default(
    field: FieldSyntax, type_: Type, in_struct: bool, enums: Mapping[str, EnumType], sink: Sink
) -> Start:
    """What `field` starts as; zero where nothing is written or where it is wrong."""
    value = field.default
    if value is None or in_struct or isinstance(type_, ScalarType) and not _is_null(value):
        return Start(_number(field, type_, in_struct, enums, sink))
    if isinstance(type_, ScalarType):
        _check_null(field, type_, enums, sink)
        return Start(is_null=True)
    if isinstance(type_, StringType) and value.kind is ValueKind.STRING:
        # flatc cannot tell "0" from no default, and so the C++ has none.
        return Start(content=None if value.text == "0" else value.text)
    if isinstance(type_, VectorType) and value.kind is ValueKind.LIST:
        if not value.is_empty:
            sink.error("S017", "the default of a vector can only be empty", value.span, "write = []")
        return Start(content="[]")
    hint = {StringType: 'a string\'s default stands in quotes: "…"', VectorType: "write = []"}
    sink.error("S017", f"field '{field.name.text}' cannot have this default", value.span,
               hint.get(type(type_), "a table, struct or union is absent where nobody sets it"))  # fmt: skip
    return Start()


def _enum_at(enum: EnumType) -> Related:
    return declared_at(short_name(enum.name), enum.span)


def _is_null(value: Value) -> bool:
    return value.kind in (ValueKind.WORD, ValueKind.STRING) and value.text == "null"


def _check_null(field: FieldSyntax, type_: ScalarType, enums: Mapping[str, EnumType], sink: Sink) -> None:
    enum = enums.get(type_.enum)
    if enum and any(value.name == "null" for value in enum.values):
        sink.error("S016", f"'{short_name(enum.name)}' has a value 'null', so = null has two meanings",
                   field.name.span, "rename the value", _enum_at(enum))  # fmt: skip


def _number(
    field: FieldSyntax, type_: Type, in_struct: bool, enums: Mapping[str, EnumType], sink: Sink
) -> Default:
    value = field.default
    if value is None:
        element = type_.element if isinstance(type_, ArrayType) else type_
        if isinstance(element, ScalarType) and element.enum in enums:
            _check_implied_zero(field, enums[element.enum], in_struct, sink)
        return 0.0 if isinstance(type_, ScalarType) and type_.scalar.is_float else 0
    if in_struct:
        sink.error("S017", "a field of a struct has no default: all its bytes are always there", value.span)
    elif isinstance(type_, ScalarType) and type_.enum in enums:
        return _enum_default(value, enums[type_.enum], sink)
    elif isinstance(type_, ScalarType):
        return _scalar_default(value, type_.scalar, sink)
    return 0


def _check_implied_zero(field: FieldSyntax, enum: EnumType, in_struct: bool, sink: Sink) -> None:
    if enum.is_bit_flags or not enum.values or any(value.number == 0 for value in enum.values):
        return
    name = short_name(enum.name)
    sink.error("S016", f"field '{field.name.text}' starts as 0, and '{name}' has no value 0", field.name.span,
               "give the enum one" if in_struct else f"write = {enum.values[0].name}",
               _enum_at(enum))  # fmt: skip


def _enum_default(value: Value, enum: EnumType, sink: Sink) -> int:
    members = {member.name: member.number for member in enum.values}
    number = integer_of(value)
    if number is not None:
        is_fitting = enum.underlying.holds(number) if enum.is_bit_flags else number in members.values()
        if not is_fitting:
            sink.error("S016", f"{number} is no value of '{short_name(enum.name)}'", value.span, one_of(members))
        return number
    if value.kind not in (ValueKind.WORD, ValueKind.STRING):
        sink.error("S016", f"{value.kind.value} is no value of '{short_name(enum.name)}'", value.span, one_of(members))
        return 0
    total = 0
    for word in value.text.split() if value.kind is ValueKind.STRING else [value.text]:
        member = word.removeprefix(enum.name + ".").removeprefix(short_name(enum.name) + ".")
        if member not in members:
            hint = did_you_mean(member, members) or one_of(members)
            sink.error("S016", f"'{word}' is no value of '{short_name(enum.name)}'", value.span, hint,
                       _enum_at(enum))  # fmt: skip
        total |= members.get(member, 0)
    return total


def _scalar_default(value: Value, scalar: Scalar, sink: Sink) -> Default:
    if scalar.is_float:
        number = real_of(value)
        if number is not None:
            return number
    elif scalar is Scalar.BOOL and value.text in ("true", "false"):
        return int(value.text == "true")
    else:
        whole = integer_of(value)
        if whole is not None and scalar.holds(whole):
            return whole
        if whole is not None:
            hint = "write true or false" if scalar is Scalar.BOOL else f"it holds {scalar.range_text}"
            sink.error("S016", f"{whole} does not fit {scalar.spelling}", value.span, hint)
            return 0
    hint = "write true or false" if scalar is Scalar.BOOL else ""
    if scalar.is_float and "0x" in value.text.lower():
        hint = "a hexadecimal number of a float needs its exponent: 0x10p0"
    sink.error("S016", f"'{value.text}' is no default of type {scalar.spelling}", value.span, hint)
    return 0
