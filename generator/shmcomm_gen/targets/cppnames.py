# SPDX-License-Identifier: Apache-2.0
"""Names that would be declared twice in C++: flatc makes several of each name of a schema and does not look whether they
meet. Asked only where C++ is, because the schema itself is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shmcomm_gen.diagnostics import Related, Sink
from shmcomm_gen.model import EnumType, Field, Record, Schema, StringType, Union, VectorType, namespace_of, short_name
from shmcomm_gen.source import Span

# Words flatc changes where it meets them as names: it appends an underscore.
KEYWORDS = frozenset(
    "alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool break case catch "
    "char char16_t char32_t char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr "
    "constinit continue decltype default defined delete do double dynamic_cast else enum explicit export extern false "
    "float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq "
    "private protected public register reinterpret_cast requires return short signed sizeof static static_assert "
    "static_cast struct switch synchronized template this thread_local throw true try typedef typeid typename union "
    "unsigned using virtual void volatile wchar_t while xor xor_eq".split()
)
_NAMESPACES_OF_OTHERS = ("std", "flatbuffers")
_SCALARS_OF_CPP = ("int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t")
_OF_EVERY_TABLE = ("Builder", "fbb_")
_RENAME = "rename one of the two"


def escaped(name: str) -> str:
    """As flatc spells it."""
    return name + "_" if name in KEYWORDS else name


@dataclass
class _Scope:
    """What was declared in one namespace or type, and for whom."""

    sink: Sink
    taken: dict[str, tuple[str, Span]] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)

    def declare(self, name: str, owner: str, span: Span) -> None:
        earlier, place = self.taken.setdefault(name, (owner, span))
        if earlier != owner and (earlier, owner) not in self.told:
            self.told.add((earlier, owner))
            self.sink.error("S009", f"in C++ {owner} brings '{name}', and {earlier} does too", span, _RENAME,
                            Related(place, earlier))  # fmt: skip


def check_cpp_names(schema: Schema, sink: Sink) -> None:
    scopes: dict[str, _Scope] = {}
    for name, declared in _declared(schema):
        scope = scopes.setdefault(namespace_of(name), _Scope(sink))
        owner = f"{_kind(declared)} '{short_name(name)}'"
        for generated in _names_of(declared):
            scope.declare(generated, owner, declared.span)
        for value, span in _values(declared):
            scope.declare(f"{escaped(short_name(name))}_{value}", f"value '{value}' of {owner}", span)
        _check_namespaces(declared, schema, sink)
    for record in schema.records.values():
        _check_members(record, sink)


def _declared(schema: Schema) -> Iterator[tuple[str, Record | EnumType | Union]]:
    for group in (schema.enums, schema.unions, schema.records):
        yield from group.items()


def _kind(declared: Record | EnumType | Union) -> str:
    if isinstance(declared, Record):
        return "struct" if declared.is_struct else "table"
    return "enum" if isinstance(declared, EnumType) else "union"


def _names_of(declared: Record | EnumType | Union) -> Iterator[str]:
    """What flatc declares in the namespace."""
    name = escaped(short_name(declared.name))
    yield name
    if isinstance(declared, Record):
        yield from () if declared.is_struct else _names_of_a_table(name, declared)
    else:
        yield from (f"{name}_{value}" for value in _bounds(declared))
        yield from (f"Enum{what}{name}" for what in ("Values", "Names", "Name"))
    if isinstance(declared, Union):
        yield from (f"Verify{name}", f"Verify{name}Vector", f"{name}Traits")


def _values(declared: Record | EnumType | Union) -> Iterator[tuple[str, Span]]:
    if isinstance(declared, EnumType):
        yield from ((value.name, value.span) for value in declared.values)
    elif isinstance(declared, Union):
        yield from ((member.name, declared.span) for member in declared.members)


def _names_of_a_table(name: str, table: Record) -> Iterator[str]:
    yield from (f"{name}Builder", f"Create{name}")
    if any(isinstance(one.type, StringType | VectorType) for one in table.fields):
        yield f"Create{name}Direct"


def _bounds(declared: EnumType | Union) -> tuple[str, str]:
    is_flags = isinstance(declared, EnumType) and declared.is_bit_flags
    return ("NONE", "ANY") if is_flags else ("MIN", "MAX")


def _check_namespaces(declared: Record | EnumType | Union, schema: Schema, sink: Sink) -> None:
    namespace, name = namespace_of(declared.name), short_name(declared.name)
    foreign = next((one for one in namespace.split(".") if one in _NAMESPACES_OF_OTHERS), None)
    if foreign:
        sink.error("S009", f"in C++ '{name}' would be in namespace '{foreign}', which has an owner", declared.span,
                   "choose another namespace")  # fmt: skip
    if name in _SCALARS_OF_CPP or name == "Table":
        sink.error("S009", f"in C++ '{name}' is a type already", declared.span, "rename it")
    inside = next((other for _, other in _declared(schema) if namespace_of(other.name) == declared.name), None)
    if inside:
        sink.error("S009", f"in C++ '{name}' is a namespace, and cannot be a type beside it", declared.span, _RENAME,
                   Related(inside.span, "a type of the namespace"))  # fmt: skip


def _check_members(record: Record, sink: Sink) -> None:
    scope = _Scope(sink)
    for one in record.fields:
        if one.deprecated:
            continue
        if one.name in _OF_EVERY_TABLE and not record.is_struct:
            sink.error("S009", f"in C++ every table has a '{one.name}' already", one.span, "rename the field")
        for generated in _names_of_a_field(one, record):
            scope.declare(generated, f"field '{one.name}'", one.span)


def _names_of_a_field(one: Field, record: Record) -> Iterator[str]:
    """An accessor, and what keeps the value: a private member of a struct, a constant in capitals of a table."""
    name = escaped(one.name)
    yield name
    yield f"{name}_" if record.is_struct else f"VT_{name.upper()}"
