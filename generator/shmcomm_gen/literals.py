# SPDX-License-Identifier: Apache-2.0
"""Numbers as the schema language writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from shmcomm_gen.syntax import Value, ValueKind

_LONGEST_NUMBER = 1_000
# As C reads them: digits are ASCII, and no `_` stands between them.
_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_REAL = re.compile(r"[0-9a-zA-Z.+-]+", re.ASCII)
_FLOAT_WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}


def integer(text: str) -> int:
    """`12`, `-3`, `0x2`. A leading zero means nothing, as for flatc."""
    digits = text.lstrip("+-")
    if len(digits) > _LONGEST_NUMBER:
        digits = digits[:_LONGEST_NUMBER]  # Beyond every range already; the interpreter refuses thousands of digits.
    number = int(digits, 16) if digits[:2].lower() == "0x" else int(digits, 10)
    return -number if text.startswith("-") else number


def real(text: str) -> float:
    """`1.5`, `.5`, `1e3`, `0x1p3`. Raises ValueError for a hexadecimal number without exponent, as flatc refuses it."""
    folded = text.lower()
    if "0x" not in folded:
        return float(text)
    if "p" not in folded:
        raise ValueError("the exponent of a hexadecimal number is missing")
    try:
        return float.fromhex(text)
    except OverflowError:
        return -math.inf if text.startswith("-") else math.inf


_FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "deg": lambda x: x / math.pi * 180, "rad": lambda x: x * math.pi / 180,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
}  # fmt: skip


def _computed(value: Value) -> float | None:
    """A function of a constant. Each step keeps twelve places after the point, as flatc does."""
    function = _FUNCTIONS.get(value.text.partition("(")[0].strip())
    argument = real_of(value.argument) if value.argument else None
    if function is None or argument is None:
        return None
    try:
        return float(f"{function(argument):.12f}")
    except ValueError:  # asin(2), sin(inf)
        return math.nan


def integer_of(value: Value) -> int | None:
    """The integer `value` spells, also inside quotes, or None."""
    if value.kind is ValueKind.INTEGER:
        return integer(value.text)
    if value.kind is ValueKind.STRING:
        text = value.text.strip()
        return integer(text) if _INTEGER.fullmatch(text) else None
    return None


def real_of(value: Value) -> float | None:
    """The number `value` spells, with `inf` and `nan`, also inside quotes, or None."""
    if value.kind in (ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.STRING):
        text = value.text.strip()
        try:
            return real(text) if _REAL.fullmatch(text) else None
        except ValueError:
            return None
    if value.kind is ValueKind.CALL:
        return _computed(value)
    if value.kind is ValueKind.WORD:
        magnitude = _FLOAT_WORDS.get(value.text.lstrip("+-").lower())
        return None if magnitude is None else (-magnitude if value.text.startswith("-") else magnitude)
    return None
