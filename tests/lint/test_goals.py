# SPDX-License-Identifier: Apache-2.0
"""The goals table adds up what tests print."""

from __future__ import annotations

from tests.goals import Goal, table, total


def test_figures_are_added_up_and_a_goal_that_is_missed_is_marked() -> None:
    goals = [Goal("kills", 50, r"kills (\d+)", total), Goal("kinds", 2, r"kills (\d+)", len), Goal("none", 1, r"no (\d+)", total)]

    lines = table("kills 40\nother\nkills 20\n", goals)

    assert [line.split() for line in lines[1:]] == [["50", "60", "kills"], ["2", "2", "kinds"], ["1", "0", "-", "none"]]
