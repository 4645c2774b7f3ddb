# SPDX-License-Identifier: Apache-2.0
"""How large a message can become, where its type bounds it."""

from __future__ import annotations

from collections.abc import Mapping

from shmcomm_gen.layout import inline_size
from shmcomm_gen.model import Record, RecordType, StringType, UnionType, VectorType

_OFFSET_BYTES = 4
_VTABLE_HEADER_BYTES = 4
_VTABLE_ENTRY_BYTES = 2
_BUFFER_ALIGNMENT = 32  # the largest force_align
_BEYOND_ALL = (1 << 31) - 128


def largest_message(record: Record, records: Mapping[str, Record]) -> int | None:
    """Bytes no message of this type exceeds: exact for a struct, an upper bound for a table of fixed content, None for a
    table that holds a string, a vector, a union or itself, or of a bound beyond all messages."""
    if record.is_struct:
        return record.size
    body = _largest_table(record, records, {})
    return None if body is None or body > _BEYOND_ALL else _round_up(_OFFSET_BYTES + body, _BUFFER_ALIGNMENT)


def _largest_table(record: Record, records: Mapping[str, Record], known: dict[str, int | None]) -> int | None:
    """Every field present, each with the most padding it can have, and a vtable of its own."""
    if record.name in known:
        return known[record.name]
    known[record.name] = None  # Met again within itself it has no bound.
    total = _VTABLE_HEADER_BYTES + _VTABLE_ENTRY_BYTES * len(record.fields) + _OFFSET_BYTES + 2 * _OFFSET_BYTES
    for field in record.fields:
        if isinstance(field.type, StringType | VectorType | UnionType):
            return None
        size, alignment = inline_size(field.type, records)
        total += size + alignment - 1
        if isinstance(field.type, RecordType) and not field.type.is_struct:
            inner = _largest_table(records[field.type.name], records, known)
            if inner is None:
                return None
            total += inner
    known[record.name] = total
    return total


def _round_up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
