# SPDX-License-Identifier: Apache-2.0
"""Fields as Python spells them: properties, and parameters of what builds a message."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass

from shmcomm_gen.model import ArrayType, Field, Record, RecordType, ScalarType, Type, VectorType
from shmcomm_gen.targets.annotations import Annotations

# What the classes of the runtime define themselves; a field of the same name comes first.
_OF_A_RECORD = ("to_dict",)
# A field of such a name hides the builtin from the annotations beside it.
BUILTINS = frozenset("int float bool str bytes bytearray memoryview dict tuple property".split())
_LONGEST_SIGNATURE = 100

_Parameter = Callable[[Field, bool, Annotations], str]


@dataclass(frozen=True)
class FieldView:
    """A property and its annotation. `remark` quiets a checker where the name hides a method of every record. `set` is what
    a loan takes, empty where it takes nothing; `loaned` is what it gives: vectors are those that were asked for. `doc` is
    empty where the schema says nothing."""

    name: str
    read: str
    remark: str
    set: str
    loaned: str
    doc: str


def with_builtins_spelled_out(text: str) -> str:
    """Annotations as the module `_builtins` has them; a name before a colon is a parameter."""
    return re.sub(rf"\b({'|'.join(sorted(BUILTINS))})\b(?! *:)", r"_builtins.\1", text)


def field_view(field: Field, record: Record, annotations: Annotations, spelled: Callable[[str], str]) -> FieldView:
    read = spelled(annotations.read_field(field))
    has_default = (isinstance(field.type, ScalarType) and not field.is_null) or field.content is not None
    is_always_there = record.is_struct or field.required or has_default
    return FieldView(
        name=field.name,
        read=read if is_always_there else f"{read} | None",
        remark="  # type: ignore[override]" if field.name in _OF_A_RECORD else "",
        set="" if field.is_tag or not _has_place(field.type) or field.nested else spelled(annotations.write_field(field)),
        loaned=read if is_always_there or isinstance(field.type, VectorType) else f"{read} | None",
        doc=docstring(field.doc, ""),
    )


def _has_place(type_: Type) -> bool:
    """Whether a message that is being written has room for any value: not so for text, tables and what leads to them."""
    if isinstance(type_, VectorType):
        return _has_place(type_.element)
    return isinstance(type_, ScalarType | ArrayType) or (isinstance(type_, RecordType) and type_.is_struct)


def loaned(field: Field, in_struct: bool, annotations: Annotations) -> str:
    """A parameter of loan(), which takes the shape of a vector, too."""
    given = _given(field, in_struct, annotations)
    may_be_shape = isinstance(field.type, VectorType) and _has_place(field.type) and not field.nested
    return given.replace(": ", ": int | tuple[int, ...] | ", 1) if may_be_shape else given


def _given(field: Field, in_struct: bool, annotations: Annotations) -> str:
    """A parameter: one that must be given has no default."""
    written = annotations.write_field(field)
    if field.required:
        return f"{field.name}: {written}"
    may_be_none = not in_struct and (field.is_null or not isinstance(field.type, ScalarType))
    return f"{field.name}: {written}{' | None' if may_be_none else ''} = ..."


def signature(
    receiver: str, record: Record, annotations: Annotations, given: _Parameter = _given, more: tuple[str, ...] = ()
) -> str:
    """The parameters of a call that takes all fields as keywords, and `more`, one a line where they are many."""
    fields = [f for f in record.fields if not f.deprecated and not f.is_tag and not is_reserved(f.name)]
    while any(f.name == receiver for f in fields):
        receiver = f"_{receiver}"
    keywords = [*(given(f, record.is_struct, annotations) for f in fields), *more]
    parts = [receiver, "*", *keywords] if keywords else [receiver]
    line = ", ".join(parts)
    return line if len(line) <= _LONGEST_SIGNATURE else "\n        " + ",\n        ".join(parts) + ",\n    "


def literal(text: str) -> str:
    """A string literal of Python, which is JSON's where nothing beyond ASCII is escaped."""
    return json.dumps(text, ensure_ascii=False)


def docstring(doc: tuple[str, ...], otherwise: str) -> str:
    text = " ".join(line.strip() for line in doc).strip() or otherwise
    return text.replace("\\", "\\\\").replace('"', '\\"')


def contents(fields: list[Field]) -> str:
    """The defaults of strings and vectors as further arguments: a binary schema does not have them."""
    given = {f.name: "()" if isinstance(f.type, VectorType) else literal(f.content) for f in fields if f.content is not None}
    return f", **{{{', '.join(f'{literal(name)}: {content}' for name, content in given.items())}}}" if given else ""


def is_reserved(name: str) -> bool:
    return keyword.iskeyword(name) or (name.startswith("__") and name.endswith("__"))
