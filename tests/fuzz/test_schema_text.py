# SPDX-License-Identifier: Apache-2.0
"""The schema compiler under the fuzzer, for a fixed number of texts, and under Hypothesis, which needs no fuzzer.

SHMCOMM_FUZZ_RUNS sets how many; the default is what every run of the tests can afford.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.schema_text import CORPUS, compile_text, seeds

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import strategies as st  # noqa: E402  (after the check that it is there)

RUNS = int(os.environ.get("SHMCOMM_FUZZ_RUNS", "600"))
TEXTS = [path.read_bytes() for path in seeds()]
WORDS = st.sampled_from([
    "table ", "struct ", "enum ", "union ", "channel ", "namespace ", "include ", "rpc_service ", "{", "}", "(", ")", "[", "]",
    "<", ">", ";", ":", ",", ".", "=", "\n", "\t", "\r\n", "//", "///", "/*", "*/", '"', "'", "\\", "pubsub", "reqrep", "int",
    "string", "[ubyte]", "null", "nan", "-inf", "id: ", "required", "key", "bit_flags", "deg(", "0x", "1e999", "99999999999999999999",
    "5ms", "8MiB", "é", "\U0001f600", "\0", "",
])  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 60), WORDS), min_size=1, max_size=6)


def edited(text: bytes, edits: list[tuple[int, int, str]]) -> bytes:
    """Each edit replaces a stretch by a word."""
    for start, length, word in edits:
        at = start % (len(text) + 1)
        text = text[:at] + word.encode() + text[at + length :]
    return text


@hypothesis.settings(max_examples=RUNS // 4, deadline=None, database=None, print_blob=True)
@hypothesis.given(st.sampled_from(TEXTS), EDITS)
def test_an_edited_schema_is_answered(text: bytes, edits: list[tuple[int, int, str]]) -> None:
    compile_text(edited(text, edits))


@hypothesis.settings(max_examples=RUNS // 4, deadline=None, database=None, print_blob=True)
@hypothesis.given(st.lists(st.one_of(WORDS, st.text(max_size=3)), max_size=40))
def test_a_text_of_loose_words_is_answered(words: list[str]) -> None:
    compile_text("".join(words).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_what_was_found_before_is_answered(path: Path) -> None:
    compile_text(path.read_bytes())


def test_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed")
    for number, text in enumerate(TEXTS):
        (tmp_path / f"{number}").write_bytes(text)
    program = Path(sys.modules[compile_text.__module__].__file__ or "")
    command = [sys.executable, program, f"-atheris_runs={len(TEXTS) + RUNS}", "-seed=1", "-timeout=120", tmp_path]

    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    kept = [path.read_bytes() for path in tmp_path.glob("*-*")]
    shutil.rmtree(tmp_path, ignore_errors=True)
    assert run.returncode == 0, f"{run.stderr[-4000:]}\nfound: {kept}"
