# SPDX-License-Identifier: Apache-2.0
"""Whatever the text, the answer is a model or diagnostics, never an exception."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.generator.support.compiling import INPUTS, compile_file

SEED = int(os.environ.get("SHMCOMM_TEST_SEED", "20260101"))
PIECES = [
    "table ", "struct ", "enum ", "channel ", "union ", "{", "}", "(", ")", "[", "]", ";", ":", "=", ",", ".", "<", ">",
    "pubsub", "required", "id: ", "5ms", "8MiB", "0x2", "-1", "1e9", '"', "'", "//", "/*", "*/", "///", "\n", "\\", "é",
    "namespace ", "include ", "int", "deg(", "null", "force_align: ", "bit_flags", "\t", "\r",
]  # fmt: skip


def mutated(text: str, dice: random.Random) -> str:
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(text) + 1)
        end = min(len(text), start + dice.choice((0, 1, 5, 40)))
        text = text[:start] + "".join(dice.choices(PIECES, k=dice.randint(0, 3))) + text[end:]
    return text


@pytest.mark.parametrize("name", ["robot.channel", "everything.channel"])
def test_a_mutated_schema_never_raises(tmp_path: Path, name: str) -> None:
    dice = random.Random(SEED)
    text = (INPUTS / name).read_text(encoding="utf-8")
    path = tmp_path / "case.channel"
    for round_ in range(60):
        path.write_text(mutated(text, dice), encoding="utf-8")
        try:
            compile_file(path, INPUTS)
        except Exception as error:
            error.add_note(f"seed {SEED}, round {round_}, text:\n{path.read_text(encoding='utf-8')}")
            raise


def test_the_samples_of_flatbuffers_never_raise() -> None:
    root = Path(os.environ.get("SHMCOMM_TEST_DATA", "")) / "fbs"
    samples = sorted(root.rglob("*.fbs")) if os.environ.get("SHMCOMM_TEST_DATA") else []
    if not samples:
        pytest.skip("SHMCOMM_TEST_DATA names no folder with fbs/")
    for path in samples:
        _, sink = compile_file(path, root, root / "tests", root / "tests" / "include_test")
        assert "S001" not in {found.code for found in sink.diagnostics}, path


@pytest.mark.parametrize(
    "text",
    [
        f"enum E : int {{ A = {'9' * 5000} }}", f"table A {{ x:int = {'9' * 5000}; }}", f"struct S {{ x:[int:{'1' * 5000}]; }}",
        f"table A {{ x:int; }} channel a : pubsub<A> {{ capacity: {'9' * 5000}; deadline: {'9' * 5000}.{'9' * 5000}s; }}",
        f'include "{"x" * 5000}.fbs";', 'include "";', 'include "\\x00";', 'table A { x:int; } channel a = "\\ud800" : pubsub<A>;',
        "table A { x:" + "[" * 300 + "int" + "]" * 300 + "; }", "namespace " + ".".join("a" * 2000) + "; table A { a:A; }",
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_extremes_never_raise(tmp_path: Path, text: str) -> None:
    (tmp_path / "case.channel").write_text(text, encoding="utf-8")

    compile_file(tmp_path / "case.channel")
