# SPDX-License-Identifier: Apache-2.0
"""How each type of a schema is annotated in Python, where it is read and where it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shmcomm_gen.model import Field, RecordType, ScalarType, StringType, Type, Union, UnionType
from shmcomm_gen.scalars import Scalar

_NUMPY = {
    Scalar.BOOL: "bool_", Scalar.BYTE: "int8", Scalar.UBYTE: "uint8", Scalar.SHORT: "int16", Scalar.USHORT: "uint16",
    Scalar.INT: "int32", Scalar.UINT: "uint32", Scalar.LONG: "int64", Scalar.ULONG: "uint64",
    Scalar.FLOAT: "float32", Scalar.DOUBLE: "float64",
}  # fmt: skip


@dataclass(frozen=True)
class Annotations:
    """`names` gives each type its name in the package."""

    names: Mapping[str, str]
    unions: Mapping[str, Union]

    def read_field(self, field: Field) -> str:
        return self.names[field.nested] if field.nested else self.read(field.type)

    def write_field(self, field: Field) -> str:
        return f"{self.names[field.nested]} | dict[str, _Any] | bytes" if field.nested else self.write(field.type)

    def read(self, type_: Type) -> str:
        if isinstance(type_, ScalarType):
            return self.names[type_.enum] if type_.enum else _scalar(type_.scalar)
        if isinstance(type_, StringType):
            return "str"
        if isinstance(type_, RecordType):
            return self.names[type_.name]
        if isinstance(type_, UnionType):
            return " | ".join(self._members(type_)) or "None"
        element = type_.element
        if isinstance(element, ScalarType):
            return f"_npt.NDArray[_np.{_NUMPY[element.scalar]}]"
        if isinstance(element, RecordType) and element.is_struct:
            return "_npt.NDArray[_np.void]"
        if isinstance(element, UnionType):
            return f"_Sequence[{' | '.join([*self._members(element), 'None'])}]"
        return f"_Sequence[{self.read(element)}]"

    def write(self, type_: Type) -> str:
        if isinstance(type_, ScalarType):
            return f"{self.names[type_.enum]} | int" if type_.enum else _scalar(type_.scalar)
        if isinstance(type_, StringType):
            return "str | bytes"
        if isinstance(type_, RecordType):
            plain = "dict[str, _Any] | tuple[_Any, ...]" if type_.is_struct else "dict[str, _Any]"
            return f"{self.names[type_.name]} | {plain}"
        if isinstance(type_, UnionType):
            return " | ".join([*self._members(type_), f"tuple[{self.names[type_.name]} | str, _Any]"])
        element = type_.element
        if isinstance(element, ScalarType):
            return f"_Elements | _Sequence[{_scalar(element.scalar)}]"
        if isinstance(element, RecordType) and element.is_struct:
            return f"_Elements | _Sequence[{self.write(element)}]"
        if isinstance(element, UnionType):
            return f"_Sequence[{self.write(element)} | None]"
        return f"_Sequence[{self.write(element)}]"

    def _members(self, union: UnionType) -> list[str]:
        """What a union may hold, each type once: a member's tag tells which of two equal types it is."""
        types = (member.type for member in self.unions[union.name].members if member.type)
        return list(dict.fromkeys(self.read(type_) for type_ in types))


def _scalar(scalar: Scalar) -> str:
    return "float" if scalar.is_float else "bool" if scalar is Scalar.BOOL else "int"
