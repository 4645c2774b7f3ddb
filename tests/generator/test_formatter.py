# SPDX-License-Identifier: Apache-2.0
"""The layout, to the letter; and that it changes nothing else, on every schema at hand and on random ones."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.formatter import formatted
from shmcomm_gen.grammar import parse
from shmcomm_gen.source import Source, read_source
from shmcomm_gen.targets.bfbs import bfbs_bytes
from shmcomm_gen.tokens import Piece, pieces

from tests.generator.support.compiling import INPUTS, compile_file
from tests.generator.support.tools import ROOT

SEED = int(os.environ.get("SHMCOMM_TEST_SEED", "20260101"))
GOLDEN = Path(__file__).parent / "goldens" / "format"
SAMPLES = Path(os.environ.get("SHMCOMM_TEST_DATA", "/nonexistent")) / "fbs"
SCHEMAS = sorted(path for path in ROOT.rglob("*.channel") if "build" not in path.parts) + sorted(SAMPLES.rglob("*.fbs"))


def parses(text: str) -> bool:
    sink = Sink()
    parse(Source("case", Path("case"), text), sink)
    return not sink.has_errors


def in_one(text: str) -> str:
    return formatted(text).removesuffix("\n")


def test_every_construct_is_laid_out_as_in_the_golden_file() -> None:
    untidy = (GOLDEN / "untidy.channel").read_text(encoding="utf-8")
    tidy = GOLDEN / "tidy.channel"

    if os.environ.get("SHMCOMM_UPDATE_GOLDENS"):
        tidy.write_text(formatted(untidy), encoding="utf-8")
    assert formatted(untidy) == tidy.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_twice_is_once_and_the_schema_stays_the_same(path: Path, tmp_path: Path) -> None:
    try:
        text = read_source(path, path.name).text
    except ValueError:
        pytest.skip("not text")
    if not parses(text):
        pytest.skip("does not parse")

    once = formatted(text)

    assert formatted(once) == once
    assert meaning(once, path, tmp_path) == meaning(text, path, tmp_path)


def meaning(text: str, path: Path, folder: Path) -> object:
    """The binary schema, documentation included, and the channels; of a wrong schema what is wrong."""
    (folder / path.name).write_text(text, encoding="utf-8")
    schema, sink = compile_file(folder / path.name, path.parent, SAMPLES / "tests", SAMPLES / "tests" / "include_test", INPUTS)
    if sink.has_errors:
        return sorted((found.code, found.message) for found in sink.diagnostics)
    return bfbs_bytes(schema), [(one.name, one.qos, one.doc) for one in schema.channels]


def respaced(row: list[Piece], dice: random.Random) -> str:
    """The same words with other gaps and more comments. Documentation has a line of its own, and a bracket that touches
    its function goes on to, because both mean something."""
    text = ""
    before: Piece | None = None
    for piece in row:
        gap = dice.choice((" ", " ", "\n", "\n\n\n", "\t", " /* c */ ", " // c\n", "\n// c\n", "\r\n"))
        if piece.text == "(" and piece.touches:
            gap = ""
        if piece.text.startswith("///") or (before and before.ends_line):
            gap = "\n"
        text += gap + piece.text
        before = piece
    return text


def dice_for(name: str) -> Iterator[random.Random]:
    for round_ in range(25):
        yield random.Random(f"{SEED} {name} {round_}")


@pytest.mark.parametrize("name", ["robot.channel", "everything.channel", "language.channel", "newer.channel"])
def test_whatever_the_spaces_and_comments_were(tmp_path: Path, name: str) -> None:
    row = list(pieces((INPUTS / name).read_text(encoding="utf-8")))
    plain = meaning(respaced(row, random.Random(SEED)), INPUTS / name, tmp_path)
    for dice in dice_for(name):
        text = respaced(row, dice)
        assert parses(text), text

        once = formatted(text)

        assert formatted(once) == once, text
        assert meaning(once, INPUTS / name, tmp_path) == plain, text


@pytest.mark.parametrize(
    ("untidy", "tidy"),
    [
        ("table   T{a:int;b:string;}", "table T { a:int; b:string; }"),
        ("table T{\na:int;}", "table T {\n  a:int;\n}"),
        ("table T {\n}", "table T {}"),
        ("table T { }", "table T {}"),
        ("table T{/* none */}", "table T {\n  /* none */\n}"),
        ("struct S{x:[float :9];}", "struct S { x:[float:9]; }"),
        ("table T{x:float=sin (id:0);}", "table T { x:float = sin (id: 0); }"),
        ("table T{x:float=sin( rad(90))(id:0);}", "table T { x:float = sin(rad(90)) (id: 0); }"),
        ("enum E:byte{A=-1,B}", "enum E : byte { A = -1, B }"),
        ("enum E:byte{A,}", "enum E : byte { A, }"),
        ("union U{A,b:n . B}", "union U { A, b:n.B }"),
        ("rpc_service R{ a (A):B(idempotent);}", "rpc_service R { a(A):B (idempotent); }"),
        ("channel c=\"x\":reqrep<A,B>(p,q);", 'channel c = "x" : reqrep<A, B> (p, q);'),
        ("channel c:pubsub<A>{a:1;b:2ms;}", "channel c : pubsub<A> { a: 1; b: 2ms; }"),
        ("{a:1,'b':[1,2,{c:{}}]}", "{ a: 1, 'b': [1, 2, { c: {} }] }"),
        ("namespace ;namespace a . b;", "namespace;\nnamespace a.b;"),
        ("table T{x:int;// x\nlonger:int;// y\n}", "table T {\n  x:int;       // x\n  longer:int;  // y\n}"),
        ("enum E:int{A// a\n,B// b\n}", "enum E : int {\n  A,  // a\n  B   // b\n}"),
        ("table T{x/* a */:/* b */int;}", "table T { x /* a */ : /* b */ int; }"),
        ("table T{x:// a\nint;}", "table T {\n  x: // a\n    int;\n}"),
        ("table A{\nx:int;}\ntable B{}", "table A {\n  x:int;\n}\n\ntable B {}"),
        ("struct A{x:int;}\n\n\n\nstruct B{x:int;}", "struct A { x:int; }\n\nstruct B { x:int; }"),
        ("\n\n// a\n\n\n// b\ntable A{}\n\n// c", "// a\n\n// b\ntable A {}\n\n// c"),
        ("/* a\n   b */table A{}", "/* a\n   b */\ntable A {}"),
        ("/// told  \ntable A{}", "/// told  \ntable A {}"),
        ("// not told  \ntable A{}", "// not told\ntable A {}"),
        ("table A{x:int;}// a\n// b", "table A { x:int; }  // a\n// b"),
        ("table A{// open\nx:int;\n// below\n}// close", "table A {  // open\n  x:int;\n  // below\n}  // close"),
    ],
)  # fmt: skip
def test_the_layout_of_a_construct(untidy: str, tidy: str) -> None:
    assert parses(untidy)

    assert in_one(untidy) == tidy
    assert in_one(tidy) == tidy


def test_a_declaration_that_does_not_fit_a_line_has_a_line_for_each_member() -> None:
    members = "".join(f"member_{n}:int; " for n in range(12))

    assert in_one(f"table T {{ {members}}}") == "table T {\n" + "".join(f"  member_{n}:int;\n" for n in range(12)) + "}"


def test_nothing_of_a_text_without_declarations_is_nothing() -> None:
    assert formatted("") == formatted("\n\n \n") == ""


FENCE = re.compile(r"^```fbs\n((?:.*\n)*?)```\n", re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "schema/README.md", "schema/language.md", "schema/diagnostics.md"])
def test_what_the_documents_show_is_laid_out_so(page: str) -> None:
    for example in FENCE.findall((ROOT / page).read_text(encoding="utf-8")):
        assert not parses(example) or formatted(example) == example


@pytest.mark.parametrize("folder", ["examples", "bench"])
def test_schemas_of_programs_to_learn_from_are_laid_out_so(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.channel"):
        text = path.read_text(encoding="utf-8")
        assert formatted(text) == text, path
