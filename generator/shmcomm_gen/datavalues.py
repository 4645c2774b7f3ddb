# SPDX-License-Identifier: Apache-2.0
"""Single values of data: what flatc takes for a number, a name of an enum, or a part of a flexbuffer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shmcomm_gen.diagnostics import Related, declared_at, did_you_mean, one_of
from shmcomm_gen.literals import integer_of, real_of
from shmcomm_gen.model import EnumType, Field, ScalarType, Schema, Union, qualify, short_name
from shmcomm_gen.scalars import Scalar
from shmcomm_gen.syntax import DataValue, Value, ValueKind

_WORDS = (ValueKind.WORD, ValueKind.STRING)
_LOOSE_WORDS = ("true", "false", "null")
_NAME = re.compile(r"[A-Za-z_]")
_PLAIN = re.compile(r"[ -\[\]-~]*")  # printable, no backslash


@dataclass(frozen=True)
class Problem:
    what: str
    hint: str = ""
    related: Related | None = None


def is_null(value: DataValue) -> bool:
    return isinstance(value, Value) and value.kind in _WORDS and value.text == "null"


def is_hashed(field: Field, type_: ScalarType, value: Value) -> bool:
    """A word instead of the number: flatc stores its hash, in 32 or 64 bits."""
    is_wide = type_.scalar in (Scalar.INT, Scalar.UINT, Scalar.LONG, Scalar.ULONG)
    is_word = value.kind is ValueKind.STRING or (value.kind is ValueKind.WORD and value.text.isidentifier())
    return is_wide and is_word and field.attribute("hash") is not None


def scalar_problem(path: str, value: Value, type_: ScalarType, schema: Schema, namespace: str) -> Problem | None:
    scalar, text = type_.scalar, value.text
    if value.kind is ValueKind.STRING and not _PLAIN.fullmatch(value.span.source.text, value.span.start, value.span.end):
        return Problem(f"'{path}' is {scalar.spelling}, and in quotes that is ASCII without escapes")
    if scalar.is_float:
        return None if real_of(value) is not None else _mismatch(path, value, type_)
    if scalar is Scalar.BOOL and value.kind in _WORDS and text in ("true", "false"):
        return None
    number = integer_of(value)
    if number is None and scalar is not Scalar.BOOL and value.kind in _WORDS and _NAME.match(text):
        found = _named(path, value, type_, schema, namespace)
        if isinstance(found, Problem):
            return found
        number = found
    if number is None:
        return _mismatch(path, value, type_)
    if scalar.holds(number):
        return None
    return Problem(f"{number} does not fit {scalar.spelling}", f"it holds {scalar.range_text}")


def _mismatch(path: str, value: Value, type_: ScalarType) -> Problem:
    meant = f"a value of '{short_name(type_.enum)}'" if type_.enum else type_.scalar.spelling
    given = f"'{value.text}'" if value.kind in _WORDS else value.kind.value
    hint = "a hexadecimal number of a float needs its exponent: 0x10p0"
    return Problem(f"'{path}' is {meant}, not {given}", hint if type_.scalar.is_float and "0x" in value.text.lower() else "")


def _named(path: str, value: Value, type_: ScalarType, schema: Schema, namespace: str) -> int | Problem:
    """All the words of `value` together, as bit flags are. Without an enum of its own an integer takes `"Color.Red"`."""
    total = 0
    for word in value.text.split(" ") if value.kind is ValueKind.STRING else [value.text]:
        enum, _, name = ("", "", word) if type_.enum else word.partition(".")
        found = _type(type_.enum, schema) if type_.enum else _in_sight(enum, schema, namespace)
        if found is None or (value.kind is ValueKind.WORD and enum):
            return Problem(f"'{path}' is {type_.scalar.spelling}, not '{word}'", 'a value of an enum is "Color.Red" here')
        numbers = _numbers(found)
        if name not in numbers:
            hint = did_you_mean(name, numbers) or one_of(numbers)
            return Problem(f"'{name}' is no value of '{short_name(found.name)}'", hint,
                           declared_at(short_name(found.name), found.span))  # fmt: skip
        total |= numbers[name]
    return total


def _type(name: str, schema: Schema) -> EnumType | Union | None:
    return schema.enums.get(name) or schema.unions.get(name)


def _in_sight(name: str, schema: Schema, namespace: str) -> EnumType | Union | None:
    scopes = namespace.split(".") if namespace else []
    found = (_type(qualify(".".join(scopes[:depth]), name), schema) for depth in range(len(scopes), -1, -1))
    return next((one for one in found if one), None)


def _numbers(declared: EnumType | Union) -> dict[str, int]:
    values = declared.members if isinstance(declared, Union) else declared.values
    return {one.name: one.number for one in values}


def tag_number(tag: DataValue, union: Union) -> int | None:
    """The number of the member that `tag` names; None where it names none."""
    if not isinstance(tag, Value):
        return None
    number = integer_of(tag)
    return number if number is not None else _numbers(union).get(tag.text)


def loose_problem(path: str, value: Value) -> Problem | None:
    is_word = value.kind is ValueKind.WORD
    if value.kind is ValueKind.CALL or (is_word and value.text not in _LOOSE_WORDS and real_of(value) is None):
        return Problem(f"'{path}' cannot be {value.kind.value}", "put it in quotes")
    return None
