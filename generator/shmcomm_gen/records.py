# SPDX-License-Identifier: Apache-2.0
"""Tables and structs: types of fields, ids, offsets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

from shmcomm_gen.attributes import Place, read_attributes
from shmcomm_gen.defaults import resolve_default
from shmcomm_gen.diagnostics import Related, Sink, first_at
from shmcomm_gen.layout import struct_layout
from shmcomm_gen.literals import integer
from shmcomm_gen.model import (
    ArrayType,
    Attributes,
    EnumType,
    Field,
    Record,
    RecordType,
    ScalarType,
    StringType,
    Type,
    Union,
    UnionType,
    VectorType,
    qualify,
    short_name,
)
from shmcomm_gen.names import Names
from shmcomm_gen.options import MAX_MESSAGE_BYTES
from shmcomm_gen.scalars import SCALARS
from shmcomm_gen.fieldrules import check_clashes, check_meaning, check_names, forced_alignment, nested_table
from shmcomm_gen.syntax import ArrayOf, EnumSyntax, FieldSyntax, RecordSyntax, TypeName, TypeSyntax, VectorOf

_MAX_ARRAY_LENGTH = 65_535


@dataclass
class RecordResolver:
    """Resolves records, a struct's inner structs before itself. `records` fills as it goes."""

    names: Names
    enums: dict[str, EnumType]
    unions: dict[str, Union]
    user_attributes: frozenset[str]
    sink: Sink
    records: dict[str, Record] = dataclass_field(default_factory=dict)
    _open: list[str] = dataclass_field(default_factory=list)

    def resolve(self, written: RecordSyntax) -> Record | None:
        """The record; None while it is being resolved further out, which for a struct means it contains itself."""
        name = qualify(written.namespace, written.name.text)
        if name in self.records or name in self._open:
            return self.records.get(name)
        self._open.append(name)
        place = Place.STRUCT if written.is_struct else Place.TABLE
        attributes = read_attributes(written.attributes, place, self.user_attributes, self.sink)
        typed = [(f, type_) for f in self._distinct_fields(written) if (type_ := self._field_type(f, written))]
        fields = self._fields(written, typed)
        self._open.pop()
        if written.is_struct and not written.fields:
            self.sink.error("S012", f"struct '{written.name.text}' has no fields", written.name.span,
                            "give it at least one")  # fmt: skip
        self.records[name] = self._lay_out(written, name, fields, attributes)
        return self.records[name]

    def _distinct_fields(self, written: RecordSyntax) -> list[FieldSyntax]:
        first: dict[str, FieldSyntax] = {}
        for field in written.fields:
            earlier = first.setdefault(field.name.text, field)
            if earlier is not field:
                self.sink.error("S007", f"'{written.name.text}' has two fields '{field.name.text}'",
                                field.name.span, "", first_at(earlier.name.span))  # fmt: skip
        return list(first.values())

    # ---- types ----

    def _field_type(self, field: FieldSyntax, record: RecordSyntax) -> Type | None:
        if record.is_struct:
            return self._struct_field_type(field, record)
        if isinstance(field.type, ArrayOf):
            self.sink.error("S013", "a fixed array lives in a struct", field.type.span,
                            "use a vector, or wrap it in a struct")  # fmt: skip
            return None
        if isinstance(field.type, VectorOf):
            return self._vector(field.type, record.namespace)
        return self._named(field.type, record.namespace)

    def _vector(self, written: VectorOf, namespace: str) -> Type | None:
        if not isinstance(written.element, TypeName):
            self.sink.error("S042", "a vector holds no vectors or arrays", written.element.span,
                            "put the inner one into a table")  # fmt: skip
            return None
        element = self._named(written.element, namespace)
        return VectorType(element) if element else None

    def _struct_field_type(self, field: FieldSyntax, record: RecordSyntax) -> Type | None:
        written: TypeSyntax = field.type
        length = self._array_length(written) if isinstance(written, ArrayOf) else 1
        inner = written.element if isinstance(written, ArrayOf) else written
        element = self._named(inner, record.namespace) if isinstance(inner, TypeName) else StringType()
        if element is None or length is None:
            return None
        if isinstance(element, StringType | UnionType) or (isinstance(element, RecordType) and not element.is_struct):
            self.sink.error("S010", f"struct '{record.name.text}' cannot hold {self._kind(inner, element)}", inner.span,
                            "a struct holds scalars, enums, structs and fixed arrays; make it a table")  # fmt: skip
            return None
        if isinstance(element, RecordType) and not self._resolve_inner(element.name, inner, record):
            return None
        return ArrayType(element, length) if isinstance(written, ArrayOf) else element

    def _kind(self, written: TypeSyntax, element: object) -> str:
        if isinstance(written, VectorOf):
            return "a vector"
        if isinstance(written, ArrayOf):
            return "an array of arrays"
        if isinstance(element, UnionType):
            return f"the union '{short_name(element.name)}'"
        return f"the table '{short_name(element.name)}'" if isinstance(element, RecordType) else "a string"

    def _resolve_inner(self, name: str, mention: TypeSyntax, record: RecordSyntax) -> bool:
        declaration = self.names.declaration(name)
        assert isinstance(declaration, RecordSyntax)
        if self.resolve(declaration) is not None:
            return True
        path = " in ".join(short_name(one) for one in reversed([*self._open[self._open.index(name) :], name]))
        self.sink.error("S011", f"struct '{short_name(name)}' contains itself: {path}", mention.span,
                        "use a table, which refers instead of containing")  # fmt: skip
        return False

    def _array_length(self, written: ArrayOf) -> int | None:
        length = integer(written.length.text)
        if 1 <= length <= _MAX_ARRAY_LENGTH:
            return length
        self.sink.error("S013", f"a fixed array has 1 to {_MAX_ARRAY_LENGTH:,} elements, not {length}",
                        written.length.span)  # fmt: skip
        return None

    def _named(self, mention: TypeName, namespace: str) -> ScalarType | StringType | RecordType | UnionType | None:
        if mention.name in SCALARS:
            return ScalarType(SCALARS[mention.name])
        if mention.name == "string":
            return StringType()
        name = self.names.find(mention, namespace)
        if name is None:
            return None
        declaration = self.names.declaration(name)
        if isinstance(declaration, EnumSyntax):
            return ScalarType(self.enums[name].underlying, name)
        return RecordType(name, declaration.is_struct) if isinstance(declaration, RecordSyntax) else UnionType(name)

    # ---- fields ----

    def _fields(self, written: RecordSyntax, typed: list[tuple[FieldSyntax, Type]]) -> tuple[Field, ...]:
        place = Place.STRUCT_FIELD if written.is_struct else Place.TABLE_FIELD
        check_names(written, self.names, self.sink)
        fields: list[Field] = []
        for f, type_ in typed:
            field = self._field(f, type_, place, written.namespace)
            fields += [self._tag(field), field] if _is_union(field.type) else [field]
        if not written.is_struct:
            fields = self._number(written, fields)
            check_clashes(written.name.text, fields, self.sink)
        keys = [f for f in written.fields if any(a.name.text == "key" for a in f.attributes)]
        if len(keys) > 1:
            self.sink.error("S021", f"'{written.name.text}' has two keys", keys[1].name.span, "",
                            Related(keys[0].name.span, "the first key"))  # fmt: skip
        return tuple(fields)

    def _field(self, written: FieldSyntax, type_: Type, place: Place, namespace: str) -> Field:
        attributes = read_attributes(written.attributes, place, self.user_attributes, self.sink)
        named = dict(attributes)
        start = resolve_default(written, type_, place is Place.STRUCT_FIELD, self.enums, self.sink)
        check_meaning(written, type_, start, named, self.sink)
        if "cpp_type" in named and "cpp_ptr_type" not in named:
            attributes = tuple(sorted((*attributes, ("cpp_ptr_type", "naked"))))
        if isinstance(type_, VectorType) and "vector64" in named:
            type_ = VectorType(type_.element, is_64=True)
        is_string_key = "key" in named and isinstance(type_, StringType)
        return Field(
            name=written.name.text,
            type=type_,
            id=0,
            offset=0,
            padding=0,
            default=start.number,
            deprecated="deprecated" in named,
            required="required" in named or is_string_key,
            key="key" in named,
            attributes=attributes,
            doc=written.doc,
            span=written.name.span,
            is_null=start.is_null,
            content=start.content,
            is_far="offset64" in named or "vector64" in named,
            nested=nested_table(written, namespace, self.names),
        )

    def _tag(self, field: Field) -> Field:
        """The field before a union that says which member it holds. With ids it has the one before the union's."""
        in_vector = isinstance(field.type, VectorType)
        union = field.type.element if isinstance(field.type, VectorType) else field.type
        assert isinstance(union, UnionType)
        tag = ScalarType(self.unions[union.name].tag, union.name, is_tag=True)
        number = integer(field.attribute("id") or "1") - 1
        return replace(
            field,
            name=f"{field.name}_type",
            type=VectorType(tag) if in_vector else tag,
            required=field.required and in_vector,
            attributes=(("id", str(number)),) if field.attribute("id") else (),
            doc=(),
        )

    def _number(self, written: RecordSyntax, fields: list[Field]) -> list[Field]:
        """Gives ids: those written, which must be all and 0, 1, 2, …, or the order of declaration."""
        given = {f.name: text for f in fields if (text := f.attribute("id")) is not None}
        asked = [f for f in written.fields if any(a.name.text == "id" for a in f.attributes)]
        untold = [f for f in fields if not f.is_tag]
        if len(untold) != len(written.fields) or len(asked) != len([f for f in untold if f.name in given]):
            return fields  # Of an id or a field that is wrong more was told already; here it would seem to be missing.
        if not given:
            return [_placed(f, index, 4 + 2 * index, 0) for index, f in enumerate(fields)]
        missing = next((f for f in fields if f.name not in given), None)
        if missing:
            self.sink.error("S022", f"field '{missing.name}' has no id, others have", missing.span,
                            "give every field an id, or none")  # fmt: skip
            return fields
        numbered = sorted(fields, key=lambda f: integer(given[f.name]))
        for expected, f in enumerate(numbered):
            found = integer(given[f.name])
            if found != expected:
                self._report_id(written.name.text, fields, f, found, expected)
                return fields
        return [_placed(f, index, 4 + 2 * index, 0) for index, f in enumerate(numbered)]

    def _report_id(self, record: str, fields: list[Field], field: Field, found: int, expected: int) -> None:
        what = f"field '{field.name}' has id {found}, but no field has {expected}"
        hint = f"ids of '{record}' run from 0 without a gap"
        if found < 0:
            what = f"union '{field.name.removesuffix('_type')}' has id 0, and its type needs the one before it"
        elif found == expected - 1:
            what = f"id {found} is given twice"
        if any(one.is_tag for one in fields):
            hint = "a union takes two ids: its own and the one before it"
        self.sink.error("S022", what, field.span, hint)

    def _lay_out(self, written: RecordSyntax, name: str, fields: tuple[Field, ...], attributes: Attributes) -> Record:
        size, alignment = 0, 1
        if written.is_struct:
            types = [f.type for f in fields]
            natural = struct_layout(types, 1, self.records).alignment
            forced = forced_alignment(written.attributes, natural, self.sink)
            layout = struct_layout(types, forced, self.records)
            size, alignment = layout.size, layout.alignment
            if size > MAX_MESSAGE_BYTES:
                self.sink.error("S048", f"struct '{short_name(name)}' has {size:,} bytes, and no message more than "
                                f"{MAX_MESSAGE_BYTES:,}", written.name.span, "use a table, or a shorter array")  # fmt: skip
            places = enumerate(zip(fields, layout.offsets, layout.paddings, strict=True))
            fields = tuple(_placed(f, index, offset, padding) for index, (f, offset, padding) in places)
        return Record(name, written.is_struct, fields, size, alignment, attributes, written.doc, written.name.span)


def _is_union(type_: Type) -> bool:
    return isinstance(type_.element if isinstance(type_, VectorType) else type_, UnionType)


def _placed(field: Field, index: int, offset: int, padding: int) -> Field:
    return replace(field, id=index, offset=offset, padding=padding)
