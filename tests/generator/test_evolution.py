# SPDX-License-Identifier: Apache-2.0
"""The compiler's verdict on a change is the runtime's: the cases are read out of the runtime's own test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from shmcomm_gen.evolution import compare

from tests.generator.support.compiling import schema_of
from tests.generator.support.tools import ROOT

RUNTIME_TEST = (ROOT / "tests" / "channel" / "compatibility_test.cc").read_text(encoding="utf-8")
STRING = r'"(?:[^"\\]|\\.)*"'
CASE = re.compile(rf"Compare\(({STRING}(?:\s*{STRING})*),\s*({STRING}(?:\s*{STRING})*)\),\s*(?:ElementsAre\(([^;]*?)\)|IsEmpty\(\))\);")


def strings(text: str) -> list[str]:
    return [ast.literal_eval(literal) for literal in re.findall(STRING, text)]


CASES = [("".join(strings(old)), "".join(strings(new)), strings(told)) for old, new, told in CASE.findall(RUNTIME_TEST)]


def differences(folder: Path, writer: str, reader: str) -> list[str]:
    """A breaking one has an exclamation mark, as in the runtime's test."""
    found = compare(schema_of(folder, writer), schema_of(folder, reader), "M")
    return [("!" if one.is_breaking else "") + one.text for one in found]


def test_the_runtime_has_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(("writer", "reader", "told"), CASES)
def test_the_compiler_says_what_the_runtime_says(tmp_path: Path, writer: str, reader: str, told: list[str]) -> None:
    assert differences(tmp_path, writer, reader) == told


def test_a_schema_is_compatible_with_itself(tmp_path: Path) -> None:
    text = """enum E:ubyte{A,B} struct S{x:[float:3];e:E;} table T{m:M;} union U{T,S,t:string}
        table M{a:int=3;b:long=null;s:string(required);v:[S];u:U;w:[U];e:[E];d:double=nan;t:[T];}"""

    assert differences(tmp_path, text, text) == []


@pytest.mark.parametrize(
    ("writer", "reader", "told"),
    [
        ("table M{a:[ubyte];}", "table M{a:[ubyte](vector64);}", ["!table M: field 'a' [ubyte] -> vector64 [ubyte]"]),
        ("union U{t:string} table M{u:U;}", "union U{t:string,s:string} table M{u:U;}", ["union U: member 's' (2) added"]),
        ("table A{} union U{A} table M{u:U;}", "table A{} union U{B:A} table M{u:U;}", ["union U: member 'A' renamed 'B'"]),
        ("enum E:ubyte{A} table M{e:E;}", "table E{} table M{e:E;}", ["!table M: field 'e' enum:ubyte E -> table E"]),
        ("struct M{x:int;}", "table M{x:int;}", ["!struct M: is a table to the reader"]),
        ("enum E:ulong{A=0,B=18446744073709551615} table M{e:E;}", "enum E:ulong{A} table M{e:E;}",
         ["!enum E: value 'B' (18446744073709551615) removed"]),
    ],
)  # fmt: skip
def test_what_the_runtimes_test_leaves_out(tmp_path: Path, writer: str, reader: str, told: list[str]) -> None:
    assert differences(tmp_path, writer, reader) == told
