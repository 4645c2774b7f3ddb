# SPDX-License-Identifier: Apache-2.0
"""Enum values and defaults."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.generator.support.compiling import schema_of


def test_enum_values_count_on_from_the_one_before(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "enum E : int { A, B = 5, C, D = -2, E = 0x10, F }")

    numbers = {value.name: value.number for value in schema.enums["E"].values}

    assert numbers == {"A": 0, "B": 5, "C": 6, "D": -2, "E": 16, "F": 17}


def test_bit_flags_number_bits(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "enum E : ulong (bit_flags) { A, B, C = 40, D = 63 }")

    assert [value.number for value in schema.enums["E"].values] == [1, 2, 1 << 40, 1 << 63]


def test_the_last_value_may_be_the_largest(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "enum E : ulong { A = 18446744073709551615 } enum F : byte { Z = 127 }")

    assert schema.enums["E"].values[0].number == (1 << 64) - 1


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("ubyte = 0x2", 2), ("byte = -128", -128), ("ulong = 18446744073709551615", (1 << 64) - 1), ("int = 007", 7),
        ('int = "12"', 12), ("bool = true", 1), ("bool = false", 0), ("bool = 1", 1), ("float = 3", 3.0),
        ("double = -1.5e3", -1500.0), ("float = 0x1p3", 8.0), ("float = inf", math.inf), ("double = -infinity", -math.inf),
        ('float = "2.5"', 2.5), ("E = B", 1), ("E = E.B", 1), ("E = n.E.B", 1), ("E = 1", 1), ("F = Q", 2),
        ('F = "P Q"', 3), ("F = 9", 9), ("E", 0), ("F", 0), ("int", 0),
    ],
)  # fmt: skip
def test_a_default_is_a_number(tmp_path: Path, field: str, number: float) -> None:
    enums = "namespace n; enum E : ubyte { A, B } enum F : ubyte (bit_flags) { P, Q }"

    schema = schema_of(tmp_path, f"{enums} table T {{ x:{field}; }}")

    default = schema.records["n.T"].fields[0].default
    assert default == number
    assert type(default) is type(number)


def test_nan_is_a_default(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "table T { x:float = nan; }")

    assert math.isnan(schema.records["T"].fields[0].default)


@pytest.mark.parametrize("text", ["nan", "-nan", '"nan"'])
def test_other_spellings_of_nan(tmp_path: Path, text: str) -> None:
    assert math.isnan(schema_of(tmp_path, f"table T {{ x:double = {text}; }}").records["T"].fields[0].default)
