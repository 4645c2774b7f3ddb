# SPDX-License-Identifier: Apache-2.0
"""Enums and bit flags: the number of every value."""

from __future__ import annotations

from shmcomm_gen.attributes import Place, read_attributes
from shmcomm_gen.diagnostics import Sink, declared_at, did_you_mean, first_at
from shmcomm_gen.literals import integer_of
from shmcomm_gen.model import EnumType, EnumValue, qualify
from shmcomm_gen.scalars import SCALARS, Scalar
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import EnumSyntax, EnumValueSyntax, TypeName, TypeSyntax


def resolve_enum(written: EnumSyntax, user_attributes: frozenset[str], sink: Sink) -> EnumType:
    attributes = read_attributes(written.attributes, Place.ENUM, user_attributes, sink)
    is_bit_flags = any(key == "bit_flags" for key, _ in attributes)
    underlying = _underlying(written, sink)
    return EnumType(
        name=qualify(written.namespace, written.name.text),
        underlying=underlying,
        values=_number(written, underlying, is_bit_flags, user_attributes, sink),
        is_bit_flags=is_bit_flags,
        attributes=attributes,
        doc=written.doc,
        span=written.name.span,
    )


def _underlying(written: EnumSyntax, sink: Sink) -> Scalar:
    if written.underlying is None:
        sink.error("S019", f"enum '{written.name.text}' needs an integer type", written.name.span,
                   f"write enum {written.name.text} : ubyte")  # fmt: skip
        return Scalar.LONG
    return integer_type(written.underlying, "an enum counts", sink)


def integer_type(written: TypeSyntax, what: str, sink: Sink) -> Scalar:
    """The integer type written behind the colon of an enum or union."""
    scalar = SCALARS.get(written.name) if isinstance(written, TypeName) else None
    if scalar is not None and scalar.is_integer:
        return scalar
    integers = [name for name, known in SCALARS.items() if known.is_integer]
    hint = did_you_mean(_spelled(written), integers) or "use byte, ubyte, short, ushort, int, uint, …"
    sink.error("S019", f"{what} in integers, not in '{_spelled(written)}'", written.span, hint)
    return Scalar.LONG


def _spelled(written: TypeSyntax) -> str:
    return (
        written.name
        if isinstance(written, TypeName)
        else written.span.source.text[written.span.start : written.span.end]
    )


def _number(
    written: EnumSyntax, underlying: Scalar, is_bit_flags: bool, user_attributes: frozenset[str], sink: Sink
) -> tuple[EnumValue, ...]:
    by_name: dict[str, Span] = {}
    by_number: dict[int, EnumValueSyntax] = {}
    values: list[EnumValue] = []
    following = 0
    is_sound = True
    for value in written.values:
        name, span = value.name.text, value.name.span
        if name in by_name:
            sink.error("S007", f"enum '{written.name.text}' has two values '{name}'", span, "",
                       first_at(by_name[name]))  # fmt: skip
            continue
        by_name[name] = span
        position = _position(value, following, sink)
        following = position + 1
        number = 1 << position if is_bit_flags and 0 <= position < 64 else position
        if value.value is not None or is_sound:  # A number counted on from a wrong one is not wrong by itself.
            is_sound = _check_number(value, number, position, by_number, underlying, is_bit_flags, sink)
        by_number.setdefault(number, value)
        attributes = read_attributes(value.attributes, Place.ENUM_VALUE, user_attributes, sink)
        values.append(EnumValue(name, number, value.doc, span, attributes))
    # flatc gives an enum without values one, and so its C++ has it.
    return tuple(values) or (EnumValue("NONE", int(is_bit_flags), (), written.name.span),)


def _position(value: EnumValueSyntax, following: int, sink: Sink) -> int:
    """What is written, or one more than the value before. Of bit flags: the bit."""
    if value.value is None:
        return following
    number = integer_of(value.value)
    if number is None:
        sink.error("S018", f"'{value.name.text}' needs an integer, not {value.value.kind.value}", value.value.span)
        return following
    return number


def _check_number(
    value: EnumValueSyntax,
    number: int,
    position: int,
    by_number: dict[int, EnumValueSyntax],
    underlying: Scalar,
    is_bit_flags: bool,
    sink: Sink,
) -> bool:
    name = value.name.text
    span = value.value.span if value.value else value.name.span
    bits = 8 * underlying.size
    if is_bit_flags and not 0 <= position < bits:
        sink.error("S018", f"'{name}' is bit {position}, and {underlying.spelling} has bits 0 to {bits - 1}", span,
                   "of bit flags the number is the bit")  # fmt: skip
    elif not is_bit_flags and not underlying.holds(number):
        sink.error("S018", f"'{name}' is {number}, and {underlying.spelling} holds {underlying.range_text}", span,
                   "choose a wider type")  # fmt: skip
    elif number in by_number:
        earlier = by_number[number].name
        sink.error("S018", f"'{name}' and '{earlier.text}' are both {number}", span, "",
                   declared_at(earlier.text, earlier.span))  # fmt: skip
    else:
        return True
    return False
