# SPDX-License-Identifier: Apache-2.0
"""Default values of fields: is there one, does it fit, what is its number."""

from __future__ import annotations

from collections.abc import Mapping

from shmcomm_gen.diagnostics import Sink, did_you_mean, one_of
from shmcomm_gen.literals import integer_of, real_of
from shmcomm_gen.model import Default, EnumType, ScalarType, StringType, Type, VectorType, short_name
from shmcomm_gen.scalars import Scalar
from shmcomm_gen.syntax import FieldSyntax, Value, ValueKind


def resolve_default(
    field: FieldSyntax, type_: Type, in_struct: bool, enums: Mapping[str, EnumType], sink: Sink
) -> Default:
    """The default of `field`; zero where none is written or where it is wrong."""
    value = field.default
    if value is None:
        if not in_struct and isinstance(type_, ScalarType) and type_.enum in enums:
            _check_implied_zero(field, enums[type_.enum], sink)
        return 0.0 if isinstance(type_, ScalarType) and type_.scalar.is_float else 0
    if in_struct:
        sink.error("S017", "a field of a struct has no default: all its bytes are always there", value.span)
    elif value.kind is ValueKind.CALL or (value.kind is ValueKind.WORD and value.text == "null"):
        what = "an optional scalar (= null)" if value.text == "null" else f"a computed default ({value.text})"
        sink.error("S004", f"{what} is not supported yet", value.span)
    elif isinstance(type_, StringType | VectorType) and value.kind in (ValueKind.STRING, ValueKind.LIST):
        sink.error("S004", "a default of a string or vector is not supported yet", value.span)
    elif not isinstance(type_, ScalarType):
        sink.error("S017", f"field '{field.name.text}' cannot have a default", value.span, "only scalars and enums can")
    elif type_.enum in enums:
        return _enum_default(value, enums[type_.enum], sink)
    elif not type_.enum:
        return _scalar_default(value, type_.scalar, sink)
    return 0


def _check_implied_zero(field: FieldSyntax, enum: EnumType, sink: Sink) -> None:
    if enum.is_bit_flags or not enum.values or any(value.number == 0 for value in enum.values):
        return
    name = short_name(enum.name)
    sink.error("S016", f"field '{field.name.text}' starts as 0, and '{name}' has no value 0", field.name.span,
               f"write = {enum.values[0].name}", enum.span)  # fmt: skip


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
            sink.error("S016", f"'{word}' is no value of '{short_name(enum.name)}'", value.span, hint, enum.span)
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
    sink.error("S016", f"'{value.text}' is no default of type {scalar.spelling}", value.span, hint)
    return 0
