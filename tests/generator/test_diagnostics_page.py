# SPDX-License-Identifier: Apache-2.0
"""schema/diagnostics.md: each code has an example of what is wrong, to which exactly that is said, and one of what is right,
to which nothing is said.

SHMCOMM_UPDATE_GOLDENS=1 writes anew what is said; read the difference before committing it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from shmcomm_gen.cli import main
from shmcomm_gen.explain import sections

from tests.generator.support.tools import ROOT, flatc_2_0_8

PAGE = ROOT / "schema" / "diagnostics.md"
SOURCES = ROOT / "generator" / "shmcomm_gen"
FILE = re.compile(r"^// file: (.*)\n", re.MULTILINE)
Capture = pytest.CaptureFixture[str]
# How the compiler is called, where it is not `shmcommc check robot.channel`; `wrong` alone where the right way is another call.
CALLS = {
    "S036": ["--cpp", "out", "--flatc", "missing"],
    "S037": ["--cpp", "out", "--flatc", "./flatc"],
    "S038": ["--python", "out"],
    "S039": ["--cpp", "out", "--flatc", "./flatc"],
    "S049": ["--compatible-with", "robot.lock"],
    "S050": ["--compatible-with", "robot.lock"],
    "S051": ["--compatible-with", "robot.lock"],
    "S052": ["--cpp", "out", "--flatc", "./flatc"],
}
OUTSIDE_THE_SCHEMA = ("S036", "S037", "S039")
FLATCS: dict[str, Callable[[], str]] = {
    "S037": lambda: "echo error: no such thing; exit 1",
    "S039": lambda: "echo flatc version 2.0.8",
    "S052": lambda: f'exec "{flatc_2_0_8()}" "$@"',
}


def said_to(example: str, code: str, is_wrong: bool, capsys: Capture) -> str:
    """What the compiler says to the files of an example, written to the current folder."""
    first, *named = FILE.split(example)
    files = dict(zip(named[::2], named[1::2], strict=True)) or {"robot.channel": first}
    for name, text in files.items():
        encoding = "latin-1" if code == "S003" and is_wrong else "utf-8"
        Path(name).write_text(text, encoding=encoding)
    Path("flatc").write_text(f"#!/bin/sh\n{FLATCS[code]() if code in FLATCS else ''}\n", encoding="utf-8")
    Path("flatc").chmod(0o755)
    main_file = next(name for name in files if name.endswith(".channel"))
    call = CALLS.get(code, [])
    main([main_file, *(call if is_wrong or code not in OUTSIDE_THE_SCHEMA else [])])
    return capsys.readouterr().err


@pytest.mark.parametrize("code", sections())
def test_an_example_is_answered_as_shown(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    wrong, shown, right = sections()[code].examples

    said = said_to(wrong, code, True, capsys).rstrip("\n") + "\n"

    if os.environ.get("SHMCOMM_UPDATE_GOLDENS"):
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(text.replace(f"{wrong}```\n\n```text\n{shown}```", f"{wrong}```\n\n```text\n{said}```"), encoding="utf-8")
    assert said == shown
    assert f"[{code}]" in said
    assert said.count("[S") == 1 or code == "S050"
    assert said_to(right, code, False, capsys) == ""


def test_every_code_the_compiler_uses_has_its_section() -> None:
    used = {code for path in SOURCES.rglob("*.py") for code in re.findall(r'"(S\d{3})"', path.read_text(encoding="utf-8"))}

    assert used == set(sections())
    assert list(sections()) == sorted(sections())
