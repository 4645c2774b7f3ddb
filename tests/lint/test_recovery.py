# SPDX-License-Identifier: Apache-2.0
"""What recovery.md says is shown by tests is: every crash point has a row, and every test that a row names exists."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "runtime/doc/recovery.md"
CRASH_POINT = re.compile(r'SHMCOMM_CRASH_POINT\("([^"]+)"\)')
TOKEN = re.compile(r"`([^`]+)`")


def text_of(folder: str, *suffixes: str) -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / folder).rglob("*")) if path.suffix in suffixes)


def names_of_tests() -> dict[str, set[str]]:
    """All that a row may name, by kind."""
    cpp, python = text_of("tests", ".cc", ".h"), text_of("tests", ".py")
    tests = re.findall(r"\bTEST(?:_F|_P)?\((\w+), (\w+)\)", cpp)
    return {
        "test": {f"{suite}.{test}" for suite, test in tests} | set(re.findall(r"^def (test_\w+)", python, re.MULTILINE)),
        "scenario": set(re.findall(r'Add\w*(?:<\w+>)?\(catalogue, "(\w+)"', text_of("tests/sched/scenarios", ".cc"))),
        "fuzz": {path.name.removesuffix("_target.cc") for path in (ROOT / "tests/fuzz").glob("*_target.cc")},
        "path": {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*")},
    }


def exists(name: str, kind: str, names: dict[str, set[str]]) -> bool:
    pattern = f"*/{name}" if kind == "path" and "/" not in name else name
    if kind == "test" and "*" in name and "." not in name:
        pattern += ".*"  # of suites
    return any(fnmatchcase(each, pattern) for each in names[kind])


def missing_in(cell: str, names: dict[str, set[str]]) -> list[str]:
    """The names in one cell of the column "shown by" that are nothing."""
    missing = []
    suite, kind = "", "test"
    for part in re.split(r"[;:](?= )|(?=model )|(?=fuzz target)", cell):
        words = part.strip()
        kind = "scenario" if words.startswith("model") else "fuzz" if words.startswith("fuzz target") else kind
        for name in TOKEN.findall(re.sub(r"\((?:`\w+`(?:, )?)+\)", "", part)):
            if name.startswith("."):
                name = suite + name
            suite = name.split(".")[0]
            is_path = "/" in name or name.endswith(".py")
            is_test = name[0].isupper() or name.startswith("test_")
            kind_here = "path" if is_path else "test" if is_test else kind
            if not exists(name, kind_here, names):
                missing.append(name)
    return missing


def rows(document: str) -> list[list[str]]:
    """The cells of every row of every table whose last column is "shown by"."""
    found = []
    is_shown = False
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            is_shown = False
        elif cells[-1] == "shown by":
            is_shown = True
        elif is_shown and not set(line) <= set("|- "):
            found.append(cells)
    return found


def complaints(document: str, names: dict[str, set[str]]) -> list[str]:
    found = []
    for cells in rows(document):
        if not cells[-1]:
            found.append(f"{cells[0]}: nothing shows it")
        if not cells[-1].startswith("none"):  # and why
            found += [f"{cells[0]}: there is no {name}" for name in missing_in(cells[-1], names)]
    return found


def test_every_test_that_recovery_names_exists() -> None:
    assert complaints(DOCUMENT.read_text(), names_of_tests()) == []


def test_every_crash_point_has_a_row_and_every_row_a_crash_point() -> None:
    in_sources = set(CRASH_POINT.findall(text_of("runtime/src", ".cc", ".h")))
    in_rows = {name for cells in rows(DOCUMENT.read_text()) for name in TOKEN.findall(cells[0]) if name.count(".") == 2}

    assert in_rows == in_sources


def test_a_row_with_nothing_or_with_something_that_is_not_there_is_reported() -> None:
    document = (
        "| fault | shown by |\n|---|---|\n| a | |\n| b | `Ring.Goes*`, `.Stops`; model `laps*`, `gone` |\n| c | `test_lost`, `tests/ring` |\n"
    )
    names = {"test": {"Ring.GoesOn", "test_found"}, "scenario": {"laps_kills"}, "fuzz": set(), "path": {"tests/ring"}}

    assert complaints(document, names) == [
        "a: nothing shows it",
        "b: there is no Ring.Stops",
        "b: there is no gone",
        "c: there is no test_lost",
    ]
