# SPDX-License-Identifier: Apache-2.0
"""Every edge, invariant and mistake that the protocol's document numbers has a mutant that the model checker catches."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.sched.run_mutants import Mutant, chosen

ROOT = Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"\b[EIHK][1-9][0-9]*\b")
ROW = re.compile(r"^\| ([EIHK][1-9][0-9]*)\b", re.MULTILINE)
# No mutant of these can be caught, and why.
EXCUSED = {
    "E7": "what it forbids needs a load that is buffered, which the model has none of; its mutants are equivalent there",
    "K11": "a format, and no text to change: 70 bits do not fit in 64",
}


def named_by_caught(mutants: Iterable[Mapping[str, Any]]) -> set[str]:
    return {number for mutant in mutants if not mutant.get("equivalent") for number in NUMBER.findall(mutant["why"])}


def complaints(document: str, mutants: Iterable[Mapping[str, Any]], excused: Iterable[str]) -> list[str]:
    numbered, caught = set(ROW.findall(document)), named_by_caught(mutants)
    return [
        *(f"{number}: no mutant that is caught names it" for number in sorted(numbered - caught - set(excused))),
        *(f"{number}: excused, but a mutant that is caught names it" for number in sorted(caught & set(excused))),
        *(f"{number}: not in ring_protocol.md" for number in sorted((caught | set(excused)) - numbered)),
    ]


def test_every_edge_invariant_and_mistake_has_a_mutant_that_is_caught() -> None:
    document = (ROOT / "runtime/doc/ring_protocol.md").read_text()
    mutants = tomllib.loads((ROOT / "tests/sched/mutants.toml").read_text())["mutant"]

    assert complaints(document, mutants, EXCUSED) == []


def test_what_only_an_equivalent_mutant_names_or_nobody_is_reported() -> None:
    document = "| E1 publish | a |\n| E2 | b |\n| I3 | see E9 |\n"
    mutants = [{"why": "E1: seen"}, {"why": "E2: not seen", "equivalent": "because"}]

    assert complaints(document, mutants, []) == ["E2: no mutant that is caught names it", "I3: no mutant that is caught names it"]


def test_an_excuse_that_is_none_any_more_and_a_number_that_is_gone_are_reported() -> None:
    mutants = [{"why": "E1, H4: seen"}]

    assert complaints("| E1 | a |\n", mutants, ["E1", "K2"]) == [
        "E1: excused, but a mutant that is caught names it",
        "H4: not in ring_protocol.md",
        "K2: not in ring_protocol.md",
    ]


def test_the_text_that_a_mutant_replaces_is_there_once() -> None:
    mutants = tomllib.loads((ROOT / "tests/sched/mutants.toml").read_text())["mutant"]
    places = {mutant["name"]: (ROOT / mutant["file"]).read_text().count(mutant["old"]) for mutant in mutants if "file" in mutant}

    assert {name: times for name, times in places.items() if times != 1} == {}


def test_a_run_tries_as_many_mutants_as_it_is_told_and_the_same_for_a_seed() -> None:
    mutants = [Mutant(str(number), "", (), ()) for number in range(20)]

    assert chosen(mutants, 0, 1) == mutants
    assert chosen(mutants, 20, 1) == mutants
    some = chosen(mutants, 5, 1)
    assert len(some) == 5
    assert sorted(some, key=mutants.index) == some
    assert chosen(mutants, 5, 1) == some
    assert {mutant.name for seed in range(100) for mutant in chosen(mutants, 5, seed)} == {mutant.name for mutant in mutants}
