# SPDX-License-Identifier: Apache-2.0
"""The attributes of FlatBuffers: which exist and where they may stand."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Flag, auto

from shmcomm_gen.diagnostics import Sink, did_you_mean
from shmcomm_gen.literals import integer
from shmcomm_gen.model import Attributes
from shmcomm_gen.syntax import Attribute, Value, ValueKind


class Place(Flag):
    TABLE = auto()
    STRUCT = auto()
    ENUM = auto()
    TABLE_FIELD = auto()
    STRUCT_FIELD = auto()
    ENUM_VALUE = auto()
    UNION = auto()
    UNION_MEMBER = auto()
    SERVICE = auto()
    CALL = auto()


_PLACE_NAMES = {
    Place.TABLE: "a table",
    Place.STRUCT: "a struct",
    Place.ENUM: "an enum",
    Place.TABLE_FIELD: "a field of a table",
    Place.STRUCT_FIELD: "a field of a struct",
    Place.ENUM_VALUE: "an enum value",
    Place.UNION: "a union",
    Place.UNION_MEMBER: "a member of a union",
    Place.SERVICE: "an rpc_service",
    Place.CALL: "a call of an rpc_service",
}
_ANY_FIELD = Place.TABLE_FIELD | Place.STRUCT_FIELD
_VALUES = Place.ENUM_VALUE | Place.UNION_MEMBER
_ANYWHERE = Place.TABLE | Place.STRUCT | Place.ENUM | Place.UNION | Place.SERVICE | Place.CALL | _VALUES | _ANY_FIELD

_KNOWN: dict[str, Place] = {
    "id": Place.TABLE_FIELD,
    "required": Place.TABLE_FIELD,
    "deprecated": Place.TABLE_FIELD,
    "key": _ANY_FIELD,
    "bit_flags": Place.ENUM,
    "force_align": Place.STRUCT | _ANY_FIELD,
    "nested_flatbuffer": Place.TABLE_FIELD,
    "flexbuffer": Place.TABLE_FIELD,
    "offset64": Place.TABLE_FIELD,
    "vector64": Place.TABLE_FIELD,
    "shared": Place.TABLE_FIELD,
    "hash": Place.TABLE_FIELD,
    "streaming": Place.CALL,
    "idempotent": Place.CALL,
    "original_order": Place.TABLE,
    # Hints for other generators: carried through unchanged.
    "csharp_partial": Place.TABLE | Place.STRUCT,
    "private": _ANYWHERE,
    "cpp_type": _ANY_FIELD,
    "cpp_ptr_type": _ANY_FIELD,
    "cpp_ptr_type_get": _ANY_FIELD,
    "cpp_str_type": _ANY_FIELD,
    "cpp_str_flex_ctor": _ANY_FIELD,
    "native_inline": _ANY_FIELD,
    "native_default": _ANY_FIELD,
    "native_custom_alloc": Place.TABLE | Place.STRUCT,
    "native_type": Place.TABLE | Place.STRUCT,
    "native_type_pack_name": Place.TABLE | Place.STRUCT,
}
_NEEDS_VALUE = ("id", "force_align")
_NEEDS_TEXT = ("nested_flatbuffer",)
_TAKES_NONE = (
    "required", "deprecated", "key", "bit_flags", "original_order", "flexbuffer", "offset64", "vector64", "shared",
)  # fmt: skip
_SPELLABLE = (ValueKind.INTEGER, ValueKind.STRING, ValueKind.WORD)


def read_attributes(
    written: Iterable[Attribute], place: Place, user_attributes: frozenset[str], sink: Sink
) -> Attributes:
    """The attributes sorted by name, each with its text (`0` where none is given, as in reflection)."""
    kept: dict[str, str] = {}
    for attribute in written:
        name = attribute.name.text
        if name in kept:
            sink.error("S007", f"attribute '{name}' is given twice", attribute.name.span)
        elif _is_acceptable(attribute, place, user_attributes, sink):
            kept[name] = _text(attribute.value)
    return tuple(sorted(kept.items()))


def _text(value: Value | None) -> str:
    if value is None:
        return "0"
    return str(integer(value.text)) if value.kind is ValueKind.INTEGER else value.text


def _is_acceptable(attribute: Attribute, place: Place, user_attributes: frozenset[str], sink: Sink) -> bool:
    name, span = attribute.name.text, attribute.name.span
    if attribute.value and attribute.value.kind not in _SPELLABLE:
        sink.error("S021", f"an attribute's value is an integer, a string or a word, not {attribute.value.kind.value}",
                   attribute.value.span, "put it in quotes")  # fmt: skip
    elif name in user_attributes:
        return True
    elif name not in _KNOWN:
        close = did_you_mean(name, [*_KNOWN, *user_attributes])
        sink.error("S020", f"unknown attribute '{name}'", span, close or f'declare it: attribute "{name}";')
    elif place in _VALUES:
        return True  # There every attribute is a remark for other tools.
    elif place not in _KNOWN[name]:
        valid = " or ".join(text for one, text in _PLACE_NAMES.items() if one in _KNOWN[name])
        sink.error("S021", f"'{name}' has no meaning on {_PLACE_NAMES[place]}", span, f"it belongs on {valid}")
    elif name in _NEEDS_VALUE and not _is_integer(attribute.value):
        sink.error("S021", f"'{name}' needs a number", span, f"write {name}: N")
    elif name in _NEEDS_TEXT and (attribute.value is None or attribute.value.kind is not ValueKind.STRING):
        sink.error("S021", f"'{name}' needs the name of a table in quotes", span, f'write {name}: "Name"')
    elif name in _TAKES_NONE and attribute.value is not None:
        sink.error("S021", f"'{name}' takes no value", attribute.value.span, f"write ({name})")
    else:
        return True
    return False


def _is_integer(value: Value | None) -> bool:
    if value is None:
        return False
    return value.kind is ValueKind.INTEGER or (value.kind is ValueKind.STRING and value.text.isdigit())
