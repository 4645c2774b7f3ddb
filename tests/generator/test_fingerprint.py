# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen.fingerprint import canonical_text, fingerprint

from tests.generator.support.compiling import schema_of

BASE = """
enum E : ubyte { A, B }
struct S { x:float; e:[E:2]; }
table Inner { t:Outer; s:S; }
table Outer { a:int = 3; f:float = 0.5; n:string (required); v:[Inner]; e:E = B; }
table Unrelated { x:int; }
"""


def of(directory: Path, text: str) -> int:
    return fingerprint("Outer", schema_of(directory, text))


def test_the_canonical_text_is_this(tmp_path: Path) -> None:
    assert canonical_text("Outer", schema_of(tmp_path, BASE)) == (
        "message Outer\n"
        "enum E:ubyte {A=0;B=1}\n"
        "table Inner {0:t:Outer;1:s:S}\n"
        "table Outer {0:a:int=3;1:f:float=0x1.0000000000000p-1;2:n:string required;3:v:[Inner];4:e:E=1}\n"
        "struct[8,4] S {0:x:float@0;1:e:[E:2]@4}\n"
    )


def test_the_fingerprint_is_stable(tmp_path: Path) -> None:
    assert of(tmp_path, BASE) == 0xC9CEC654118FACD6


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a:int = 3", "a:int = 4"), ("a:int", "a:uint"), ("a:int", "b:int"), ("(required)", ""), ("x:float;", "x:int;"),
        ("[E:2]", "[E:3]"), ("A, B", "A, B, C"), ("A, B", "B, A"), ("E : ubyte", "E : byte"), ("v:[Inner]", "v:Inner"),
        ("e:E = B;", "e:E = B; more:int;"), ("0.5", "0.25"), ("struct S {", "struct S (force_align: 8) {"),
    ],
)  # fmt: skip
def test_what_changes_the_wire_changes_it(tmp_path: Path, old: str, new: str) -> None:
    assert old in BASE

    assert of(tmp_path, BASE.replace(old, new)) != of(tmp_path, BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("table Outer", "/// documented\ntable Outer"), ("a:int = 3", "a:int32 = 0x3"), ("x:int;", "x:string;"),
        ("a:int = 3;", "a:int = 3 (deprecated);"), ("table Inner {", "table Inner (private) {"),
        ("A, B", "A = 0, B = 1"), ("t:Outer; s:S;", "s:S (id: 1); t:Outer (id: 0);"),
    ],
)  # fmt: skip
def test_what_does_not_change_the_wire_does_not_change_it(tmp_path: Path, old: str, new: str) -> None:
    assert of(tmp_path, BASE.replace(old, new)) == of(tmp_path, BASE)


def test_the_order_of_declarations_and_files_does_not_count(tmp_path: Path) -> None:
    lines = BASE.strip().splitlines()
    split = 'include "one.fbs";\n' + "\n".join(lines[2:][::-1])
    schema = schema_of(tmp_path, split, one="\n".join(lines[:2]))

    assert fingerprint("Outer", schema) == of(tmp_path, BASE)


def test_two_types_of_equal_content_differ(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "table A { x:int; } table B { x:int; }")

    assert fingerprint("A", schema) != fingerprint("B", schema)
