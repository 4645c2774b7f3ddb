# SPDX-License-Identifier: Apache-2.0
"""The scalar types of FlatBuffers: names, sizes, ranges and numbers in the reflection schema."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class ScalarInfo:
    spelling: str
    alias: str
    size: int
    base_type: int
    low: int = 0
    high: int = 0


def _integer(spelling: str, alias: str, size: int, base_type: int, is_signed: bool) -> ScalarInfo:
    bits = 8 * size
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if is_signed else (0, (1 << bits) - 1)
    return ScalarInfo(spelling, alias, size, base_type, low, high)


class Scalar(Enum):
    """`base_type` is the number of reflection.BaseType."""

    BOOL = ScalarInfo("bool", "bool", 1, 2, 0, 255)  # The byte it is, as flatc takes it; C++ and Python make true of it.
    BYTE = _integer("byte", "int8", 1, 3, True)
    UBYTE = _integer("ubyte", "uint8", 1, 4, False)
    SHORT = _integer("short", "int16", 2, 5, True)
    USHORT = _integer("ushort", "uint16", 2, 6, False)
    INT = _integer("int", "int32", 4, 7, True)
    UINT = _integer("uint", "uint32", 4, 8, False)
    LONG = _integer("long", "int64", 8, 9, True)
    ULONG = _integer("ulong", "uint64", 8, 10, False)
    FLOAT = ScalarInfo("float", "float32", 4, 11)
    DOUBLE = ScalarInfo("double", "float64", 8, 12)

    @property
    def spelling(self) -> str:
        return self.value.spelling

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def base_type(self) -> int:
        return self.value.base_type

    @property
    def is_float(self) -> bool:
        return self in (Scalar.FLOAT, Scalar.DOUBLE)

    @property
    def is_integer(self) -> bool:
        return not self.is_float and self is not Scalar.BOOL

    def holds(self, number: int) -> bool:
        return self.value.low <= number <= self.value.high

    @property
    def range_text(self) -> str:
        return f"{self.value.low} to {self.value.high}"


SCALARS: dict[str, Scalar] = {s.value.spelling: s for s in Scalar} | {s.value.alias: s for s in Scalar}
