# SPDX-License-Identifier: Apache-2.0
"""What a field may be, beyond its type: which attributes fit it, and which names stand in each other's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shmcomm_gen.defaults import Start
from shmcomm_gen.diagnostics import Sink, declared_at, did_you_mean, one_of
from shmcomm_gen.literals import integer_of
from shmcomm_gen.model import ArrayType, Field, RecordType, ScalarType, StringType, Type, UnionType, VectorType
from shmcomm_gen.names import Names
from shmcomm_gen.scalars import Scalar
from shmcomm_gen.syntax import Attribute, FieldSyntax, RecordSyntax, TypeName

_MAX_FORCE_ALIGN = 32
_HASHES = {
    2: ("fnv1_16", "fnv1a_16"), 4: ("fnv1_32", "fnv1a_32"), 8: ("fnv1_64", "fnv1a_64"),
}  # fmt: skip
# What flatc generates beside a field: `u_type` of a union u, `v_length` of a vector v.
_CLASHES: Sequence[tuple[str, type]] = (
    ("_type", UnionType), ("Type", UnionType), ("_length", VectorType), ("Length", VectorType),
    ("_byte_vector", StringType), ("ByteVector", StringType),
)  # fmt: skip


def check_meaning(written: FieldSyntax, type_: Type, start: Start, named: Mapping[str, str], sink: Sink) -> None:
    """Each attribute of `named` against the type and default of its field."""
    spans = {attribute.name.text: attribute.name.span for attribute in reversed(written.attributes)}
    name = written.name.text
    wrong = _wrong_presence(name, type_, start, named) or _wrong_bytes(type_, named) or _wrong_hint(type_, named)
    if wrong:
        attribute, what, hint = wrong
        at_name = attribute in ("required", "key")
        sink.error("S021", what, written.name.span if at_name else spans.get(attribute, written.name.span), hint)
    if "force_align" in named and "force_align" in spans:
        forced_alignment(written.attributes, 1, sink)


_Wrong = tuple[str, str, str] | None


def _wrong_presence(name: str, type_: Type, start: Start, named: Mapping[str, str]) -> _Wrong:
    if "required" in named and isinstance(type_, ScalarType):
        return "required", f"'{name}' is a scalar and always there", "drop (required)"
    if "key" in named and not _can_be_key(type_):
        return "key", "a key is a scalar, a string, a struct or an array of scalars or structs", ""
    if "key" in named and start.is_null:
        return "key", "a key is always there, and = null says it may not be", "drop one of the two"
    return None


def _can_be_key(type_: Type) -> bool:
    element = type_.element if isinstance(type_, ArrayType) else type_
    return isinstance(element, ScalarType | StringType) or (isinstance(element, RecordType) and element.is_struct)


def _wrong_bytes(type_: Type, named: Mapping[str, str]) -> _Wrong:
    for attribute in ("nested_flatbuffer", "flexbuffer"):
        if attribute in named and type_ != VectorType(ScalarType(Scalar.UBYTE)):
            return attribute, f"'{attribute}' belongs on a vector of ubyte", "write [ubyte]"
    if "vector64" in named and not isinstance(type_, VectorType):
        return "vector64", "'vector64' belongs on a vector", ""
    far = next((one for one in ("vector64", "offset64") if one in named), None)
    if far and not isinstance(type_, VectorType | StringType):
        return far, f"'{far}' belongs on a vector or a string", ""
    if far and isinstance(type_, VectorType) and not _is_plain(type_.element):
        return far, f"'{far}' belongs on a vector of scalars or structs", "tables, strings and enums are out of its reach"
    return None


def _is_plain(element: object) -> bool:
    if isinstance(element, ScalarType):
        return not element.enum
    return isinstance(element, RecordType) and element.is_struct


def _wrong_hint(type_: Type, named: Mapping[str, str]) -> _Wrong:
    element = type_.element if isinstance(type_, VectorType) else type_
    if "hash" in named:
        known = _HASHES.get(element.scalar.size, ()) if isinstance(element, ScalarType) else ()
        if not known or not isinstance(element, ScalarType) or not element.scalar.is_integer:
            return "hash", "'hash' belongs on an integer of 16, 32 or 64 bits", ""
        if named["hash"] not in known:
            return "hash", f"unknown hash '{named['hash']}'", did_you_mean(named["hash"], known) or one_of(known)
    if "cpp_type" in named and "hash" not in named:
        return "cpp_type", "'cpp_type' belongs on a field with a hash", 'add hash: "fnv1a_64"'
    if "shared" in named and not isinstance(type_, StringType):
        return "shared", "'shared' belongs on a string", ""
    is_inline = isinstance(element, RecordType) and (element.is_struct or isinstance(type_, VectorType))
    if "native_inline" in named and not is_inline:
        return "native_inline", "'native_inline' belongs on a struct, or a vector of structs or tables", ""
    return None


def nested_table(written: FieldSyntax, namespace: str, names: Names) -> str:
    """The qualified name of the root type that a nested_flatbuffer names, which must be there; empty if it names none."""
    for attribute in written.attributes:
        if attribute.name.text == "nested_flatbuffer" and attribute.value:
            return names.find(TypeName(attribute.value.text, attribute.value.span), namespace) or ""
    return ""


def forced_alignment(attributes: Sequence[Attribute], natural: int, sink: Sink) -> int:
    """What force_align asks for, one where it does not."""
    for attribute in attributes:
        number = integer_of(attribute.value) if attribute.name.text == "force_align" and attribute.value else None
        if number is None:
            continue
        if natural <= number <= _MAX_FORCE_ALIGN and number & (number - 1) == 0:
            return number
        sink.error("S021", f"force_align is a power of two from {natural} to {_MAX_FORCE_ALIGN}, not {number}",
                   attribute.name.span)  # fmt: skip
    return 1


def check_names(written: RecordSyntax, names: Names, sink: Sink) -> None:
    """A field called like a table or struct before it would hide it from flatc and in C++."""
    for field in written.fields:
        other = names.before(field.name.text, written)
        if other is not None:
            sink.error("S043", f"field '{field.name.text}' has the name of a type", field.name.span,
                       "rename one of the two", declared_at(field.name.text, other))  # fmt: skip


def check_clashes(record: str, fields: Sequence[Field], sink: Sink) -> None:
    """Names that generated functions of another field have already."""
    by_name: dict[str, Field] = {}
    for field in fields:
        earlier = by_name.setdefault(field.name, field)
        if earlier is not field:
            owner, other = (field, earlier) if field.is_tag else (earlier, field)
            what = f"'{other.name}' of '{record}' is the type of union '{owner.name.removesuffix('_type')}' already"
            sink.error("S043", what, other.span, "rename one of the two", declared_at(owner.name.removesuffix("_type"), owner.span))
    for field in fields:
        if not field.is_tag and by_name[field.name] is field:
            _check_suffixes(field, by_name, sink)


def _check_suffixes(field: Field, by_name: Mapping[str, Field], sink: Sink) -> None:
    for suffix, kind in _CLASHES:
        stem = by_name.get(field.name.removesuffix(suffix)) if field.name.endswith(suffix) else None
        if stem and stem is not field and isinstance(stem.type, kind):
            sink.error("S043", f"'{field.name}' clashes with what is generated for field '{stem.name}'", field.span,
                       "rename one of the two", declared_at(stem.name, stem.span))  # fmt: skip
