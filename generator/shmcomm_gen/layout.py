# SPDX-License-Identifier: Apache-2.0
"""Where the fields of a struct lie: FlatBuffers' rules, to the byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shmcomm_gen.model import ArrayType, Record, RecordType, ScalarType, Type


@dataclass(frozen=True)
class Layout:
    """Offset and following padding of each field, then the whole."""

    offsets: tuple[int, ...]
    paddings: tuple[int, ...]
    size: int
    alignment: int


def inline_size(type_: Type, records: Mapping[str, Record]) -> tuple[int, int]:
    """Bytes and alignment of a value stored inline: the thing itself, or the 4-byte offset to it."""
    if isinstance(type_, ScalarType):
        return type_.scalar.size, type_.scalar.size
    if isinstance(type_, RecordType) and type_.is_struct:
        record = records[type_.name]
        return record.size, record.alignment
    if isinstance(type_, ArrayType):
        size, alignment = inline_size(type_.element, records)
        return size * type_.length, alignment
    return 4, 4  # Of a field with a 64-bit offset nobody asks: it belongs to a vector or string, which has no bound.


def struct_layout(types: Sequence[Type], force_align: int, records: Mapping[str, Record]) -> Layout:
    """Each field at the next multiple of its alignment; the size a multiple of the largest (or the forced) one."""
    offsets: list[int] = []
    paddings: list[int] = []
    end, alignment = 0, 1
    for type_ in types:
        size, field_alignment = inline_size(type_, records)
        alignment = max(alignment, field_alignment)
        gap = -end % field_alignment
        if paddings:
            paddings[-1] = gap
        offsets.append(end + gap)
        paddings.append(0)
        end += gap + size
    alignment = max(alignment, force_align)
    tail = -end % alignment
    if paddings:
        paddings[-1] = tail
    return Layout(tuple(offsets), tuple(paddings), end + tail, alignment)
