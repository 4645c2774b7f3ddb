# SPDX-License-Identifier: Apache-2.0
"""Each folder of cases/ is a schema with something to say about it, and expected.txt is what is said, to the letter.

SHMCOMM_UPDATE_GOLDENS=1 writes expected.txt anew; read the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import as_report
from shmcomm_gen.explain import sections

from tests.generator.support.compiling import compile_file

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path.name for path in CASES.iterdir())
# What only the command finds, not the stages: see test_diagnostics_page.py.
FOUND_ELSEWHERE = {"S036", "S037", "S038", "S039", "S049", "S050", "S051", "S052"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_schema_is_answered_to_the_letter(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / folder)
    expected = Path("expected.txt")

    said = as_report(compile_file(Path("case.channel"))[1].diagnostics)

    if os.environ.get("SHMCOMM_UPDATE_GOLDENS"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


def test_every_code_has_a_case_that_shows_it() -> None:
    shown = "".join((CASES / folder / "expected.txt").read_text(encoding="utf-8") for folder in FOLDERS)

    missing = [code for code in sections() if f"[{code}]" not in shown and code not in FOUND_ELSEWHERE]

    assert missing == []


def test_every_case_named_for_a_code_shows_it() -> None:
    for folder in FOLDERS:
        if folder.startswith("S0"):
            assert f"[{folder[:4]}]" in (CASES / folder / "expected.txt").read_text(encoding="utf-8"), folder
