# SPDX-License-Identifier: Apache-2.0
"""Numbers as the schema language writes them."""

from __future__ import annotations

import math

from shmcomm_gen.syntax import Value, ValueKind

_LONGEST_NUMBER = 1_000
_FLOAT_WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}


def integer(text: str) -> int:
    """`12`, `-3`, `0x2`. A leading zero means nothing, as for flatc."""
    digits = text.lstrip("+-")
    if len(digits) > _LONGEST_NUMBER:
        digits = digits[:_LONGEST_NUMBER]  # Beyond every range already; the interpreter refuses thousands of digits.
    number = int(digits, 16) if digits[:2].lower() == "0x" else int(digits, 10)
    return -number if text.startswith("-") else number


def real(text: str) -> float:
    """`1.5`, `.5`, `1e3`, `0x1p3`."""
    return float.fromhex(text) if "0x" in text.lower() else float(text)


def integer_of(value: Value) -> int | None:
    """The integer `value` spells, also inside quotes, or None."""
    if value.kind is ValueKind.INTEGER:
        return integer(value.text)
    if value.kind is ValueKind.STRING:
        try:
            return integer(value.text.strip())
        except ValueError:
            return None
    return None


def real_of(value: Value) -> float | None:
    """The number `value` spells, with `inf` and `nan`, also inside quotes, or None."""
    if value.kind in (ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.STRING):
        try:
            return float(integer(value.text)) if value.kind is ValueKind.INTEGER else real(value.text.strip())
        except ValueError:
            return None
    if value.kind is ValueKind.WORD:
        magnitude = _FLOAT_WORDS.get(value.text.lstrip("+-"))
        return None if magnitude is None else (-magnitude if value.text.startswith("-") else magnitude)
    return None
