# SPDX-License-Identifier: Apache-2.0
"""The coverage of C++ adds up what llvm-cov tells, and misses no gap."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from tests.cpp_coverage import File, Goal, missing, read_branches, read_lines, table, unreached_lines

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "int f(int x) {\n  if (x > 1) return 2;\n  return 3;  // unreached: x is large\n}\n"


def files_of(lines: dict[int, int], branches: dict[tuple[int, int], tuple[int, int]]) -> dict[str, File]:
    return {"a/b/f.cc": File(lines, branches)}


def test_a_condition_is_two_branches_and_a_goal_that_is_missed_fails() -> None:
    files = files_of({1: 1, 2: 1, 3: 0}, {(2, 7): (1, 0)})

    rows, is_reached = table(files, {"a/b/f.cc": SOURCE.replace("unreached", "")}, [Goal("a", 60, 51)])

    assert [row.split()[:6] for row in rows[1:]] == [["a/b", "3", "66.7", "%", "2", "50.0"], ["a", "3", "66.7", "%", "2", "50.0"]]
    assert "below the goals" in rows[-1]
    assert not is_reached


def test_what_cannot_be_reached_counts_for_nothing_but_is_counted() -> None:
    rows, is_reached = table(files_of({1: 1, 2: 1, 3: 0}, {(2, 7): (1, 1)}), {"a/b/f.cc": SOURCE}, [Goal("a", 100, 100)])

    assert rows[-1].split() == ["a", "2", "100.0", "%", "2", "100.0", "%", "1"]
    assert is_reached


def test_a_folder_of_which_nothing_was_measured_misses_its_goal() -> None:
    assert table({}, {}, [Goal("a", 0, 0)])[1] is False


def test_gaps_are_listed_with_their_place() -> None:
    text = SOURCE.replace("unreached", "")

    gaps = list(missing(files_of({2: 1, 3: 0}, {(2, 7): (0, 1)}), {"a/b/f.cc": text}))

    assert gaps == [
        "a/b/f.cc:2:7: never true: if (x > 1) return 2;",
        "a/b/f.cc:3:0: never executed: return 3;  // : x is large",
    ]


def test_instances_of_one_function_are_added_up() -> None:
    files: dict[str, File] = defaultdict(File)
    instance = {"filenames": ["f.h", "other.h"], "branches": [[2, 7, 2, 9, 1, 0, 0, 0, 4]]}
    other = {"filenames": ["other.h", "f.h"], "branches": [[2, 7, 2, 9, 0, 3, 1, 0, 4]]}

    read_branches({"data": [{"functions": [instance, other]}]}, files)
    read_lines(["SF:f.h", "DA:2,1", "DA:3,0", "end_of_record", "SF:g.h", "DA:2,7"], files)

    assert files["f.h"].branches == {(2, 7): (1, 3)}
    assert files["f.h"].lines == {2: 1, 3: 0}
    assert files["g.h"].lines == {2: 7}


def test_a_line_that_cannot_be_reached_says_why() -> None:
    assert unreached_lines("a;  // unreached:\nb;  // unreached: full\n") == {2}
    for path in (ROOT / "runtime").rglob("*.[ch]*"):
        text = path.read_text(encoding="utf-8")
        assert len(re.findall("// unreached", text)) == len(unreached_lines(text)), f"{path}: a reason is missing"
