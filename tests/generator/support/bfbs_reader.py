# SPDX-License-Identifier: Apache-2.0
"""Decodes a binary schema to plain dicts by a table of reflection.fbs of its own, so that a mistake in the writer's
table cannot hide here."""

from __future__ import annotations

import struct
from typing import Any

# name -> (slot, kind, default). Kinds: struct codes of scalars, "str", "[str]", a table's name or "[Table]".
TABLES: dict[str, list[tuple[str, int, str, Any]]] = {
    "Type": [
        ("base_type", 4, "b", 0), ("element", 6, "b", 0), ("index", 8, "i", -1), ("fixed_length", 10, "H", 0),
        ("base_size", 12, "I", 4), ("element_size", 14, "I", 0),
    ],
    "KeyValue": [("key", 4, "str", None), ("value", 6, "str", None)],
    "EnumVal": [
        ("name", 4, "str", None), ("value", 6, "q", 0), ("union_type", 10, "Type", None),
        ("documentation", 12, "[str]", None), ("attributes", 14, "[KeyValue]", None),
    ],
    "Enum": [
        ("name", 4, "str", None), ("values", 6, "[EnumVal]", None), ("is_union", 8, "?", False),
        ("underlying_type", 10, "Type", None), ("attributes", 12, "[KeyValue]", None),
        ("documentation", 14, "[str]", None), ("declaration_file", 16, "str", None),
    ],
    "Field": [
        ("name", 4, "str", None), ("type", 6, "Type", None), ("id", 8, "H", 0), ("offset", 10, "H", 0),
        ("default_integer", 12, "q", 0), ("default_real", 14, "d", 0.0), ("deprecated", 16, "?", False),
        ("required", 18, "?", False), ("key", 20, "?", False), ("attributes", 22, "[KeyValue]", None),
        ("documentation", 24, "[str]", None), ("optional", 26, "?", False), ("padding", 28, "H", 0),
        ("offset64", 30, "?", False),
    ],
    "RPCCall": [
        ("name", 4, "str", None), ("request", 6, "Object", None), ("response", 8, "Object", None),
        ("attributes", 10, "[KeyValue]", None), ("documentation", 12, "[str]", None),
    ],
    "Service": [
        ("name", 4, "str", None), ("calls", 6, "[RPCCall]", None), ("attributes", 8, "[KeyValue]", None),
        ("documentation", 10, "[str]", None), ("declaration_file", 12, "str", None),
    ],
    "Object": [
        ("name", 4, "str", None), ("fields", 6, "[Field]", None), ("is_struct", 8, "?", False),
        ("minalign", 10, "i", 0), ("bytesize", 12, "i", 0), ("attributes", 14, "[KeyValue]", None),
        ("documentation", 16, "[str]", None), ("declaration_file", 18, "str", None),
    ],
    "SchemaFile": [("filename", 4, "str", None), ("included_filenames", 6, "[str]", None)],
    "Schema": [
        ("objects", 4, "[Object]", None), ("enums", 6, "[Enum]", None), ("file_ident", 8, "str", None),
        ("file_ext", 10, "str", None), ("root_table", 12, "Object", None), ("services", 14, "[Service]", None),
        ("advanced_features", 16, "Q", 0), ("fbs_files", 18, "[SchemaFile]", None),
    ],
}  # fmt: skip


def read_bfbs(data: bytes) -> dict[str, Any]:
    assert data[4:8] == b"BFBS"
    return _table(data, _offset(data, 0), "Schema")


def by_name(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["name"] == name)


def _offset(data: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", data, at)[0])


def _table(data: bytes, at: int, table: str) -> dict[str, Any]:
    vtable = at - struct.unpack_from("<i", data, at)[0]
    (vtable_size,) = struct.unpack_from("<H", data, vtable)
    result: dict[str, Any] = {}
    for name, slot, kind, default in TABLES[table]:
        place = struct.unpack_from("<H", data, vtable + slot)[0] if slot < vtable_size else 0
        result[name] = _value(data, at + place, kind) if place else default
    known = max(slot for _, slot, _, _ in TABLES[table])
    unknown = [s for s in range(known + 2, vtable_size, 2) if struct.unpack_from("<H", data, vtable + s)[0]]
    assert not unknown, f"{table} has fields this reader does not know: {unknown}"
    return result


def _value(data: bytes, at: int, kind: str) -> Any:
    if kind.startswith("["):
        start = _offset(data, at)
        (count,) = struct.unpack_from("<I", data, start)
        return [_value(data, start + 4 + 4 * i, kind[1:-1]) for i in range(count)]
    if kind == "str":
        start = _offset(data, at)
        (size,) = struct.unpack_from("<I", data, start)
        return data[start + 4 : start + 4 + size].decode()
    if kind in TABLES:
        return _table(data, _offset(data, at), kind)
    return struct.unpack_from(f"<{kind}", data, at)[0]
