# SPDX-License-Identifier: Apache-2.0
"""Which constructs are newer than FlatBuffers 2.0.8, the oldest supported, and what each needs.

Only C++ asks: flatc makes the types. Python and the binary schema come from our own model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shmcomm_gen.diagnostics import Related, Sink
from shmcomm_gen.model import ArrayType, Field, RecordType, Schema, StringType, VectorType
from shmcomm_gen.source import Span

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Construct:
    what: str
    since: Version


CONSTRUCTS: Mapping[str, Construct] = {
    "default_text": Construct("a default of a string", (25, 12, 19)),
    "default_vector": Construct("a default of a vector", (25, 12, 19)),
    "offset64": Construct("a 64-bit offset", (23, 5, 9)),
    "vector64": Construct("a 64-bit vector", (23, 5, 9)),
    "union_type": Construct("the type of a union", (23, 5, 26)),
    "struct_key": Construct("a struct or an array of structs as key", (23, 3, 3)),
    "array_key": Construct("an array as key", (22, 11, 22)),
    "value_attributes": Construct("an attribute of an enum value or union member", (22, 10, 25)),
}


def check_version(schema: Schema, flatc: Path, said: str, sink: Sink) -> None:
    """`said` is what `flatc --version` printed; a version nobody can read is taken to know everything."""
    installed = read_version(said)
    if installed is None:
        return
    for construct, span in newer_constructs(schema):
        if installed < construct.since:
            sink.error("S039", f"{construct.what} needs FlatBuffers {_text(construct.since)}, and '{flatc.name}' is "
                       f"{_text(installed)}", span, "install a newer flatc and name it with --flatc PATH")  # fmt: skip


def check_texts(schema: Schema, sink: Sink) -> None:
    """flatc pastes the default of a string into C++ as it is: what ends a literal there would become code."""
    for record in schema.records.values():
        for field in record.fields:
            if isinstance(field.type, StringType) and any(char in '"\\' or ord(char) < 32 for char in field.content or ""):
                sink.error("S016", f"the default of '{field.name}' cannot become C++: flatc does not escape it", field.span,
                           "leave out quotes, backslashes and control characters")  # fmt: skip


def check_padding(schema: Schema, sink: Sink) -> None:
    """Every flatc aborts where it has to write more padding than this into C++."""
    most = 15
    for record in schema.records.values():
        for field in record.fields:
            if record.is_struct and field.padding > most:
                sink.error("S052", f"{field.padding} B of padding follow '{field.name}', and no flatc makes C++ of more than "
                           f"{most}", field.span, f"put a field there: reserved:[ubyte:{field.padding}]")  # fmt: skip


def check_far_keys(schema: Schema, sink: Sink) -> None:
    """flatc sorts a vector of structs that have a key, and its sorted vectors know no 64-bit offsets: the C++ does not compile."""
    for record in schema.records.values():
        for field in record.fields:
            element = field.type.element if isinstance(field.type, VectorType) else None
            if not field.is_far or not isinstance(element, RecordType):
                continue
            key = next((one for one in schema.records[element.name].fields if one.key), None)
            if key:
                sink.error("S052", f"'{field.name}' has 64-bit offsets and structs with a key, of which no flatc makes C++",
                           field.span, "drop one of the two", Related(key.span, "the key"))  # fmt: skip


def read_version(said: str) -> Version | None:
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def newer_constructs(schema: Schema) -> Iterator[tuple[Construct, Span]]:
    """Each use of something newer than 2.0.8 and where it stands."""
    for record in schema.records.values():
        for field in record.fields:
            yield from ((CONSTRUCTS[name], field.span) for name in _used_by(field))
    for enum in schema.enums.values():
        yield from ((CONSTRUCTS["value_attributes"], value.span) for value in enum.values if value.attributes)
    for union in schema.unions.values():
        if not union.is_plain:
            yield CONSTRUCTS["union_type"], union.span
        if any(member.attributes for member in union.members):
            yield CONSTRUCTS["value_attributes"], union.span


def _used_by(field: Field) -> Iterator[str]:
    if field.content is not None:
        yield "default_text" if isinstance(field.type, StringType) else "default_vector"
    if field.is_far:
        yield "vector64" if isinstance(field.type, VectorType) and field.type.is_64 else "offset64"
    if field.key and isinstance(field.type, RecordType):
        yield "struct_key"
    if field.key and isinstance(field.type, ArrayType):
        yield "struct_key" if isinstance(field.type.element, RecordType) else "array_key"
