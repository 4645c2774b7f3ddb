# SPDX-License-Identifier: Apache-2.0
"""Data behind the declarations: a JSON object that must fit the root type. It is checked as flatc checks it, generates
nothing, and is no part of what the schema means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shmcomm_gen.datavalues import Problem, is_hashed, is_null, loose_problem, scalar_problem, tag_number
from shmcomm_gen.diagnostics import Related, Sink, declared_at, did_you_mean
from shmcomm_gen.load import Closure
from shmcomm_gen.model import (
    ArrayType,
    Field,
    Record,
    RecordType,
    ScalarType,
    Schema,
    StringType,
    Type,
    UnionType,
    VectorType,
    short_name,
)
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import DataList, DataObject, DataValue, TooDeep, Value, ValueKind

_MAX_DEPTH = 64  # of records within each other, as flatc has it
_SCHEMA_KEY = "$schema"  # Editors find a JSON schema by it.


def check_data(schema: Schema, closure: Closure, sink: Sink) -> None:
    """Only of the main file, as flatc does. Where the schema is wrong nobody knows what its data may be."""
    file = closure.files[0] if closure.files else None
    if file is None or not file.data:
        return
    if file.behind_data:
        sink.error("S035", "nothing stands behind the data of a file", file.behind_data, "put data last, and once",
                   Related(file.data[0].span, "the data"))  # fmt: skip
    if not file.root_types:
        sink.error("S035", "data needs a root_type that says what it is", file.data[0].span, "add root_type, or drop it")
    if not sink.has_errors:
        root = schema.records[schema.main.root_type]
        _Checker(schema, file.data_namespace, sink).record(file.data[0], root, "", 1)


@dataclass(frozen=True)
class _Given:
    """A field with the value it is given, where `span` says so."""

    field: Field
    value: DataValue
    span: Span


@dataclass(frozen=True)
class _Checker:
    """Walks data and types together. A `path` names the value for people: `objects[3].pose.x`."""

    schema: Schema
    namespace: str
    sink: Sink

    def record(self, value: DataValue, record: Record, path: str, depth: int) -> None:
        """An object, or the values of all fields in order as a list."""
        if isinstance(value, TooDeep) or depth > _MAX_DEPTH:
            self._error(f"this is more than {_MAX_DEPTH} objects within each other", value.span)
        elif isinstance(value, DataObject):
            self._fields(list(self._named(value, record, path)), record, value, path, depth)
        elif isinstance(value, DataList):
            self._fields(list(self._in_order(value, record, path)), record, value, path, depth)
        else:
            self._mismatch(path, RecordType(record.name, record.is_struct), value)

    def _error(self, what: str, span: Span, hint: str = "", related: Related | None = None) -> None:
        self.sink.error("S053", what, span, hint, related)

    def _problem(self, problem: Problem | None, value: Value) -> None:
        if problem:
            self._error(problem.what, value.span, problem.hint, problem.related)

    def _mismatch(self, path: str, type_: Type, value: DataValue) -> None:
        self._error(f"'{path}' is {self._shown(type_)}, not {_kind(value)}", value.span)

    # ---- fields ----

    def _named(self, value: DataObject, record: Record, path: str) -> Iterator[_Given]:
        fields = {field.name: field for field in record.fields}
        for member in value.members:
            name, span = member.name.text, member.name.span
            if name in fields:
                yield _Given(fields[name], member.value, span)
            elif name != _SCHEMA_KEY:
                self._error(f"'{short_name(record.name)}' has no field '{name}'", span, did_you_mean(name, fields),
                            declared_at(short_name(record.name), record.span))  # fmt: skip
            elif _is_not_text(member.value):
                self._mismatch(path + name, StringType(), member.value)

    def _in_order(self, value: DataList, record: Record, path: str) -> Iterator[_Given]:
        """A null that a field does not take is passed over, and the next value is that field's."""
        waiting = list(reversed(record.fields))
        is_over = False
        for item in value.items:
            if not waiting:
                is_over = True
                break
            yield _Given(waiting[-1], item, item.span)
            if not _is_passed_over(waiting[-1], item):
                waiting.pop()
        if waiting or is_over:
            name = short_name(record.name)
            what = f"a list of the values of '{name}' has {len(record.fields)} of them, not {len(value.items)}"
            self._error(what, value.span, "name them: { field: value }", declared_at(name, record.span))

    def _fields(
        self, given: list[_Given], record: Record, value: DataObject | DataList, path: str, depth: int
    ) -> None:
        first: dict[str, _Given] = {}
        for index, one in enumerate(given):
            if _is_passed_over(one.field, one.value):
                continue
            earlier = first.setdefault(one.field.name, one)
            if earlier is not one:
                self._error(f"field '{one.field.name}' is set twice", one.span, "", Related(earlier.span, "first set here"))
                continue
            inner = f"{path}.{one.field.name}" if path else one.field.name
            following = given[index + 1] if index + 1 < len(given) else None
            self._field(one, inner, _tag_of(one.field, first, following), depth)
        if isinstance(value, DataObject):
            self._check_missing(first, record, value.span)

    def _check_missing(self, first: dict[str, _Given], record: Record, span: Span) -> None:
        needed = [field for field in record.fields if field.required or record.is_struct]
        missing = [field for field in needed if field.name not in first]
        if missing:
            names = ", ".join(f"'{field.name}'" for field in missing)
            reason = "a struct has all its fields" if record.is_struct else "it is required"
            self._error(f"'{short_name(record.name)}' needs {names}", span, reason,
                        declared_at(missing[0].name, missing[0].span))  # fmt: skip

    def _field(self, given: _Given, path: str, tag: DataValue | None, depth: int) -> None:
        field, value, type_ = given.field, given.value, given.field.type
        if field.attribute("flexbuffer") is not None:
            self._loose(value, path, depth)
        elif field.nested:
            if isinstance(value, DataObject | TooDeep):
                self.record(value, self.schema.records[field.nested], path, depth + 1)
            else:
                self._mismatch(path, RecordType(field.nested, False), value)
        elif isinstance(type_, UnionType):
            self._union(value, type_, tag, path, given.span, depth)
        elif isinstance(type_, VectorType) and isinstance(type_.element, UnionType):
            self._unions(value, type_, tag, path, given.span, depth)
        elif isinstance(type_, VectorType | ArrayType):
            self._list(value, type_, field, path, depth)
        else:
            self._single(value, type_, field, path, depth)

    # ---- values ----

    def _list(self, value: DataValue, type_: VectorType | ArrayType, field: Field, path: str, depth: int) -> None:
        if not isinstance(value, DataList):
            self._mismatch(path, type_, value)
            return
        if isinstance(type_, ArrayType) and len(value.items) != type_.length:
            self._error(f"'{path}' has {type_.length} elements, not {len(value.items)}", value.span)
        element = type_.element
        assert not isinstance(element, UnionType)
        for index, item in enumerate(value.items):
            self._single(item, element, field, f"{path}[{index}]", depth)

    def _single(
        self, value: DataValue, type_: ScalarType | StringType | RecordType, field: Field, path: str, depth: int
    ) -> None:
        if isinstance(type_, RecordType):
            self.record(value, self.schema.records[type_.name], path, depth + 1)
        elif isinstance(type_, StringType):
            if _is_not_text(value):
                self._mismatch(path, type_, value)
        elif not isinstance(value, Value):
            self._mismatch(path, type_, value)
        elif not (is_hashed(field, type_, value) or (field.is_null and is_null(value))):
            self._problem(scalar_problem(path, value, type_, self.schema, self.namespace), value)

    def _union(
        self, value: DataValue, type_: UnionType, tag: DataValue | None, path: str, span: Span, depth: int
    ) -> None:
        if tag is None:
            name = path.rpartition(".")[2].partition("[")[0]
            self._error(f"nothing says which member of '{short_name(type_.name)}' '{path}' is", span,
                        f"write {name}_type before it")  # fmt: skip
            return
        union = self.schema.unions[type_.name]
        number = tag_number(tag, union)
        if number is None:  # Told where the tag stands.
            return
        member = next((one for one in union.members if one.number == number), None)
        if member is None or member.type is None:
            given = f"'{member.name}'" if member else str(number)
            self._error(f"'{short_name(type_.name)}' has no value for {given}, and '{path}' has one", value.span)
        elif isinstance(member.type, RecordType):
            self.record(value, self.schema.records[member.type.name], path, depth + 1)
        elif _is_not_text(value):
            self._mismatch(path, member.type, value)

    def _unions(
        self, value: DataValue, type_: VectorType, tags: DataValue | None, path: str, span: Span, depth: int
    ) -> None:
        assert isinstance(type_.element, UnionType)
        if not isinstance(value, DataList):
            self._mismatch(path, type_, value)
            return
        known = tags.items if isinstance(tags, DataList) else ()
        for index, item in enumerate(value.items):
            tag = known[index] if index < len(known) else None
            self._union(item, type_.element, tag, f"{path}[{index}]", item.span if tags else span, depth)

    def _loose(self, value: DataValue, path: str, depth: int) -> None:
        """What a flexbuffer holds: anything, of any shape."""
        if isinstance(value, TooDeep) or depth > _MAX_DEPTH:
            self._error(f"this is more than {_MAX_DEPTH} objects within each other", value.span)
        elif isinstance(value, DataList):
            for index, item in enumerate(value.items):
                self._loose(item, f"{path}[{index}]", depth + 1)
        elif isinstance(value, DataObject):
            first: dict[str, Span] = {}
            for member in value.members:
                earlier = first.setdefault(member.name.text, member.name.span)
                if earlier is not member.name.span:
                    self._error(f"'{member.name.text}' is set twice", member.name.span, "", Related(earlier, "first set here"))
                self._loose(member.value, f"{path}.{member.name.text}", depth + 1)
        else:
            self._problem(loose_problem(path, value), value)

    # ---- words ----

    def _shown(self, type_: Type) -> str:
        match type_:
            case ScalarType(scalar, enum):
                return f"a value of '{short_name(enum)}'" if enum else scalar.spelling
            case StringType():
                return "a string"
            case RecordType(name, is_struct):
                return f"{'struct' if is_struct else 'table'} '{short_name(name)}'"
            case UnionType(name):
                return f"union '{short_name(name)}'"
        return "a list"


def _is_passed_over(field: Field, value: DataValue) -> bool:
    """`null` of what is absent by itself."""
    is_number = isinstance(field.type, ScalarType)
    return isinstance(value, Value) and value.kind is ValueKind.WORD and value.text == "null" and not is_number


def _tag_of(field: Field, first: dict[str, _Given], following: _Given | None) -> DataValue | None:
    """The value of the field that says which member a union holds: set before, or of a single union directly behind."""
    name = f"{field.name}_type"
    if name in first:
        return first[name].value
    is_behind = following is not None and following.field.name == name and isinstance(field.type, UnionType)
    return following.value if following and is_behind else None


def _is_not_text(value: DataValue) -> bool:
    return not isinstance(value, Value) or value.kind is not ValueKind.STRING


def _kind(value: DataValue) -> str:
    if isinstance(value, Value):
        return value.kind.value
    return "an object" if isinstance(value, DataObject) else "a list"
