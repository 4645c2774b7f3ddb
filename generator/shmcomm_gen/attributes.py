# SPDX-License-Identifier: Apache-2.0
"""The attributes of FlatBuffers: which exist, where they may stand, and which have no meaning here yet."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Flag, auto

from shmcomm_gen.diagnostics import Sink, did_you_mean
from shmcomm_gen.model import Attributes
from shmcomm_gen.syntax import Attribute, Value, ValueKind


class Place(Flag):
    TABLE = auto()
    STRUCT = auto()
    ENUM = auto()
    TABLE_FIELD = auto()
    STRUCT_FIELD = auto()


_PLACE_NAMES = {
    Place.TABLE: "a table",
    Place.STRUCT: "a struct",
    Place.ENUM: "an enum",
    Place.TABLE_FIELD: "a field of a table",
    Place.STRUCT_FIELD: "a field of a struct",
}
_ANY_FIELD = Place.TABLE_FIELD | Place.STRUCT_FIELD
_ANYWHERE = Place.TABLE | Place.STRUCT | Place.ENUM | _ANY_FIELD

_KNOWN: dict[str, Place] = {
    "id": Place.TABLE_FIELD,
    "required": Place.TABLE_FIELD,
    "deprecated": Place.TABLE_FIELD,
    "key": _ANY_FIELD,
    "bit_flags": Place.ENUM,
    "force_align": Place.STRUCT,
    "original_order": Place.TABLE,
    # Hints for other generators: carried through unchanged.
    "csharp_partial": Place.TABLE | Place.STRUCT,
    "private": _ANYWHERE,
    "hash": Place.TABLE_FIELD,
    "cpp_type": _ANY_FIELD,
    "cpp_ptr_type": _ANY_FIELD,
    "cpp_ptr_type_get": _ANY_FIELD,
    "cpp_str_type": _ANY_FIELD,
    "cpp_str_flex_ctor": _ANY_FIELD,
    "native_inline": _ANY_FIELD,
    "native_default": _ANY_FIELD,
    "native_custom_alloc": Place.TABLE | Place.STRUCT,
}
_NEEDS_VALUE = ("id", "force_align")
_TAKES_NONE = ("required", "deprecated", "key", "bit_flags", "original_order")
_NOT_YET = ("nested_flatbuffer", "flexbuffer", "native_type", "native_type_pack_name", "offset64", "vector64", "shared")


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
            kept[name] = attribute.value.text if attribute.value else "0"
    return tuple(sorted(kept.items()))


def _is_acceptable(attribute: Attribute, place: Place, user_attributes: frozenset[str], sink: Sink) -> bool:
    name, span = attribute.name.text, attribute.name.span
    if name in user_attributes:
        return True
    if name in _NOT_YET or (name == "force_align" and place in _ANY_FIELD):
        sink.error("S004", f"attribute '{name}' is not supported yet", span)
    elif name not in _KNOWN:
        close = did_you_mean(name, [*_KNOWN, *user_attributes])
        sink.error("S020", f"unknown attribute '{name}'", span, close or f'declare it: attribute "{name}";')
    elif place not in _KNOWN[name]:
        valid = " or ".join(text for one, text in _PLACE_NAMES.items() if one in _KNOWN[name])
        sink.error("S021", f"'{name}' has no meaning on {_PLACE_NAMES[place]}", span, f"it belongs on {valid}")
    elif name in _NEEDS_VALUE and not _is_integer(attribute.value):
        sink.error("S021", f"'{name}' needs a number", span, f"write {name}: N")
    elif name in _TAKES_NONE and attribute.value is not None:
        sink.error("S021", f"'{name}' takes no value", attribute.value.span, f"write ({name})")
    else:
        return True
    return False


def _is_integer(value: Value | None) -> bool:
    if value is None:
        return False
    return value.kind is ValueKind.INTEGER or (value.kind is ValueKind.STRING and value.text.isdigit())
