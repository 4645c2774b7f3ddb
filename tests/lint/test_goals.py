# SPDX-License-Identifier: Apache-2.0
"""The goals table adds up what tests print."""

from __future__ import annotations

from tests.goals import Goal, greatest, missed, survivors, table, total


def test_figures_are_added_up_and_a_goal_that_is_missed_is_marked() -> None:
    goals = [Goal("kills", 50, r"kills (\d+)", total), Goal("kinds", 2, r"kills (\d+)", len), Goal("none", 1, r"no (\d+)", total)]

    lines = table("kills 40\nother\nkills 20\n", goals)

    assert [line.split() for line in lines[1:]] == [["50", "60", "kills"], ["2", "2", "kinds"], ["1", "0", "-", "none"]]


def test_what_must_not_be_exceeded_is_marked_when_it_is_or_was_not_measured() -> None:
    goals = [
        Goal("slow", 50, r"took (\d+)", greatest, is_most=True),
        Goal("quick", 60, r"took (\d+)", greatest, is_most=True),
        Goal("unmeasured", 50, r"waited (\d+)", greatest, is_most=True),
        Goal("survivors", 0, r"mutants: (\d+) of (\d+) caught", survivors, is_most=True),
    ]

    lines = table("took 20\ntook 60\nmutants: 5 of 7 caught, 2 equivalent\n", goals)

    assert [line.split() for line in lines[1:]] == [
        ["50", "60", "-", "slow"],
        ["60", "60", "quick"],
        ["50", "0", "-", "unmeasured"],
        ["0", "2", "-", "survivors"],
    ]


def test_a_goal_that_is_missed_fails_the_run_unless_it_is_of_time() -> None:
    goals = [
        Goal("kills", 50, r"kills (\d+)", total),
        Goal("enough", 10, r"kills (\d+)", total),
        Goal("slow", 50, r"took (\d+)", greatest, is_most=True, is_time=True),
    ]

    assert missed("kills 40\ntook 60\n", goals) == ["kills"]
