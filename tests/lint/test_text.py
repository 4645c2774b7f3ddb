# SPDX-License-Identifier: Apache-2.0
"""What every text file of the repository keeps to: no machine's paths, a licence line, a size one can read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_SUFFIXES = {".h", ".cc", ".py", ".pyi", ".sh", ".cmake", ".lark", ".j2"}
# Expected output and schemas kept to be rejected say what they must say.
FIXTURES = re.compile(r"(^|/)(goldens?|expected|fixtures|cases|data)/")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
MACHINE_PATH = re.compile(r"(?<![\w.>})$-])/(?:work|root|home)(?=[/\s\"'`),:;]|$)")
UNREFERENCED_TODO = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))")
LONGEST_FILE = 600
MADE_FOLDERS = {"build", "__pycache__"}


def is_source(path: str) -> bool:
    return Path(path).suffix in SOURCE_SUFFIXES or Path(path).name == "CMakeLists.txt"


def machine_paths(path: str, text: str) -> list[str]:
    return [f"{path}:{n}: a path of one machine" for n, line in enumerate(text.splitlines(), 1) if MACHINE_PATH.search(line)]


def unreferenced_todos(path: str, text: str) -> list[str]:
    if path == "tests/lint/test_text.py":
        return []
    return [
        f"{path}:{n}: unfinished work without an issue, write it as (#number)"
        for n, line in enumerate(text.splitlines(), 1)
        if UNREFERENCED_TODO.search(line)
    ]


def missing_licence(path: str, text: str) -> list[str]:
    if not is_source(path) or not text.strip():
        return []
    lines = text.splitlines()
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    return [] if LICENCE in first else [f"{path}: does not begin with {LICENCE}"]


def too_long(path: str, text: str) -> list[str]:
    length = text.count("\n")
    if not is_source(path) or "/platform/" in path or length <= LONGEST_FILE:
        return []
    return [f"{path}: {length} lines, the limit is {LONGEST_FILE}; look for the second concept"]


RULES = [machine_paths, unreferenced_todos, missing_licence, too_long]


def repository_files() -> list[str]:
    """All files but those that builds and tools make. Not asked of git: a source archive has none."""
    names = []
    for folder, subfolders, files in os.walk(ROOT):
        subfolders[:] = [
            name for name in subfolders
            if name not in MADE_FOLDERS and not name.endswith(".egg-info") and (name == ".ci" or name[0] != ".")
        ]
        names += [str((Path(folder) / name).relative_to(ROOT)) for name in files if name != ".git"]  # of a work tree
    return sorted(names)


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_all_files_keep_the_rule(rule: Callable[[str, str], list[str]]) -> None:
    complaints = []
    for name in repository_files():
        text = text_of(ROOT / name)
        if text is not None and not FIXTURES.search(name):
            complaints += rule(name, text)
    assert complaints == []


@pytest.mark.parametrize("line", ["see /" + "root/x", "open('/" + "home/me')", "cd /" + "work"])
def test_a_path_of_one_machine_is_found(line: str) -> None:
    assert machine_paths("a.md", line) == ["a.md:1: a path of one machine"]


@pytest.mark.parametrize("line", ["<root>/work/x", "the home/work balance", "$ROOT/work/", "a/root/b", "/workers"])
def test_other_slashes_are_no_machine_paths(line: str) -> None:
    assert machine_paths("a.md", line) == []


def test_a_todo_needs_a_number() -> None:
    assert unreferenced_todos("a.cc", "// TODO later\n") != []
    assert unreferenced_todos("a.cc", "// TODO(#12) later\n") == []


def test_the_licence_stands_first_or_after_the_interpreter() -> None:
    assert missing_licence("a.cc", f"// {LICENCE}\n") == []
    assert missing_licence("a.sh", f"#!/bin/sh\n# {LICENCE}\n") == []
    assert missing_licence("a.py", f'"""Doc."""\n# {LICENCE}\n') == [f"a.py: does not begin with {LICENCE}"]
    assert missing_licence("a.md", "# Title\n") == []


def test_a_long_file_is_found() -> None:
    assert too_long("a.cc", "\n" * 600) == []
    assert too_long("a.cc", "\n" * 601) == ["a.cc: 601 lines, the limit is 600; look for the second concept"]
