# SPDX-License-Identifier: Apache-2.0
"""Every synchronisation edge (E1, E2, ...) that the sources cite has two ends and a row in the protocol's document."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EDGE = re.compile(r"\bE[1-9][0-9]*\b")
# A line that begins a function: in the first or third column, a name with a parenthesis, not a statement or a comment.
FUNCTION = re.compile(r"^(?:  )?(?!return\b|if\b|for\b|while\b|switch\b|static_assert\b)[A-Za-z][\w:<>,&*~ \[\]]*\(")
# These explain the edges to the reader; what they say is no end of one.
EXPLANATIONS = {"base/atomic.h", "segment/layout.h"}


def ends_in(path: Path, name: str) -> list[tuple[str, tuple[str, int]]]:
    """Each cited edge with the function it is cited in: the one around it, or the one a comment stands above."""
    lines = path.read_text().splitlines()
    found = []
    for number, line in enumerate(lines):
        for edge in EDGE.findall(line):
            around = max((n for n in range(number + 1) if FUNCTION.match(lines[n])), default=0)
            found.append((edge, (name, around)))
    return found


def check_edges(source: Path, document: str) -> list[str]:
    ends: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for path in sorted(source.rglob("*")):
        name = str(path.relative_to(source))
        if path.suffix in (".h", ".cc") and name not in EXPLANATIONS:
            for edge, place in ends_in(path, name):
                ends[edge].add(place)
    complaints = []
    for edge, places in sorted(ends.items()):
        if len(places) < 2:
            complaints.append(f"{edge} has one end only: {next(iter(places))[0]}")
        if edge not in EDGE.findall(document):
            complaints.append(f"{edge} is not in ring_protocol.md")
    return complaints


def test_every_edge_has_two_ends_and_is_documented() -> None:
    document = (ROOT / "runtime/doc/ring_protocol.md").read_text()
    assert check_edges(ROOT / "runtime/src", document) == []


def test_two_functions_of_one_file_are_two_ends(tmp_path: Path) -> None:
    (tmp_path / "a.cc").write_text("void Publish() {\n  // E1 release\n}\n\nvoid Take() {\n  // E1 acquire\n}\n")
    assert check_edges(tmp_path, "E1") == []


def test_one_function_is_one_end(tmp_path: Path) -> None:
    (tmp_path / "a.cc").write_text("void Publish() {\n  // E1 release\n  // again E1\n}\n")
    assert check_edges(tmp_path, "E1") == ["E1 has one end only: a.cc"]


def test_an_explanation_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base/atomic.h").write_text("// E1\n")
    (tmp_path / "a.cc").write_text("void Publish() {\n  // E1 release\n}\n")
    assert check_edges(tmp_path, "E1") == ["E1 has one end only: a.cc"]


def test_an_undocumented_edge_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.cc").write_text("void Publish() {\n  // E11 release\n}\n\nvoid Take() {\n  // E11 acquire\n}\n")
    assert check_edges(tmp_path, "E1 and E12") == ["E11 is not in ring_protocol.md"]
